/* Routes that lead nowhere or never get a request: rules without backends, Services without
 * endpoints, listeners without routes, and matches that another rule takes first. Order is the
 * compiler's own, so what is said here is what a data plane does. Control thread. Must not know how
 * routes attach.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/analyze/analyze_priv.h"
#include "policies/compile/compile_priv.h"
#include "policies/store/gateway_host.h"
#include "policies/kinds/endpoint_slice.h"
#include "policies/kinds/stream_route.h"
#include "policies/store/filter_ref.h"

/* ---- parents and listeners ---- */

static bool is_route(size_t kind)
{
    return kind >= KIND_HTTP_ROUTE && kind <= KIND_GRPC_ROUTE;
}

void analyze_parents_none(struct analyze *a)
{
    for (size_t kind = 0; kind < KIND_COUNT; kind++)
        for (size_t i = 0; is_route(kind) && i < a->set->all[kind].count; i++) {
            const struct route *route = POLICY_AT(&a->set->all[kind], struct route, i);
            if (!route->spec.parents.count)
                analyze_say(a, FINDING_PARENT_MISSING, &route->object, 0, "spec.parentRefs",
                            "it names no parent, so it is in force nowhere");
        }
}

void analyze_listener_unused(struct analyze *a)
{
    for (size_t i = 0; i < a->n_models; i++)
        for (size_t j = 0; j < a->models[i]->n_listeners; j++) {
            const struct gateway_model_listener *l = &a->models[i]->listeners[j];
            struct slice host = l->from->hostname;
            if (l->is_served && !l->n_routes)
                analyze_say(a, FINDING_LISTENER_UNUSED, l->owner, l->from->line, "spec.listeners",
                            "listener %.*s (%.*s): no route uses it", SLICE_ARG(l->from->name),
                            SLICE_ARG(host.len ? host : SLICE("any host")));
        }
}

/* ---- backends ---- */

static bool is_answer(const struct http_filter *o)
{
    const void *spec;
    return http_filter_chosen(o, &spec)->phase == FILTER_PHASE_ANSWER;
}

/* A filter of the list answers, so that nobody else need be there to. */
static bool answers(const struct policy_set *set, const struct route *route,
                    const struct schema_list *filters)
{
    const struct http_filter *found;
    for (SCHEMA_EACH(*filters, struct http_route_filter, f))
        if (f->type == HTTP_ROUTE_FILTER_REDIRECT ||
            (f->type == HTTP_ROUTE_FILTER_EXTENSION && f->extension &&
             filter_ref_resolve(set, &route->object, f->extension, &found) == FILTER_REF_OK &&
             is_answer(found)))
            return true;
    return false;
}

/* So does one that is for the route, or for this rule of it. */
static bool is_answered_by_policy(const struct policy_set *set, const struct route *route,
                                  const struct http_route_rule *rule)
{
    const struct metadata *meta = &route->object.meta;
    const struct object_list *all = policy_index_group(set, POLICY_GROUP_ROUTE_FILTERS,
                                                       meta->namespace_name, meta->name);
    for (size_t i = 0; i < all->count; i++) {
        const struct http_filter *o = POLICY_AT(all, struct http_filter, i);
        for (SCHEMA_EACH(o->spec.targets, struct policy_target, t))
            if (is_answer(o) && slice_eq_cstr(t->kind, route->object.kind->name) &&
                slice_eq(t->name, meta->name) &&
                (!t->section.len || slice_eq(t->section, rule->name)))
                return true;
    }
    return false;
}

static bool needs_no_backend(const struct policy_set *set, const struct route *route,
                             const struct http_route_rule *rule)
{
    if (answers(set, route, &rule->filters) || is_answered_by_policy(set, route, rule))
        return true;
    for (SCHEMA_EACH(rule->backends, struct route_backend, b))
        if (answers(set, route, &b->filters))
            return true;
    return false;
}

static void judge_rule(struct analyze *a, const struct route *route,
                       const struct http_route_rule *rule, size_t index)
{
    int64_t weight = 0;
    for (SCHEMA_EACH(rule->backends, struct route_backend, b))
        weight += b->weight;
    if (weight || needs_no_backend(a->set, route, rule) || route->object.origin)
        return;
    if (rule->backends.count)
        analyze_say(a, FINDING_BACKENDS_NONE, &route->object, rule->line, "spec.rules.backendRefs",
                    "rule %zu: all its backends have the weight 0: answered 500", index);
    else
        analyze_say(a, FINDING_BACKENDS_NONE, &route->object, rule->line, "spec.rules",
                    "rule %zu: it has no backendRefs and no redirect: answered 500", index);
}

static bool is_http(const struct object *o)
{
    return o->kind->id == KIND_HTTP_ROUTE || o->kind->id == KIND_GRPC_ROUTE;
}

void analyze_backends_none(struct analyze *a)
{
    for (size_t kind = 0; kind < KIND_COUNT; kind++)
        for (size_t i = 0; is_route(kind) && i < a->set->all[kind].count; i++) {
            const struct route *route = POLICY_AT(&a->set->all[kind], struct route, i);
            for (size_t r = 0; is_http(&route->object) && r < route->spec.rules.count; r++)
                judge_rule(a, route, SCHEMA_AT(route->spec.rules, struct http_route_rule, r), r);
        }
}

static bool has_endpoints(const struct policy_set *set, const struct object *service)
{
    const struct object_list *slices = policy_index_group(
        set, POLICY_GROUP_SLICES, service->meta.namespace_name, service->meta.name);
    for (size_t i = 0; i < slices->count; i++)
        for (SCHEMA_EACH(POLICY_AT(slices, struct endpoint_slice, i)->endpoints,
                         struct endpoint_slice_endpoint, e))
            if (e->conditions.ready)
                return true;
    return false;
}

/* Each Service once, at the first route that leads there. */
static void judge_backend(struct analyze *a, const struct object *route,
                          const struct route_backend *ref, enum backend_use use, struct map *told)
{
    struct backend found;
    if (!ref->weight || backend_resolve(a->set, route, ref, use, &found) ||
        external_service_is(found.service) ||
        has_endpoints(a->set, &found.service->object) ||
        map_put(told, found.service->object.text, a))
        return;
    analyze_say(a, FINDING_ENDPOINTS_NONE, route, ref->line, "spec.rules.backendRefs",
                "Service %.*s/%.*s has no ready endpoints: %s",
                SLICE_ARG(found.service->object.meta.namespace_name), SLICE_ARG(ref->name),
                route->kind->id == KIND_UDP_ROUTE ? "its datagrams are dropped" : "answered 503");
}

/* A folder may leave endpoints to others; when it has some, they are meant to be all. */
void analyze_endpoints_none(struct analyze *a)
{
    struct map told;
    if (!a->in->store && !a->set->all[KIND_ENDPOINT_SLICE].count)
        return;
    map_init(&told);
    for (size_t kind = 0; kind < KIND_COUNT; kind++)
        for (size_t i = 0; is_route(kind) && i < a->set->all[kind].count; i++) {
            const struct route *route = POLICY_AT(&a->set->all[kind], struct route, i);
            const struct object *o = &route->object;
            if (is_http(o))
                for (SCHEMA_EACH(route->spec.rules, struct http_route_rule, rule))
                    for (SCHEMA_EACH(rule->backends, struct route_backend, b))
                        judge_backend(a, o, b, BACKEND_OF_GATEWAY, &told);
            else
                for (SCHEMA_EACH(route->spec.rules, struct stream_route_rule, rule))
                    for (SCHEMA_EACH(rule->backends, struct route_backend, b))
                        judge_backend(a, o, b, BACKEND_OF_STREAM, &told);
        }
    map_dispose(&told);
}

/* ---- who takes whose requests ---- */

/* Of one rule, over all hosts and matches that it is for. */
struct tally {
    struct compile_route rule, by;
    size_t seen, shadowed;
    struct slice host;
};

struct shadows {
    struct analyze *a;
    struct compile c;
    struct map by_rule; /* route and index of the rule -> its struct tally */
    struct tally **all;
    size_t count;
};

static struct slice plain(struct slice prefix)
{
    bool slash = prefix.len > 1 && prefix.ptr[prefix.len - 1] == '/';
    return slice_sub(prefix, 0, prefix.len - slash);
}

static bool path_covers(const struct http_route_path_match *wide,
                        const struct http_route_path_match *narrow)
{
    struct slice prefix = plain(wide->value);
    if (wide->type != HTTP_ROUTE_PREFIX)
        return wide->type == narrow->type && slice_eq(wide->value, narrow->value);
    if (narrow->type == HTTP_ROUTE_REGEX)
        return slice_eq_cstr(prefix, "/");
    if (slice_eq_cstr(prefix, "/"))
        return true;
    return slice_starts_with(narrow->value, prefix) &&
           (narrow->value.len == prefix.len || narrow->value.ptr[prefix.len] == '/');
}

/* Every condition of `wide` is one of `narrow` as well. */
static bool values_cover(const struct schema_list *wide, const struct schema_list *narrow,
                         bool ignore_case)
{
    for (SCHEMA_EACH(*wide, struct http_route_value_match, w)) {
        bool found = false;
        for (SCHEMA_EACH(*narrow, struct http_route_value_match, n))
            found |= w->type == n->type && slice_eq(w->value, n->value) &&
                     (ignore_case ? http_route_match_same_header(w->name, n->name)
                                  : slice_eq(w->name, n->name));
        if (!found)
            return false;
    }
    return true;
}

static bool match_covers(const struct http_route_match *wide, const struct http_route_match *narrow)
{
    static const struct http_route_match any = {
        .path = {HTTP_ROUTE_PREFIX, {"/", 1}}, .method = SCHEMA_UNSET};
    wide = wide ? wide : &any;
    narrow = narrow ? narrow : &any;
    return path_covers(&wide->path, &narrow->path) &&
           (wide->method == SCHEMA_UNSET || wide->method == narrow->method) &&
           values_cover(&wide->headers, &narrow->headers, true) &&
           values_cover(&wide->query, &narrow->query, false);
}

static bool covers(const struct compile_route *first, const struct compile_route *later)
{
    return first->route->object.kind == later->route->object.kind &&
           match_covers(first->match, later->match);
}

static struct tally *tally_of(struct shadows *s, const struct compile_route *r)
{
    struct {
        const struct route *route;
        size_t rule;
    } key;
    memset(&key, 0, sizeof key);
    key.route = r->route;
    key.rule = r->rule_index;
    struct tally *t = map_get(&s->by_rule, slice_of(&key, sizeof key));
    if (t)
        return t;
    t = arena_zalloc(&s->a->arena, sizeof *t);
    t->rule = *r;
    map_put(&s->by_rule, slice_of(&key, sizeof key), t);
    s->all = compile_build_grow(&s->c, s->all, s->count, sizeof *s->all);
    s->all[s->count++] = t;
    return t;
}

static bool is_same(const struct compile_route *a, const struct compile_route *b)
{
    return a->route == b->route && a->rule_index == b->rule_index &&
           a->match_index == b->match_index;
}

/* is_own: the route names this host itself; what it gets of narrower ones is a gift. */
static void judge_item(struct shadows *s, const struct compile_routes *routes, size_t at,
                       struct slice host)
{
    const struct compile_route *r = &routes->items[at];
    for (size_t i = 0; i < at; i++)
        if (is_same(&routes->items[i], r))
            return;
    struct tally *t = tally_of(s, r);
    t->seen++;
    for (size_t i = 0; i < at; i++)
        if (covers(&routes->items[i], r)) {
            if (!t->shadowed++)
                t->host = host;
            t->by = routes->items[i];
            return;
        }
}

static bool names_host(const struct gateway_model_listener *l, const struct compile_route *r,
                       struct slice host)
{
    for (size_t i = 0; i < l->n_items; i++)
        if (l->items[i].route == r->route && slice_eq(l->items[i].host, host) &&
            l->items[i].original.len == r->host_len)
            return true;
    return false;
}

static void judge_host(struct shadows *s, const struct gateway_model_listener *l, size_t at)
{
    struct compile_routes routes = {0};
    struct slice host = l->items[at].host;
    for (size_t i = 0; i < at; i++)
        if (slice_eq(l->items[i].host, host))
            return; /* was looked at */
    for (size_t i = 0; i < l->n_items; i++)
        if (gateway_host_covers(l->items[i].host, host))
            compile_routes_add(&s->c, &routes, l->items[i].route, l->items[i].original);
    compile_routes_sort(&routes);
    for (size_t i = 0; i < routes.count; i++)
        if (names_host(l, &routes.items[i], host))
            judge_item(s, &routes, i, host);
}

static void judge_gateways(struct shadows *s)
{
    for (size_t i = 0; i < s->a->n_models; i++)
        for (size_t j = 0; j < s->a->models[i]->n_listeners; j++) {
            const struct gateway_model_listener *l = &s->a->models[i]->listeners[j];
            bool http = l->from->protocol == GATEWAY_HTTP || l->from->protocol == GATEWAY_HTTPS;
            for (size_t k = 0; http && l->is_served && k < l->n_items; k++)
                judge_host(s, l, k);
        }
}

/* The clients of one namespace see the routes of that one. */
static void judge_port(struct shadows *s, const struct service *service,
                       const struct service_port *port, const struct object_list *all)
{
    for (size_t first = 0; first < all->count; first++) {
        const struct object *o = all->items[first];
        struct compile_routes routes = {0};
        bool done = false;
        for (size_t i = 0; i < all->count; i++) {
            const struct route *route = POLICY_AT(all, struct route, i);
            if (route->object.kind != o->kind ||
                !slice_eq(route->object.meta.namespace_name, o->meta.namespace_name) ||
                !compile_destinations_parent(route, service, port))
                continue;
            done |= i < first;
            compile_routes_add(&s->c, &routes, route, SLICE(""));
        }
        compile_routes_sort(&routes);
        for (size_t i = 0; !done && i < routes.count; i++)
            judge_item(s, &routes, i, SLICE(""));
    }
}

static void judge_services(struct shadows *s)
{
    const struct object_list *services = &s->a->set->all[KIND_SERVICE];
    for (size_t i = 0; i < services->count; i++) {
        const struct service *service = POLICY_AT(services, struct service, i);
        const struct metadata *meta = &service->object.meta;
        const struct object_list *routes = policy_index_group(
            s->a->set, POLICY_GROUP_SERVICE_ROUTES, meta->namespace_name, meta->name);
        for (SCHEMA_EACH(service->spec.ports, struct service_port, port))
            if (routes->count && !service_is_headless(service))
                judge_port(s, service, port, routes);
    }
}

static const char *why_first(const struct compile_route *first, const struct compile_route *later)
{
    if (!match_covers(later->match, first->match))
        return "an exact path comes first";
    if (first->route == later->route)
        return "it comes first in the same route";
    if (first->route->object.meta.created != later->route->object.meta.created)
        return "its route is older";
    return "of two equally old routes the first by name wins";
}

static void tell(struct shadows *s, const struct tally *t)
{
    const struct object *o = &t->rule.route->object;
    struct slice name = t->rule.rule->name;
    bool all = t->seen == t->shadowed;
    if (!t->shadowed || (o->origin && o->origin == t->by.route->object.origin))
        return;
    analyze_say(s->a, all ? FINDING_ROUTE_SHADOWED : FINDING_MATCH_SHADOWED, o, t->rule.rule->line,
                "spec.rules", "rule %zu%s%.*s%s %s%s%.*s: rule %zu of %.*s takes the same requests "
                "first (%s)",
                t->rule.rule_index, name.len ? " \"" : "", SLICE_ARG(name), name.len ? "\"" : "",
                all ? "can never match" : "never gets part of what it is for",
                t->host.len ? " at " : "", SLICE_ARG(t->host), t->by.rule_index,
                SLICE_ARG(t->by.route->object.text), why_first(&t->by, &t->rule));
}

void analyze_routes_shadowed(struct analyze *a)
{
    struct shadows s = {.a = a, .c = {.arena = &a->arena, .set = a->set}};
    map_init(&s.by_rule);
    judge_gateways(&s);
    judge_services(&s);
    for (size_t i = 0; i < s.count; i++)
        tell(&s, s.all[i]);
    map_dispose(&s.by_rule);
}
