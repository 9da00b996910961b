/* Stream routes of a Gateway's listener: TLS by host name, TCP and UDP as they come. Control
 * thread. Must not know what is inside the connections.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_gateway_priv.h"
#include "policies/kinds/stream_route.h"

static void add_backend(struct compile *c, const struct route *route,
                        const struct route_backend *ref, enum backend_use use, PB(StreamRoute) * to)
{
    struct backend found;
    PB(WeightedCluster) *w = PB_NEW(c, WeightedCluster, weighted_cluster);
    char *cluster = compile_backends_need(c, &route->object, ref, use, "spec.rules.backendRefs",
                                          "its share is refused", &found);
    w->weight = (uint32_t)ref->weight;
    if (cluster)
        w->cluster = cluster;
    PB_PUSH(c, to, clusters, w);
}

/* Names and clusters; hosts are the caller's. */
static PB(StreamRoute) * build(struct compile *c, const struct route *route, enum backend_use use)
{
    const struct metadata *meta = &route->object.meta;
    PB(StreamRoute) *to = PB_NEW(c, StreamRoute, stream_route);
    to->name = compile_build_format(c, "%.*s/%.*s/0", SLICE_ARG(meta->namespace_name),
                                    SLICE_ARG(meta->name));
    for (SCHEMA_EACH(route->spec.rules, struct stream_route_rule, rule)) {
        if (rule->name.len)
            to->name = compile_build_format(c, "%.*s/%.*s/%.*s", SLICE_ARG(meta->namespace_name),
                                            SLICE_ARG(meta->name), SLICE_ARG(rule->name));
        for (SCHEMA_EACH(rule->backends, struct route_backend, ref))
            add_backend(c, route, ref, use, to);
    }
    return to;
}

static bool has_host(const PB(GatewayListener) * l, struct slice host)
{
    for (size_t i = 0; i < l->n_stream_routes; i++)
        for (size_t j = 0; j < l->stream_routes[i]->n_hosts; j++)
            if (slice_eq_cstr(host, l->stream_routes[i]->hosts[j]))
                return true;
    return false;
}

static void note_taken(struct compile *c, const struct route *route, struct slice host)
{
    compile_build_note(c, &route->object, 0, "spec.hostnames", FINDING_ROUTE_SHADOWED,
                       "%.*s is an older route's at the same listener: not in force",
                       SLICE_ARG(host));
}

/* The older route has the host. */
static void add_tls(struct compile *c, const struct gateway_model_listener *l,
                    PB(GatewayListener) * to)
{
    enum backend_use use =
        gateway_model_ends_tls(l->from) ? BACKEND_OF_STREAM : BACKEND_OF_PASSTHROUGH;
    for (size_t i = 0, next; i < l->n_items; i = next) {
        const struct route *route = l->items[i].route;
        PB(StreamRoute) *stream = NULL;
        for (next = i; next < l->n_items && l->items[next].route == route; next++) {
            struct slice host = l->items[next].host;
            if (has_host(to, host)) {
                note_taken(c, route, host);
                continue;
            }
            if (!stream)
                stream = build(c, route, use);
            PB_PUSH(c, stream, hosts, compile_build_text(c, host));
        }
        if (stream)
            PB_PUSH(c, to, stream_routes, stream);
    }
}

static void add_first(struct compile *c, const struct gateway_model_listener *l,
                      enum backend_use use, PB(GatewayListener) * to)
{
    for (size_t i = 0; i < l->n_items; i++)
        if (i == 0)
            PB_PUSH(c, to, stream_routes, build(c, l->items[i].route, use));
        else
            compile_build_note(c, &l->items[i].route->object, 0, "spec.parentRefs",
                               FINDING_ROUTE_SHADOWED,
                               "listener %.*s already has an older route: not in force",
                               SLICE_ARG(l->from->name));
}

void compile_gateway_streams_add(struct compile *c, const struct gateway_model_listener *l,
                                 PB(GatewayListener) * to)
{
    if (!l->is_served)
        return;
    if (l->from->protocol == GATEWAY_TCP)
        add_first(c, l, BACKEND_OF_STREAM, to);
    else if (l->from->protocol == GATEWAY_UDP)
        add_first(c, l, BACKEND_OF_DATAGRAMS, to);
    else
        add_tls(c, l, to);
}
