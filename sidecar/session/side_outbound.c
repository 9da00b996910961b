/* Connections of the app in this pod: redirected here on their way to a Service, a pod or anything
 * else, or made to the outbound listener itself by an app that takes it for a proxy.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/traffic_conf.h"
#include "sidecar/exchange/exchange_priv.h"
#include "sidecar/session/session_ask.h"
#include "sidecar/session/session_priv.h"

#define TCP WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TCP
#define TLS WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TLS

static const struct snapshot *snapshot_of(const struct session *s)
{
    return worker_snapshot(s->worker);
}

static const struct destination_conf *destination_of(const struct session *s)
{
    return snapshot_destination_by_addr(snapshot_of(s), &s->info.original_dst);
}

/* ---- the connection ---- */

/* AUTO: nobody said. */
static int declared_protocol(const struct session *s)
{
    if (s->is_explicit)
        return WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP;
    const struct destination_conf *destination = destination_of(s);
    if (destination)
        return destination->protocol;
    if (snapshot_workload(snapshot_of(s), &s->info.original_dst))
        return WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_AUTO;
    return TCP; /* not ours: passed on untouched */
}

void side_outbound_resume(struct session *s)
{
    timer_stop(&s->timer);
    s->protocol = declared_protocol(s);
    if (s->protocol == TCP || s->protocol == TLS)
        session_serve_opaque(s);
    else
        session_detect(s);
}

static void begin(struct session *s)
{
    struct addr *dst = &s->info.original_dst;
    s->is_explicit = tcp_original_dst(s->transport, dst) != ERR_OK || addr_eq(dst, &s->info.local);
    if (s->is_explicit)
        *dst = s->info.local;
    if (s->is_explicit && !addr_is_loopback(&s->info.peer)) {
        session_refuse(s, "only the app in this pod may use the outbound listener");
        return;
    }
    if (!session_ask(s))
        side_outbound_resume(s);
}

/* The app's own TLS. */
static void take_hello(struct session *s, const struct sniff_hello *hello)
{
    (void)hello;
    if (session_is_declared_http(s))
        session_refuse(s, "the port is declared to be HTTP and the client speaks TLS");
    else
        session_serve_opaque(s);
}

static const struct http_server_config *server_config(const struct session *s)
{
    return &s->worker->settings->server_outbound;
}

static struct cluster *cluster(struct session *s)
{
    const struct addr *to = &s->info.original_dst;
    struct cluster_table *clusters = &s->worker->clusters;
    if (s->is_explicit)
        return NULL;
    const struct destination_conf *destination = destination_of(s);
    if (destination)
        return destination->default_cluster ? cluster_of(clusters, destination->default_cluster)
                                            : NULL;
    const struct workload_conf *workload = snapshot_workload(snapshot_of(s), to);
    bool mesh = workload && workload->meshed;
    return cluster_for_addr(clusters, mesh ? SLICE("direct") : SLICE("passthrough"), to,
                            mesh ? workload->spiffe_id : (struct slice){0});
}

/* ---- its requests ---- */

/* CONNECT is for a forward proxy, and we are none. What is behind a CONNECT to another is nobody's
 * to see. */
static enum fail receive(struct exchange *ex, struct slice *detail)
{
    forwarded_from_peer(&ex->client, &ex->session->info.peer);
    exchange_take_controls(ex);
    exchange_identify(ex);
    if (!message_is_connect(ex->request) || !ex->session->is_explicit)
        return FAIL_NONE;
    *detail = SLICE("CONNECT");
    return FAIL_UPGRADE_DENIED;
}

static struct slice host_and_port(struct slice authority, uint16_t *port)
{
    size_t colon = authority.len;
    while (colon > 0 && authority.ptr[colon - 1] >= '0' && authority.ptr[colon - 1] <= '9')
        colon--;
    if (colon == 0 || colon == authority.len || authority.ptr[colon - 1] != ':')
        return authority;
    uint64_t number;
    *port = 0; /* what is no port is no destination's */
    if (slice_to_u64(slice_sub(authority, colon, authority.len), &number) == ERR_OK &&
        number <= 65535)
        *port = (uint16_t)number;
    return slice_sub(authority, 0, colon - 1);
}

/* A pod called by its own address: no service, so no routes; mutual TLS all the same. */
static enum fail route_to_address(struct exchange *ex)
{
    static const struct route_conf direct_route = {
        .name = {"direct", 6},
        .timeouts = {.idle_ms = TRAFFIC_IDLE_MS},
        .retry = {.attempts = 1,
                  .on_reset = true,
                  .on_connect_failure = true,
                  .only_idempotent = true,
                  .budget_percent = 20,
                  .budget_min_per_second = 10,
                  .backoff_base_ms = 25,
                  .backoff_max_ms = 250},
    };
    const struct addr *to = &ex->session->info.original_dst;
    const struct workload_conf *workload = snapshot_workload(ex->lease->snapshot, to);
    bool mesh = workload && workload->meshed;
    ex->route = &direct_route;
    exchange_use_cluster(ex, cluster_for_addr(&ex->worker->clusters, SLICE("direct"), to,
                                              mesh ? workload->spiffe_id : (struct slice){0}));
    return FAIL_NONE;
}

/* The one that the Host header names, where the app takes us for a proxy. */
static const struct destination_conf *named_destination(const struct exchange *ex)
{
    uint16_t port = 80;
    struct slice host = host_and_port(ex->request->authority, &port);
    return snapshot_destination_by_host(ex->lease->snapshot, host, port);
}

static enum fail route(struct exchange *ex, struct slice *detail)
{
    const struct session *s = ex->session;
    const struct destination_conf *to =
        s->is_explicit ? named_destination(ex)
                       : snapshot_destination_by_addr(ex->lease->snapshot, &s->info.original_dst);
    if (!to && !s->is_explicit)
        return route_to_address(ex);
    if (!to) {
        *detail = ex->request->authority;
        return FAIL_NO_DESTINATION;
    }
    /* What CONNECT names is for the proxy, and no host of ours. */
    if (to->routes && !(message_is_connect(ex->request) && to->default_route)) {
        enum fail why = exchange_find_in_table(ex, to->routes, detail);
        if (why != FAIL_NONE)
            return why;
    } else {
        ex->route = to->default_route;
        *detail = to->name;
    }
    if (!ex->route)
        return FAIL_NO_CLUSTER;
    exchange_choose_backend(ex);
    return FAIL_NONE;
}

const struct side side_outbound = {
    .name = "outbound",
    .drains_last = true,
    .begin = begin,
    .take_hello = take_hello,
    .server_config = server_config,
    .cluster = cluster,
    .receive = receive,
    .route = route,
};
