/* Connecting to endpoints; the one place where a hop becomes mutual TLS. Worker thread; keeps
 * nothing. Must not know what the connection will carry.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/dialer.h"

#include "lib/io/tcp.h"
#include "lib/net/tls_stream.h"
#include "sidecar/worker.h"

/* What the proxy sends to its own pod must not be redirected to the proxy again: the redirect rules
 * let this source pass (see redirect). */
static const struct addr passthrough_v4 = {.family = 4, .ip = {127, 0, 0, 6}};
static const struct addr passthrough_v6 = {.family = 6, .ip = {[15] = 6}};

static bool is_own_listener(const struct endpoint *e)
{
    const struct settings *settings = e->cluster->worker->settings;
    const struct addr *to = &e->conf->addr;
    if (to->port != settings->outbound_port && to->port != settings->inbound_port)
        return false;
    return e->cluster->is_own_app || addr_is_loopback(to) || addr_eq_ip(to, &settings->pod_ip);
}

struct stream *dialer_open(struct endpoint *e, enum mesh_alpn alpn,
                           const struct stream_events *events, void *owner, enum fail *why)
{
    struct worker *w = e->cluster->worker;
    const struct endpoint_conf *conf = e->conf;
    bool mesh = conf->meshed && !e->owner->mtls_disabled;
    if (is_own_listener(e)) {
        *why = FAIL_LOOP;
        return NULL;
    }
    if (mesh && !w->identity) {
        *why = FAIL_IDENTITY_MISSING;
        return NULL;
    }
    struct tcp_dial_options options = {.timeout_ms = e->owner->connect_timeout_ms};
    /* Only towards the app: what the pod sends to its own service has to come in by the front. */
    if (w->settings->is_redirected && e->cluster->is_own_app)
        options.bind = conf->addr.family == 4 ? passthrough_v4 : passthrough_v6;
    if (!mesh)
        return tcp_dial(w->loop, &conf->addr, &options, events, owner);
    struct tls_stream_options tls = {.expect_spiffe_id = conf->spiffe_id};
    struct stream *lower = tcp_dial(w->loop, &conf->addr, &options, NULL, NULL);
    return tls_stream_create(lower, w->identity->client[alpn], &tls, NULL, events, owner);
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
