/* Connecting to endpoints; the one place where a hop becomes mutual TLS. Worker thread; keeps
 * nothing. Must not know what the connection will carry.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/dialer.h"

#include <stdio.h>

#include "lib/io/tcp.h"
#include "lib/net/tls_stream.h"
#include "sidecar/worker/worker.h"

/* What the proxy sends to its own pod must not be redirected to the proxy again: the redirect rules
 * let this source pass (see redirect). */
static const struct addr passthrough_v4 = {.family = 4, .ip = {127, 0, 0, 6}};
static const struct addr passthrough_v6 = {.family = 6, .ip = {[15] = 6}};

static bool is_own_listener(const struct endpoint *e)
{
    const struct settings *settings = e->cluster->worker->settings;
    const struct addr *to = &e->conf->addr;
    bool is_admin = to->port == settings->admin.port;
    if (to->port != settings->outbound_port && to->port != settings->inbound_port && !is_admin)
        return false;
    return e->cluster->is_own_app || addr_is_loopback(to) || addr_eq_ip(to, &settings->pod_ip);
}

static enum mesh_alpn mesh_name(const struct endpoint *e, enum backend_speech speech)
{
    if (e->owner->tls || speech == BACKEND_BYTES)
        return MESH_ALPN_TCP;
    return speech == BACKEND_H1 ? MESH_ALPN_H1 : MESH_ALPN_H2;
}

/* What would make it wrong to try. */
static enum fail check(const struct endpoint *e, bool mesh, enum backend_speech speech)
{
    const struct backend_tls *tls = e->owner->tls;
    if (is_own_listener(e))
        return FAIL_LOOP;
    if (mesh && !e->cluster->worker->identity)
        return FAIL_IDENTITY_MISSING;
    return tls && !backend_tls_context(tls, speech) ? FAIL_TLS_FAILED : FAIL_NONE;
}

/* The outermost is the endpoint's own TLS, where it has one; the mesh's is below it. */
bool dialer_trusts(const struct endpoint *e, enum backend_speech speech, struct stream *s,
                   char why[TLS_DETAIL_MAX])
{
    const struct mesh_identity *identity = e->cluster->worker->identity;
    const struct backend_tls *own = e->owner->tls;
    bool mesh = e->conf->meshed && !e->owner->mtls_disabled;
    if (own) {
        struct tls_stream_options options = {.server_name = backend_tls_name(own)};
        const struct tls_ctx *ctx = backend_tls_context(own, speech);
        if (!ctx) {
            snprintf(why, TLS_DETAIL_MAX, "there are no usable roots for it any more");
            return false;
        }
        if (tls_stream_review(s, ctx, &options, why) != ERR_OK)
            return false;
        s = mesh ? tls_stream_lower(s) : NULL;
    }
    if (!mesh || !identity || !s)
        return true;
    struct tls_stream_options options = {.expect_spiffe_id = e->conf->spiffe_id};
    return tls_stream_review(s, identity->client[mesh_name(e, speech)], &options, why) == ERR_OK;
}

struct stream *dialer_open(struct endpoint *e, enum backend_speech speech,
                           const struct stream_events *events, void *owner, enum fail *why)
{
    struct worker *w = e->cluster->worker;
    const struct endpoint_conf *conf = e->conf;
    const struct backend_tls *own = e->owner->tls;
    bool mesh = conf->meshed && !e->owner->mtls_disabled;
    *why = check(e, mesh, speech);
    if (*why != FAIL_NONE)
        return NULL;
    /* One limit for all of it: each layer counts from now on. */
    struct tcp_dial_options options = {.timeout_ms = e->owner->connect_timeout_ms,
                                       .keepalive = e->owner->keepalive};
    /* Only towards the app: what the pod sends to its own service has to come in by the front. */
    if (w->settings->is_redirected && e->cluster->is_own_app)
        options.bind = conf->addr.family == 4 ? passthrough_v4 : passthrough_v6;
    if (!mesh && !own)
        return tcp_dial(w->loop, &conf->addr, &options, events, owner);
    struct addr to = conf->addr;
    if (mesh && conf->mesh_port)
        to.port = conf->mesh_port;
    struct stream *s = tcp_dial(w->loop, &to, &options, NULL, NULL);
    if (mesh) {
        struct tls_stream_options tls = {.expect_spiffe_id = conf->spiffe_id,
                                         .server_name = conf->port_name,
                                         .handshake_timeout_ms = options.timeout_ms};
        s = tls_stream_create(s, w->identity->client[mesh_name(e, speech)], &tls, NULL,
                              own ? NULL : events, own ? NULL : owner);
    }
    if (!own)
        return s;
    struct tls_stream_options tls = {.server_name = backend_tls_name(own),
                                     .handshake_timeout_ms = options.timeout_ms};
    return tls_stream_create(s, backend_tls_context(own, speech), &tls, NULL, events, owner);
}

enum fail dialer_fail(enum err why)
{
    switch (why) {
    case ERR_TIMEOUT:
        return FAIL_CONNECT_TIMEOUT;
    case ERR_UNTRUSTED:
    case ERR_EXPIRED:
    case ERR_PROTOCOL:
    case ERR_CRYPTO:
    case ERR_DENIED:
        return FAIL_TLS_FAILED;
    default:
        return FAIL_CONNECT_FAILED;
    }
}
