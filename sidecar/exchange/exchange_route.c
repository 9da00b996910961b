/* The first steps of an exchange: may this request be here, and where does it go. Worker thread;
 * knows nothing of connections.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/base/rand.h"
#include "lib/codec/http/normalize.h"
#include "lib/codec/http/preflight.h"
#include "sidecar/exchange/exchange_priv.h"
#include "filters/authz.h"
#include "lib/codec/http/host.h"
#include "sidecar/route/listener_choice.h"
#include "sidecar/route/route_hosts.h"
#include "sidecar/route/route_table.h"
#include "sidecar/session/session_admit.h"

#define INBOUND_RETRY                                                                \
    {                                                                                \
        .attempts = 1, .on_reset = true, .only_idempotent = true,                    \
        .budget_percent = 20, .budget_min_per_second = 10, .backoff_base_ms = 2,     \
        .backoff_max_ms = 5                                                          \
    }

/* Requests that come in for the app behind us: no route, and a retry only for the race in which the
 * app closes an idle connection just as we reuse it. What the policies say of time, the caller's
 * sidecar or Gateway keeps; who comes without one is only kept from staying for ever. */
static const struct route_conf inbound_mesh_route = {.name = {"inbound", 7},
                                                     .retry = INBOUND_RETRY};
static const struct route_conf inbound_route = {
    .name = {"inbound", 7}, .timeouts = {.idle_ms = 3600000}, .retry = INBOUND_RETRY};
static const struct route_conf direct_route = {
    .name = {"direct", 6},
    .timeouts = {.idle_ms = 300000},
    .retry = {.attempts = 1,
              .on_reset = true,
              .on_connect_failure = true,
              .only_idempotent = true,
              .budget_percent = 20,
              .budget_min_per_second = 10,
              .backoff_base_ms = 25,
              .backoff_max_ms = 250},
};

static bool refuses_plaintext(const struct exchange *ex)
{
    const struct session *s = ex->session;
    if (s->info.direction != DIRECTION_INBOUND || s->is_mesh)
        return false;
    return snapshot_mtls_mode(ex->lease->snapshot, s->info.original_dst.port) ==
           WEFT__CONFIG__V1__MTLS_MODE__MTLS_STRICT;
}

/* CONNECT is for a forward proxy that the client knows: never for a gateway nor for us. Nobody sees
 * what is behind it, so what says anything of requests must not have to be asked. */
static bool refuses_connect(struct exchange *ex, char why[128])
{
    struct session *s = ex->session;
    if (!message_is_connect(ex->request))
        return false;
    snprintf(why, 128, "CONNECT");
    if (s->info.direction == DIRECTION_INGRESS || s->is_explicit)
        return true;
    return !session_admit_opaque(s, why);
}

/* "//x/y" is "/x/y" for us, and "/y" at host x for many URL parsers: at a Gateway it goes on as
 * what routes were matched with. Sidecars change nothing, and their policies see both. */
static void merge_leading_slashes(struct exchange *ex)
{
    struct slice *path = &ex->request->path;
    if (ex->session->info.direction != DIRECTION_INGRESS)
        return;
    while (path->len > 1 && path->ptr[0] == '/' && path->ptr[1] == '/')
        *path = slice_sub(*path, 1, path->len);
}

enum progress exchange_step_admit(struct exchange *ex)
{
    char why[128];
    if (!has(ex, GOT_REQUEST_HEAD))
        return PARK;
    struct message *request = ex->request;
    struct slice bad = {0};
    exchange_arm_timer(ex);
    bool good = exchange_settle_client(ex, &bad);
    exchange_receive_head(ex);
    if (refuses_plaintext(ex))
        return exchange_fail(ex, FAIL_PLAINTEXT_DENIED, (struct slice){0});
    if (refuses_connect(ex, why))
        return exchange_fail(ex, FAIL_UPGRADE_DENIED, arena_copy(&ex->arena, slice_from_cstr(why)));
    if (!good)
        return exchange_fail(ex, FAIL_BAD_REQUEST, bad);
    merge_leading_slashes(ex);
    struct slice path = message_path_only(request);
    ex->match_path =
        path.len ? normalize_path_readings(&ex->arena, path, &ex->other_paths) : SLICE("/");
    if (slice_is_empty(ex->match_path))
        return exchange_fail(ex, FAIL_BAD_REQUEST, SLICE("the path is ambiguous"));
    ex->step = STEP_guard;
    return GO;
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

static void use_cluster(struct exchange *ex, struct cluster *cluster)
{
    upstream_request_begin(&ex->up, cluster);
    retry_budget_request(&cluster->usage->budget, loop_now_ms(ex->worker->loop));
}

/* Where there is none the filters of the route have the word all the same. */
static enum progress choose_backend(struct exchange *ex)
{
    const struct route_conf *route = ex->route;
    if (route->backend_count) {
        ex->backend = route_pick_backend(route, (uint32_t)rand_next(&ex->worker->rand));
        if (ex->backend && ex->backend->cluster)
            use_cluster(ex, cluster_of(&ex->worker->clusters, ex->backend->cluster));
    }
    return GO;
}

/* At a Gateway routes decide what is exposed: what the backend may read must be what was routed. */
static bool is_one_route(const struct exchange *ex, const struct route_table *table)
{
    return ex->session->info.direction != DIRECTION_INGRESS ||
           route_table_is_one_route(table, ex->request, ex->other_paths, ex->route);
}

static enum progress use_table(struct exchange *ex, const struct route_table *table)
{
    struct slice why;
    if (!exchange_check_names(ex, table->headers, &why))
        return exchange_fail(ex, FAIL_BAD_REQUEST, why);
    ex->route = route_table_find(table, ex->request, ex->match_path);
    if (!is_one_route(ex, table)) {
        ex->route = NULL;
        return exchange_fail(ex, FAIL_BAD_REQUEST,
                             SLICE("the path can be read in ways that lead to different routes"));
    }
    return ex->route ? choose_backend(ex) : exchange_fail(ex, FAIL_NO_ROUTE, (struct slice){0});
}

static enum progress route_inbound(struct exchange *ex)
{
    ex->route = ex->session->is_mesh ? &inbound_mesh_route : &inbound_route;
    use_cluster(ex, cluster_for_addr(&ex->worker->clusters, SLICE("inbound"), &ex->session->forward,
                                     (struct slice){0}));
    return GO;
}

/* A pod called by its own address: no service, so no routes; mutual TLS all the same. */
static enum progress route_to_address(struct exchange *ex)
{
    const struct addr *to = &ex->session->info.original_dst;
    const struct workload_conf *workload = snapshot_workload(ex->lease->snapshot, to);
    ex->route = &direct_route;
    use_cluster(ex, cluster_for_addr(&ex->worker->clusters, SLICE("direct"), to,
                                     workload && workload->meshed ? workload->spiffe_id
                                                                  : (struct slice){0}));
    return GO;
}

static enum progress route_outbound(struct exchange *ex)
{
    const struct snapshot *snapshot = ex->lease->snapshot;
    const struct destination_conf *destination;
    if (ex->session->is_explicit) {
        uint16_t port = 80;
        struct slice host = host_and_port(ex->request->authority, &port);
        destination = snapshot_destination_by_host(snapshot, host, port);
        if (!destination)
            return exchange_fail(ex, FAIL_NO_DESTINATION, ex->request->authority);
    } else {
        destination = snapshot_destination_by_addr(snapshot, &ex->session->info.original_dst);
        if (!destination)
            return route_to_address(ex);
    }
    /* What CONNECT names is for the proxy, and no host of ours. */
    if (destination->routes && !(message_is_connect(ex->request) && destination->default_route))
        return use_table(ex, destination->routes);
    ex->route = destination->default_route;
    return ex->route ? choose_backend(ex) : exchange_fail(ex, FAIL_NO_CLUSTER, destination->name);
}

static const struct gateway_conf *gateway_of(const struct exchange *ex)
{
    return snapshot_gateway(ex->lease->snapshot, ex->session->gateway_port);
}

static bool is_misdirected(const struct exchange *ex, const struct gateway_conf *gateway)
{
    const struct downstream_info *from = &ex->session->info;
    return from->is_tls && listener_choice_is_misdirected(
                               gateway, from->sni, host_of_authority(ex->request->authority));
}

static enum progress route_ingress(struct exchange *ex)
{
    const struct gateway_conf *gateway = gateway_of(ex);
    if (!gateway || !gateway->routes)
        return exchange_fail(ex, FAIL_NO_ROUTE, (struct slice){0});
    if (is_misdirected(ex, gateway))
        return exchange_fail(ex, FAIL_MISDIRECTED, (struct slice){0});
    return use_table(ex, gateway->routes);
}

const struct route_conf *exchange_find_route(const struct exchange *ex)
{
    if (ex->route || ex->session->info.direction != DIRECTION_INGRESS || !ex->match_path.len)
        return ex->route;
    const struct gateway_conf *gateway = gateway_of(ex);
    if (!gateway || !gateway->routes || is_misdirected(ex, gateway))
        return NULL;
    return route_table_find(gateway->routes, ex->request, ex->match_path);
}

bool exchange_is_preflight(const struct exchange *ex)
{
    struct preflight preflight;
    if (ex->session->info.direction != DIRECTION_INGRESS ||
        !preflight_read(&preflight, ex->request))
        return false;
    const struct route_conf *route = exchange_find_route(ex);
    return route && route->has_cors;
}

enum progress exchange_step_route(struct exchange *ex)
{
    ex->step = STEP_filter;
    enum progress progress = GO;
    switch (ex->session->info.direction) {
    case DIRECTION_INBOUND:
        progress = route_inbound(ex);
        break;
    case DIRECTION_OUTBOUND:
        progress = route_outbound(ex);
        break;
    case DIRECTION_INGRESS:
        progress = route_ingress(ex);
        break;
    }
    if (ex->step != STEP_filter || !ex->route)
        return progress;
    if (ex->route->timeouts.request_ms)
        ex->request_deadline_ms = loop_now_ms(ex->worker->loop) + ex->route->timeouts.request_ms;
    exchange_arm_timer(ex);
    /* Until the first byte of an answer, a bodyless request or a short body can be sent again. */
    ex->got |= IS_REPLAYABLE;
    return progress;
}
