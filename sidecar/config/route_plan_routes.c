/* Compiling single routes into a plan: what matches, what is done to requests, where they go.
 * Control thread. Must not know which host leads to a route.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/normalize.h"
#include "sidecar/config/match_conf.h"
#include "sidecar/config/route_plan_priv.h"
#include "sidecar/config/traffic_conf.h"

uint32_t route_plan_name_index(struct plan_build *pb, const char *cluster)
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

static enum err take_mirrors(struct plan_build *pb, Weft__Config__V1__Mirror *const *from,
                             size_t count, const struct mirror_conf **mirrors, uint16_t *to_count)
{
    struct route_plan *p = pb->plan;
    *mirrors = p->mirrors + p->mirror_count;
    *to_count = (uint16_t)count;
    for (size_t i = 0; i < count; i++) {
        struct mirror_conf *to = &p->mirrors[p->mirror_count];
        p->mirror_names[p->mirror_count++] = route_plan_name_index(pb, from[i]->cluster);
        *to = (struct mirror_conf){.numerator = 1, .denominator = 1};
        if (from[i]->denominator || from[i]->numerator)
            *to = (struct mirror_conf){.numerator = from[i]->numerator,
                                       .denominator = from[i]->denominator};
        if (to->numerator > to->denominator || count > ROUTE_PLAN_MIRRORS_MAX)
            return part_refuse(pb->b, "a mirror for %u of %u requests, or more than %d of them",
                               to->numerator, to->denominator, ROUTE_PLAN_MIRRORS_MAX);
    }
    return ERR_OK;
}

static enum err take_backend(struct plan_build *pb, const Weft__Config__V1__WeightedCluster *from)
{
    struct route_plan *p = pb->plan;
    uint32_t at = p->backend_count++;
    struct backend_conf *to = &p->backends[at];
    p->backend_names[at] = route_plan_name_index(pb, from->cluster);
    to->weight = from->weight;
    enum err e = filter_names_take(pb->b, &p->filters, from->filters, from->n_filters, NULL,
                                   &p->backend_filters[at]);
    return e ? e
             : take_mirrors(pb, from->mirrors, from->n_mirrors, &to->mirrors, &to->mirror_count);
}

static enum err take_backends(struct plan_build *pb, const Weft__Config__V1__Route *from,
                              struct route_conf *to)
{
    uint64_t total = 0;
    to->backends = pb->plan->backends + pb->plan->backend_count;
    to->backend_count = (uint16_t)from->n_clusters;
    for (size_t i = 0; i < from->n_clusters; i++) {
        total += from->clusters[i]->weight;
        enum err e = take_backend(pb, from->clusters[i]);
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
    if (from->n_headers > UINT16_MAX || from->n_query > UINT16_MAX ||
        from->n_claims > UINT16_MAX)
        return part_refuse(pb->b, "too many matches");
    to->method = part_text(pb->b->part, from->method);
    to->header_count = (uint16_t)from->n_headers;
    to->query_count = (uint16_t)from->n_query;
    to->claim_count = (uint16_t)from->n_claims;
    e = match_conf_named(pb->b, MATCH_CONF_HEADERS, from->headers, from->n_headers, &to->headers);
    if (!e)
        e = match_conf_named(pb->b, MATCH_CONF_QUERY, from->query, from->n_query, &to->query);
    if (!e)
        e = match_conf_claims(pb->b, from->claims, from->n_claims, &to->claims);
    for (uint16_t i = 0; i < to->header_count && !e; i++)
        header_set_add(&pb->plan->headers, &pb->b->part->arena, to->headers[i].name);
    return e;
}

static enum err take_actions(struct plan_build *pb, const Weft__Config__V1__Route *from,
                             struct route_conf *to)
{
    struct route_plan *p = pb->plan;
    if (from->direct_status && (from->direct_status < 200 || from->direct_status > 599))
        return part_refuse(pb->b, "%u is not a final status", from->direct_status);
    enum err e = traffic_conf_retry(pb->b, from->retry, &to->retry);
    if (!e)
        e = traffic_conf_persistence(pb->b, from->session_persistence, &to->persistence);
    if (!e)
        e = take_match(pb, from->match, to);
    if (!e)
        e = take_backends(pb, from, to);
    if (!e)
        e = take_mirrors(pb, from->mirrors, from->n_mirrors, &to->mirrors, &to->mirror_count);
    if (!e)
        e = filter_names_take(pb->b, &p->filters, from->filters, from->n_filters, p->route_own,
                              &p->route_filters[to - p->routes]);
    return e;
}

/* What replacePrefixMatch replaces. */
static struct slice prefix_of(struct part *part, const Weft__Config__V1__Route *from)
{
    const Weft__Config__V1__StringMatch *path = from->match ? from->match->path : NULL;
    bool is_prefix = path && path->kind_case == WEFT__CONFIG__V1__STRING_MATCH__KIND_PATH_PREFIX;
    return part_text(part, *from->matched_prefix || !is_prefix ? from->matched_prefix
                                                               : path->path_prefix);
}

enum err route_plan_take_route(struct plan_build *pb, const Weft__Config__V1__Route *from)
{
    struct route_plan *p = pb->plan;
    struct part_build named = *pb->b;
    struct plan_build inner = {&named, p, pb->names, pb->port};
    uint32_t at = p->route_count++;
    struct route_conf *to = &p->routes[at];
    named.resource =
        arena_printf(&pb->b->part->arena, "%.*s: route %s", SLICE_ARG(pb->b->resource), from->name);
    to->name = part_text(named.part, from->name);
    to->matched_prefix = prefix_of(named.part, from);
    to->listener_port = pb->port;
    to->direct_status = (uint16_t)from->direct_status;
    to->timeouts = traffic_conf_timeouts(from->timeouts);
    p->says[at] = (uint8_t)((from->timeouts ? ROUTE_SAYS_TIMEOUTS : 0) |
                            (from->retry ? ROUTE_SAYS_RETRY : 0));
    return take_actions(&inner, from, to);
}

enum err route_plan_take_stream(struct plan_build *pb, const Weft__Config__V1__StreamRoute *from)
{
    Weft__Config__V1__Route route = WEFT__CONFIG__V1__ROUTE__INIT;
    route.name = from->name;
    route.clusters = from->clusters;
    route.n_clusters = from->n_clusters;
    return route_plan_take_route(pb, &route);
}
