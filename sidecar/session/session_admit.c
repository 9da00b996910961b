/* Answers from the current snapshot about one connection: what was declared, where it goes, whether
 * it may. Worker thread; changes nothing but what is remembered of the peer.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/session/session_admit.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/net/tls_stream.h"
#include "lib/tls/spiffe.h"
#include "lib/schema/schema_format.h"
#include "filters/authz.h"
#include "sidecar/route/listener_choice.h"
#include "sidecar/route/route_table.h"
#include "sidecar/session/session_priv.h"
#include "sidecar/session/tunnel.h"

static const struct snapshot *snapshot_of(const struct session *s)
{
    return worker_snapshot(s->worker);
}

int session_outbound_protocol(const struct session *s)
{
    if (s->is_explicit)
        return WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP;
    const struct destination_conf *destination =
        snapshot_destination_by_addr(snapshot_of(s), &s->info.original_dst);
    if (destination)
        return destination->protocol;
    if (snapshot_workload(snapshot_of(s), &s->info.original_dst))
        return WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_AUTO;
    return WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TCP; /* not ours: passed on untouched */
}

static const struct inbound_port_conf *inbound_port(const struct session *s)
{
    return snapshot_inbound_port(snapshot_of(s), s->info.original_dst.port);
}

static Weft__Config__V1__MtlsMode mtls_mode(const struct session *s)
{
    return snapshot_mtls_mode(snapshot_of(s), s->info.original_dst.port);
}

int session_inbound_protocol(const struct session *s)
{
    const struct inbound_port_conf *port = inbound_port(s);
    return port ? (int)port->protocol : (int)WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_AUTO;
}

bool session_is_declared_http(const struct session *s)
{
    switch (s->protocol) {
    case WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP:
    case WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP1:
    case WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP2:
        return true;
    default:
        return false;
    }
}

bool session_offers_mesh(const struct session *s, const struct sniff_hello *hello)
{
    if (mtls_mode(s) == WEFT__CONFIG__V1__MTLS_MODE__MTLS_DISABLE)
        return false;
    for (unsigned i = 0; i < hello->alpn_count; i++)
        for (unsigned j = 0; j < MESH_ALPN_COUNT; j++)
            if (slice_eq(hello->alpn[i], slice_from_cstr(mesh_alpn_names[j])))
                return true;
    return false;
}

/* Only ports that are known: behind the loopback address there is more than the app offers. */
bool session_take_named_port(struct session *s, struct slice sni)
{
    static const struct addr loopback = {.family = 4, .ip = {127, 0, 0, 1}};
    const struct slice suffix = SLICE(".weft");
    uint64_t port;
    if (sni.len < 2 + suffix.len || sni.ptr[0] != 'p' || !slice_ends_with(sni, suffix) ||
        slice_to_u64(slice_sub(sni, 1, sni.len - 1 - suffix.len), &port) || port > UINT16_MAX)
        return false;
    if (!snapshot_inbound_port(snapshot_of(s), (uint16_t)port))
        return false;
    s->info.original_dst.port = (uint16_t)port;
    s->forward = loopback;
    s->forward.port = (uint16_t)port;
    return true;
}

static struct cluster *outbound_cluster(struct session *s)
{
    const struct addr *to = &s->info.original_dst;
    struct cluster_table *clusters = &s->worker->clusters;
    const struct destination_conf *destination = snapshot_destination_by_addr(snapshot_of(s), to);
    if (destination)
        return destination->default_cluster ? cluster_of(clusters, destination->default_cluster)
                                            : NULL;
    const struct workload_conf *workload = snapshot_workload(snapshot_of(s), to);
    bool mesh = workload && workload->meshed;
    return cluster_for_addr(clusters, mesh ? SLICE("direct") : SLICE("passthrough"), to,
                            mesh ? workload->spiffe_id : (struct slice){0});
}

/* What has a connection at a gateway that is not for HTTP. NULL: nothing. */
static const struct route_conf *gateway_stream(const struct session *s)
{
    const struct gateway_conf *g = snapshot_gateway(snapshot_of(s), s->gateway_port);
    if (!g || g->listener_count == 0)
        return NULL;
    const struct gateway_listener_conf *listener =
        g->by_name ? listener_choice_by_name(g, s->info.sni) : &g->listeners[0];
    return listener ? listener_choice_stream(g, listener, s->info.sni) : NULL;
}

static struct cluster *gateway_cluster(struct session *s)
{
    const struct route_conf *route = gateway_stream(s);
    const struct backend_conf *backend =
        route ? route_pick_backend(route, (uint32_t)rand_next(&s->worker->rand)) : NULL;
    return backend && backend->cluster ? cluster_of(&s->worker->clusters, backend->cluster) : NULL;
}

bool session_has_backend(const struct session *s)
{
    const struct route_conf *route = gateway_stream(s);
    for (uint16_t i = 0; route && i < route->backend_count; i++)
        if (route->backends[i].weight && route->backends[i].cluster)
            return true;
    return false;
}

struct cluster *session_cluster(struct session *s)
{
    switch (s->info.direction) {
    case DIRECTION_OUTBOUND:
        return s->is_explicit ? NULL : outbound_cluster(s);
    case DIRECTION_INBOUND:
        return cluster_for_addr(&s->worker->clusters, SLICE("inbound"), &s->forward,
                                (struct slice){0});
    case DIRECTION_INGRESS:
        return gateway_cluster(s);
    }
    return NULL;
}

/* A port that is no longer a gateway's lets no connection in, and those that are there be. */
static const struct authz *authz_of(const struct session *s)
{
    if (s->info.direction == DIRECTION_INBOUND)
        return snapshot_inbound(snapshot_of(s))->authz;
    const struct gateway_conf *g = snapshot_gateway(snapshot_of(s), s->gateway_port);
    return g ? g->authz : NULL;
}

bool session_admit_opaque(struct session *s, char why[128])
{
    if (s->info.direction == DIRECTION_OUTBOUND)
        return true;
    if (s->info.direction == DIRECTION_INBOUND && !s->forward.family) {
        snprintf(why, 128, "%s", SESSION_NOT_REDIRECTED);
        return false;
    }
    if (s->info.direction == DIRECTION_INBOUND && !s->is_mesh &&
        mtls_mode(s) == WEFT__CONFIG__V1__MTLS_MODE__MTLS_STRICT) {
        snprintf(why, 128, "this workload accepts mutual TLS only");
        return false;
    }
    const struct authz *authz = authz_of(s);
    return !authz || authz_decide_tcp(authz, &s->info, why);
}

/* The context that a client of this kind is accepted with today; NULL: there is none. */
static const struct tls_ctx *context_of(const struct session *s)
{
    if (s->info.direction == DIRECTION_INBOUND)
        return s->worker->identity ? s->worker->identity->server : NULL;
    const struct gateway_conf *g = s->info.direction == DIRECTION_INGRESS
                                       ? snapshot_gateway(snapshot_of(s), s->gateway_port)
                                       : NULL;
    return !g ? NULL : s->is_bytes ? g->tls_bytes : g->tls;
}

static struct stream *transport_of(const struct session *s)
{
    if (s->server)
        return http_server_transport(s->server);
    return s->tunnel && !s->transport ? tunnel_downstream(s->tunnel) : s->transport;
}

bool session_is_trusted(const struct session *s, char why[TLS_DETAIL_MAX])
{
    const struct tls_ctx *ctx = s->info.is_tls ? context_of(s) : NULL;
    /* A port without listeners has nobody who would vouch for the clients that were known there. */
    if (!ctx && s->info.direction == DIRECTION_INGRESS && s->xfcc.len) {
        snprintf(why, TLS_DETAIL_MAX, "no listener of its port knows clients any more");
        return false;
    }
    struct stream *transport = ctx ? transport_of(s) : NULL;
    return !transport || tls_stream_review(transport, ctx, NULL, why) == ERR_OK;
}

/* Envoy's form of x-forwarded-client-cert, which apps know. At a gateway only what was verified is
 * told: the certificate, and not whose it claims to be in the mesh. */
static void write_xfcc(struct session *s)
{
    static const char hex[] = "0123456789abcdef";
    char hash[65];
    for (unsigned i = 0; i < 32; i++) {
        hash[2 * i] = hex[s->peer.cert_sha256[i] >> 4];
        hash[2 * i + 1] = hex[s->peer.cert_sha256[i] & 15];
    }
    hash[64] = 0;
    if (s->info.direction == DIRECTION_INGRESS) {
        s->xfcc = slice_from_cstr(
            mem_printf("Hash=%s;Subject=\"%.*s\"", hash, SLICE_ARG(s->peer.subject)));
        return;
    }
    s->xfcc = slice_from_cstr(mem_printf("By=%s;Hash=%s;Subject=\"%.*s\";URI=%.*s",
                                         s->worker->identity->spiffe_id, hash,
                                         SLICE_ARG(s->peer.subject), SLICE_ARG(s->peer.spiffe_id)));
}

/* What its certificate says, and nothing that it says itself. */
static void describe_party(struct session *s)
{
    struct spiffe_id id;
    struct slice text = slice_from_cstr(s->peer_id);
    s->party.principal = text;
    if (spiffe_parse(text, &id) == ERR_OK && schema_format_label_name.is_valid(id.ns))
        s->party.namespace_name = id.ns;
    s->party.hash = metrics_party_hash(&s->party);
}

void session_describe_peer(struct session *s)
{
    struct slice id = s->peer.spiffe_id;
    struct slice scheme = SLICE("spiffe://");
    if (s->info.direction == DIRECTION_INGRESS)
        write_xfcc(s);
    if (s->info.direction == DIRECTION_INGRESS || !slice_starts_with(id, scheme))
        return;
    s->peer_id = mem_strndup(id.ptr, id.len);
    s->peer_principal = s->peer_id + scheme.len;
    describe_party(s);
    if (s->info.direction == DIRECTION_INBOUND && s->worker->identity)
        write_xfcc(s);
}

void session_learn_source(struct session *s, struct slice label)
{
    struct slice workload = slice_sub(label, slice_find_byte(label, '/') + 1, label.len);
    if (s->has_said_source || !label.len)
        return; /* one connection is one sidecar's */
    s->has_said_source = true;
    if (!schema_format_name.is_valid(workload)) {
        metrics_add(s->worker->metrics, METRICS_PEER_NAMES_REFUSED, 1);
        return;
    }
    s->party_workload = mem_strndup(workload.ptr, workload.len);
    s->party.workload = slice_of(s->party_workload, workload.len);
    s->party.hash = metrics_party_hash(&s->party);
}
