/* Compiling and binding routes.
 * Control thread. Must not know whether a gateway or a service owns them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/route_plan.h"

#include "lib/base/map.h"
#include "lib/codec/normalize.h"
#include "sidecar/config/filter_conf.h"
#include "sidecar/config/match_conf.h"
#include "sidecar/config/traffic_conf.h"

enum { ROUTES_MAX = 100000, BACKENDS_MAX = 1000000 };

struct plan_build {
    const struct part_build *b;
    struct route_plan *plan;
    struct map *names; /* cluster name -> index + 1, as a pointer */
    uint16_t port;
};

static uint32_t name_index(struct plan_build *pb, const char *cluster)
{
    struct route_plan *p = pb->plan;
    struct slice name = slice_from_cstr(cluster);
    if (name.len == 0)
        return ROUTE_PLAN_NONE;
    uintptr_t known = (uintptr_t)map_get(pb->names, name);
    if (!known) {
        p->names[p->name_count++] = part_text(pb->b->part, cluster);
        known = p->name_count;
        map_put(pb->names, name, (void *)known);
    }
    return (uint32_t)(known - 1);
}

static enum err take_backends(struct plan_build *pb, const Weft__Config__V1__Route *from,
                              struct route_conf *to)
{
    struct route_plan *p = pb->plan;
    uint64_t total = 0;
    to->backends = p->backends + p->backend_count;
    to->backend_count = (uint16_t)from->n_clusters;
    for (size_t i = 0; i < from->n_clusters; i++) {
        const Weft__Config__V1__WeightedCluster *wc = from->clusters[i];
        struct backend_conf *backend = &p->backends[p->backend_count];
        p->backend_names[p->backend_count++] = name_index(pb, wc->cluster);
        backend->weight = wc->weight;
        total += wc->weight;
        enum err e = filter_conf_backend(pb->b, wc, &backend->chain);
        if (e)
            return e;
    }
    if (total > UINT32_MAX || from->n_clusters > UINT16_MAX)
        return part_refuse(pb->b, "too many backends, or weights too big to add up");
    to->total_weight = (uint32_t)total;
    return ERR_OK;
}

/* Requests are matched by their canonical path, so a route's own must be one too. */
static enum err take_path(struct plan_build *pb, const Weft__Config__V1__RouteMatch *from,
                          struct string_match *to)
{
    struct arena *arena = &pb->b->part->arena;
    enum err e = match_conf_string(pb->b, from ? from->path : NULL, to);
    if (e || (to->kind != MATCH_EXACT && to->kind != MATCH_PREFIX && to->kind != MATCH_PATH_PREFIX))
        return e;
    struct slice canonical = normalize_path(arena, to->text);
    if (canonical.len == 0)
        return part_refuse(pb->b, "path \"%.*s\" is not a path, or can be read in two ways",
                           SLICE_ARG(to->text));
    to->text = canonical;
    return ERR_OK;
}

static enum err take_match(struct plan_build *pb, const Weft__Config__V1__RouteMatch *from,
                           struct route_conf *to)
{
    enum err e = take_path(pb, from, &to->path);
    if (e || !from)
        return e;
    if (from->n_headers > UINT16_MAX || from->n_query > UINT16_MAX)
        return part_refuse(pb->b, "too many matches");
    to->method = part_text(pb->b->part, from->method);
    to->header_count = (uint16_t)from->n_headers;
    to->query_count = (uint16_t)from->n_query;
    e = match_conf_named(pb->b, MATCH_CONF_HEADERS, from->headers, from->n_headers, &to->headers);
    if (!e)
        e = match_conf_named(pb->b, MATCH_CONF_QUERY, from->query, from->n_query, &to->query);
    return e;
}

/* A rule without backends that does not redirect either answers 500, as the Gateway API has it. */
static uint16_t direct_status_of(const Weft__Config__V1__Route *from)
{
    if (from->direct_status || from->redirect || from->n_clusters)
        return (uint16_t)from->direct_status;
    return 500;
}

static enum err take_route(struct plan_build *pb, const Weft__Config__V1__Route *from)
{
    struct route_plan *p = pb->plan;
    struct part_build named = *pb->b, *part = &named;
    struct plan_build inner = {part, p, pb->names, pb->port};
    uint32_t at = p->route_count++;
    struct route_conf *to = &p->routes[at];
    named.resource =
        arena_printf(&pb->b->part->arena, "%.*s: route %s", SLICE_ARG(pb->b->resource), from->name);
    to->name = part_text(part->part, from->name);
    to->matched_prefix = part_text(part->part, from->matched_prefix);
    to->direct_status = direct_status_of(from);
    to->timeouts = traffic_conf_timeouts(from->timeouts);
    p->says[at] = (uint8_t)((from->timeouts ? ROUTE_SAYS_TIMEOUTS : 0) |
                            (from->retry ? ROUTE_SAYS_RETRY : 0));
    if (from->direct_status && (from->direct_status < 200 || from->direct_status > 599))
        return part_refuse(part, "%u is not a final status", from->direct_status);
    enum err e = traffic_conf_retry(part, from->retry, &to->retry);
    if (!e)
        e = take_match(&inner, from->match, to);
    if (!e)
        e = take_backends(&inner, from, to);
    if (!e)
        e = filter_conf_route(part, from, pb->port, &to->chain);
    return e;
}

static enum err take_host(struct plan_build *pb, const Weft__Config__V1__VirtualHost *from)
{
    struct route_plan *p = pb->plan;
    struct part *part = pb->b->part;
    struct route_range range = {p->route_count, (uint32_t)from->n_routes};
    for (size_t i = 0; i < from->n_routes; i++) {
        enum err e = take_route(pb, from->routes[i]);
        if (e)
            return e;
    }
    for (size_t i = 0; i < from->n_hosts; i++) {
        enum err e =
            route_hosts_add(&p->hosts, &part->arena, part_text_lower(part, from->hosts[i]), range);
        if (e)
            return part_refuse(pb->b, "virtual host \"%s\" %s", from->hosts[i],
                               e == ERR_EXISTS ? "is there twice" : "is not a host name");
    }
    return ERR_OK;
}

/* Everything to the default cluster, as one more route that no host leads to. */
static void take_default(struct plan_build *pb, const char *cluster)
{
    struct route_plan *p = pb->plan;
    struct route_conf *to = &p->routes[p->route_count];
    uint32_t name = name_index(pb, cluster);
    p->default_route = ROUTE_PLAN_NONE;
    if (name == ROUTE_PLAN_NONE)
        return;
    p->default_route = p->route_count++;
    p->backends[p->backend_count] = (struct backend_conf){.weight = 1};
    p->backend_names[p->backend_count] = name;
    *to = (struct route_conf){
        .name = SLICE("default"),
        .backends = &p->backends[p->backend_count++],
        .backend_count = 1,
        .total_weight = 1,
        .timeouts = traffic_conf_timeouts(NULL),
    };
    if (traffic_conf_retry(pb->b, NULL, &to->retry))
        to->retry.attempts = 0;
}

static enum err make_room(struct plan_build *pb, const struct route_plan_source *from)
{
    struct route_plan *p = pb->plan;
    struct part *part = pb->b->part;
    size_t routes = 1, backends = 1, hosts = 0;
    for (size_t i = 0; i < from->host_count; i++) {
        routes += from->hosts[i]->n_routes;
        hosts += from->hosts[i]->n_hosts;
        for (size_t j = 0; j < from->hosts[i]->n_routes; j++)
            backends += from->hosts[i]->routes[j]->n_clusters;
    }
    if (routes > ROUTES_MAX || backends > BACKENDS_MAX)
        return part_refuse(pb->b, "%zu routes with %zu backends are too many", routes, backends);
    p->routes = part_array(part, routes, sizeof(*p->routes));
    p->says = part_array(part, routes, sizeof(*p->says));
    p->backends = part_array(part, backends, sizeof(*p->backends));
    p->backend_names = part_array(part, backends, sizeof(*p->backend_names));
    p->names = part_array(part, backends, sizeof(*p->names));
    lookup_init(&p->hosts.exact, &part->arena, hosts);
    lookup_init(&p->hosts.suffixes, &part->arena, hosts);
    return ERR_OK;
}

enum err route_plan_create(const struct part_build *b, const struct route_plan_source *from,
                           struct route_plan *p)
{
    struct map names;
    struct plan_build pb = {b, p, &names, from->port};
    *p = (struct route_plan){.default_route = ROUTE_PLAN_NONE};
    map_init(&names);
    enum err e = make_room(&pb, from);
    for (size_t i = 0; i < from->host_count && !e; i++)
        e = take_host(&pb, from->hosts[i]);
    if (!e)
        take_default(&pb, from->default_cluster);
    map_dispose(&names);
    return e;
}

/* Where a route says nothing, the first of its backends that exists does. */
static void merge(struct route_conf *r, uint8_t says)
{
    const struct cluster_conf *c = NULL;
    for (uint16_t i = 0; i < r->backend_count && !c; i++)
        c = r->backends[i].weight ? r->backends[i].cluster : NULL;
    if (!c)
        return;
    if (!(says & ROUTE_SAYS_TIMEOUTS) && c->has_timeouts)
        r->timeouts = c->timeouts;
    if (!(says & ROUTE_SAYS_RETRY) && c->has_retry)
        r->retry = c->retry;
}

void route_plan_bind(const struct route_plan *p, const struct cluster_conf *const *clusters,
                     struct arena *arena, struct route_table *out)
{
    struct route_conf *routes = arena_alloc(arena, p->route_count * sizeof(*routes));
    struct backend_conf *backends = arena_alloc(arena, p->backend_count * sizeof(*backends));
    for (uint32_t i = 0; i < p->backend_count; i++) {
        uint32_t name = p->backend_names[i];
        backends[i] = p->backends[i];
        backends[i].cluster = name == ROUTE_PLAN_NONE ? NULL : clusters[name];
    }
    for (uint32_t i = 0; i < p->route_count; i++) {
        routes[i] = p->routes[i];
        routes[i].backends = backends + (p->routes[i].backends - p->backends);
        merge(&routes[i], p->says[i]);
    }
    *out = (struct route_table){&p->hosts, routes};
}
