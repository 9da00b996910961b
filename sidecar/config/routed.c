/* Binding a core to clusters and filters, and the life of both.
 * Control thread; the last reference may go on any. Must not know what the messages look like.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/routed.h"

#include "lib/base/mem.h"
#include "sidecar/config/gateway_tls.h"

enum { BLOCK_SIZE = 512 };

struct routed_core *routed_core_ref(struct routed_core *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void routed_core_unref(struct routed_core *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    gateway_tls_release(&c->gateway);
    part_dispose(&c->part);
    mem_free(c);
}

struct routed *routed_ref(struct routed *r)
{
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

void routed_unref(struct routed *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < r->core->plan.name_count; i++)
        cluster_conf_unref(r->clusters[i]);
    filter_names_release(&r->core->plan.filters, r->filters);
    routed_core_unref(r->core);
    arena_dispose(&r->arena);
    mem_free(r);
}

static bool is_current(const struct routed *r, const struct routed_core *core,
                       const struct routed_finder *find)
{
    if (!r || r->core != core)
        return false;
    for (uint32_t i = 0; i < core->plan.name_count; i++) {
        if (r->clusters[i] != find->cluster(find->clusters, core->plan.names[i]))
            return false;
    }
    return filter_names_are_bound(&core->plan.filters, r->filters, find->filter, find->filters);
}

static void bind_destination(struct routed *r)
{
    const struct route_plan *plan = &r->core->plan;
    r->destination = r->core->destination;
    r->destination.routes = r->core->plan.hosts.exact_count || r->core->plan.hosts.suffix_count ||
                                    r->core->plan.hosts.has_any
                                ? &r->table
                                : NULL;
    if (plan->default_route == ROUTE_PLAN_NONE)
        return;
    const struct route_conf *route = &r->table.routes[plan->default_route];
    if (route->backends[0].cluster) {
        r->destination.default_cluster = route->backends[0].cluster;
        r->destination.default_route = route;
    }
}

struct routed *routed_bind(struct routed_core *core, struct routed *before,
                           const struct routed_finder *find)
{
    const struct route_plan *plan = &core->plan;
    if (is_current(before, core, find))
        return routed_ref(before);
    struct routed *r = mem_zalloc(sizeof(*r));
    atomic_init(&r->refs, 1);
    r->core = routed_core_ref(core);
    arena_init(&r->arena, BLOCK_SIZE);
    r->clusters = arena_zalloc(&r->arena, plan->name_count * sizeof(*r->clusters));
    for (uint32_t i = 0; i < plan->name_count; i++) {
        const struct cluster_conf *c = find->cluster(find->clusters, plan->names[i]);
        r->clusters[i] = c ? cluster_conf_ref(c) : NULL;
    }
    r->filters = filter_names_bind(&plan->filters, &r->arena, find->filter, find->filters);
    route_plan_bind(plan, r->clusters, r->filters, &r->arena, &r->table);
    if (core->is_gateway) {
        r->gateway = core->gateway;
        r->gateway.routes = &r->table;
        r->gateway.chain = filter_names_chain(&plan->filters, r->filters, core->gateway.chain,
                                              &plan->guard_filters, &r->arena);
        r->gateway.unrouted = filter_names_chain(&plan->filters, r->filters, NULL,
                                                 &plan->unrouted_filters, &r->arena);
    } else {
        bind_destination(r);
    }
    return r;
}
