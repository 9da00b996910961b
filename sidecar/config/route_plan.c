/* Which hosts lead to which routes of a plan, and binding it to clusters.
 * Control thread. Must not know what a route matches or does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/route_plan.h"

#include "filters/route_filters.h"
#include "sidecar/config/route_plan_priv.h"
#include "sidecar/config/traffic_conf.h"

enum { ROUTES_MAX = 100000, BACKENDS_MAX = 1000000 };

static enum err take_host(struct plan_build *pb, const Weft__Config__V1__VirtualHost *from)
{
    struct route_plan *p = pb->plan;
    struct part *part = pb->b->part;
    struct route_range range = {p->route_count, (uint32_t)from->n_routes};
    for (size_t i = 0; i < from->n_routes; i++) {
        enum err e = route_plan_take_route(pb, from->routes[i]);
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

/* A listener's own table, by the name that a connection asks for. Of two for one name the first is
 * in force. */
static enum err take_streams(struct plan_build *pb, const Weft__Config__V1__GatewayListener *from,
                             struct route_hosts *to)
{
    struct route_plan *p = pb->plan;
    struct part *part = pb->b->part;
    size_t hosts = 0;
    for (size_t i = 0; i < from->n_stream_routes; i++)
        hosts += from->stream_routes[i]->n_hosts;
    lookup_init(&to->exact, &part->arena, hosts);
    lookup_init(&to->suffixes, &part->arena, hosts);
    for (size_t i = 0; i < from->n_stream_routes; i++) {
        const Weft__Config__V1__StreamRoute *route = from->stream_routes[i];
        struct route_range range = {p->route_count, 1};
        enum err e = route_plan_take_stream(pb, route);
        if (e)
            return e;
        for (size_t j = 0; j < (route->n_hosts ? route->n_hosts : 1); j++) {
            const char *host = route->n_hosts ? route->hosts[j] : "*";
            e = route_hosts_add(to, &part->arena, part_text_lower(part, host), range);
            if (e && e != ERR_EXISTS)
                return part_refuse(pb->b, "\"%s\" is not a host name", host);
        }
    }
    return ERR_OK;
}

static enum err take_listeners(struct plan_build *pb, const struct route_plan_source *from)
{
    struct route_plan *p = pb->plan;
    p->streams = part_array(pb->b->part, from->listener_count, sizeof(*p->streams));
    for (size_t i = 0; i < from->listener_count; i++) {
        enum err e = take_streams(pb, from->listeners[i], &p->streams[i]);
        if (e)
            return e;
    }
    return ERR_OK;
}

/* Everything to the default cluster, as one more route that no host leads to. */
static void take_default(struct plan_build *pb, const char *cluster)
{
    struct route_plan *p = pb->plan;
    struct route_conf *to = &p->routes[p->route_count];
    uint32_t name = route_plan_name_index(pb, cluster);
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
}

struct room {
    size_t routes, backends, mirrors, hosts;
};

static void measure_route(struct room *room, const Weft__Config__V1__Route *r)
{
    room->routes++;
    room->backends += r->n_clusters;
    room->mirrors += r->n_mirrors;
    for (size_t i = 0; i < r->n_clusters; i++)
        room->mirrors += r->clusters[i]->n_mirrors;
}

static struct room measure(const struct route_plan_source *from)
{
    struct room room = {.routes = 1, .backends = 1};
    for (size_t i = 0; i < from->host_count; i++) {
        room.hosts += from->hosts[i]->n_hosts;
        for (size_t j = 0; j < from->hosts[i]->n_routes; j++)
            measure_route(&room, from->hosts[i]->routes[j]);
    }
    for (size_t i = 0; i < from->listener_count; i++) {
        const Weft__Config__V1__GatewayListener *l = from->listeners[i];
        room.routes += l->n_stream_routes;
        for (size_t j = 0; j < l->n_stream_routes; j++)
            room.backends += l->stream_routes[j]->n_clusters;
    }
    return room;
}

static enum err make_room(struct plan_build *pb, const struct route_plan_source *from)
{
    struct route_plan *p = pb->plan;
    struct part *part = pb->b->part;
    struct room room = measure(from);
    if (room.routes > ROUTES_MAX || room.backends > BACKENDS_MAX || room.mirrors > BACKENDS_MAX)
        return part_refuse(pb->b, "%zu routes with %zu backends are too many", room.routes,
                           room.backends);
    p->routes = part_array(part, room.routes, sizeof(*p->routes));
    p->says = part_array(part, room.routes, sizeof(*p->says));
    p->backends = part_array(part, room.backends, sizeof(*p->backends));
    p->backend_names = part_array(part, room.backends, sizeof(*p->backend_names));
    p->route_filters = part_array(part, room.routes, sizeof(*p->route_filters));
    p->backend_filters = part_array(part, room.backends, sizeof(*p->backend_filters));
    p->mirrors = part_array(part, room.mirrors, sizeof(*p->mirrors));
    p->mirror_names = part_array(part, room.mirrors, sizeof(*p->mirror_names));
    p->names = part_array(part, room.backends + room.mirrors, sizeof(*p->names));
    lookup_init(&p->hosts.exact, &part->arena, room.hosts);
    lookup_init(&p->hosts.suffixes, &part->arena, room.hosts);
    return ERR_OK;
}

enum err route_plan_create(const struct part_build *b, const struct route_plan_source *from,
                           struct route_plan *p)
{
    struct map names;
    struct plan_build pb = {b, p, &names, from->port};
    *p = (struct route_plan){.default_route = ROUTE_PLAN_NONE, .route_own = from->route_own};
    map_init(&names);
    filter_names_begin(&p->filters);
    enum err e = make_room(&pb, from);
    for (size_t i = 0; i < from->host_count && !e; i++)
        e = take_host(&pb, from->hosts[i]);
    if (!e)
        e = take_listeners(&pb, from);
    if (!e)
        e = filter_names_take(b, &p->filters, from->guard_filters, from->guard_filter_count,
                              from->guard_own, &p->guard_filters);
    if (!e)
        e = filter_names_take(b, &p->filters, from->unrouted_filters, from->unrouted_count, NULL,
                              &p->unrouted_filters);
    if (!e)
        take_default(&pb, from->default_cluster);
    filter_names_end(&p->filters);
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
    if (!(says & ROUTE_SAYS_RETRY))
        r->retry = c->retry;
}

/* Of several Services of which each has its own, none can speak for all. */
static void name_persistence(struct route_conf *r, struct arena *arena)
{
    const struct cluster_conf *only = r->backend_count == 1 ? r->backends[0].cluster : NULL;
    if (!r->persistence && only)
        r->persistence = only->persistence;
    r->persistence_name = traffic_conf_persistence_name(arena, r->persistence, r->name);
}

static bool has_phase(const struct filter_chain *chain, enum filter_phase phase)
{
    for (uint32_t i = 0; chain && i < chain->count; i++)
        if (chain->entries[i].filter->phase == phase)
            return true;
    return false;
}

/* A route without backends that no filter answers has 500, as the Gateway API says. */
static void settle(struct route_conf *r)
{
    r->has_cors = r->chain && r->chain->entries[0].filter == &filter_cors;
    if (!r->direct_status && !r->backend_count && !has_phase(r->chain, FILTER_PHASE_ANSWER))
        r->direct_status = 500;
}

static const struct cluster_conf *named(const struct cluster_conf *const *clusters, uint32_t name)
{
    return name == ROUTE_PLAN_NONE ? NULL : clusters[name];
}

static const struct mirror_conf *bind_mirrors(const struct route_plan *p,
                                              const struct cluster_conf *const *clusters,
                                              struct arena *arena)
{
    struct mirror_conf *mirrors = arena_alloc(arena, p->mirror_count * sizeof(*mirrors));
    for (uint32_t i = 0; i < p->mirror_count; i++) {
        mirrors[i] = p->mirrors[i];
        mirrors[i].cluster = named(clusters, p->mirror_names[i]);
    }
    return mirrors;
}

/* What lay at `at` in the plan's array lies there in its copy. */
#define MOVED(copy, original, at) ((at) ? (copy) + ((at) - (original)) : NULL)

void route_plan_bind(const struct route_plan *p, const struct cluster_conf *const *clusters,
                     struct filter_part *const *filters, struct arena *arena,
                     struct route_table *out)
{
    struct route_conf *routes = arena_alloc(arena, p->route_count * sizeof(*routes));
    struct backend_conf *backends = arena_alloc(arena, p->backend_count * sizeof(*backends));
    const struct mirror_conf *mirrors = bind_mirrors(p, clusters, arena);
    for (uint32_t i = 0; i < p->backend_count; i++) {
        backends[i] = p->backends[i];
        backends[i].cluster = named(clusters, p->backend_names[i]);
        backends[i].mirrors = MOVED(mirrors, p->mirrors, p->backends[i].mirrors);
        backends[i].chain =
            filter_names_chain(&p->filters, filters, NULL, &p->backend_filters[i], arena);
    }
    for (uint32_t i = 0; i < p->route_count; i++) {
        routes[i] = p->routes[i];
        routes[i].backends = MOVED(backends, p->backends, p->routes[i].backends);
        routes[i].mirrors = MOVED(mirrors, p->mirrors, p->routes[i].mirrors);
        routes[i].chain =
            filter_names_chain(&p->filters, filters, p->route_own, &p->route_filters[i], arena);
        merge(&routes[i], p->says[i]);
        name_persistence(&routes[i], arena);
        settle(&routes[i]);
    }
    *out = (struct route_table){&p->hosts, routes, &p->headers};
}
