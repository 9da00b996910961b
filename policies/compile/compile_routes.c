/* Routes in order: one for each match of each rule, sorted by the Gateway API's precedence.
 * Control thread. Must not know what a route does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "policies/compile/compile_priv.h"

static void push(struct compile *c, struct compile_routes *to, const struct compile_route *item)
{
    to->items = compile_build_grow(c, to->items, to->count, sizeof *to->items);
    to->items[to->count++] = *item;
}

/* "*." is not counted: "largest number of characters in a matching non-wildcard hostname" comes
 * before any length. */
static void set_host(struct compile_route *r, struct slice host)
{
    bool wild = slice_starts_with(host, SLICE("*"));
    r->host_exact = wild ? 0 : host.len;
    r->host_len = host.len;
}

void compile_routes_add(struct compile *c, struct compile_routes *to, const struct route *route,
                        struct slice host)
{
    static const struct http_route_rule empty_rule;
    struct compile_route item = {.route = route};
    set_host(&item, host);
    if (route->spec.rules.count == 0) {
        item.rule = &empty_rule;
        push(c, to, &item);
        return;
    }
    for (size_t i = 0; i < route->spec.rules.count; i++) {
        item.rule = SCHEMA_AT(route->spec.rules, struct http_route_rule, i);
        item.rule_index = i;
        item.match = NULL;
        item.match_index = 0;
        if (item.rule->matches.count == 0)
            push(c, to, &item);
        for (size_t j = 0; j < item.rule->matches.count; j++) {
            item.match = SCHEMA_AT(item.rule->matches, struct http_route_match, j);
            item.match_index = j;
            push(c, to, &item);
        }
    }
}

/* Exact before RegularExpression before PathPrefix: the standard leaves the place of regular
 * expressions open, and behind prefixes a route for "/" would hide them all. */
static int path_class(const struct http_route_match *m)
{
    return !m || m->path.type == HTTP_ROUTE_PREFIX ? 2 : m->path.type == HTTP_ROUTE_REGEX ? 1 : 0;
}

static size_t path_len(const struct http_route_match *m)
{
    if (!m)
        return 1;
    size_t len = m->path.value.len;
    bool slash = m->path.type == HTTP_ROUTE_PREFIX && len > 1 && m->path.value.ptr[len - 1] == '/';
    return len - slash;
}

/* Bigger first. */
static int descending(size_t a, size_t b)
{
    return (a < b) - (a > b);
}

static int compare_matches(const struct http_route_match *a, const struct http_route_match *b)
{
    int order = descending(a ? a->grpc_service_len : 0, b ? b->grpc_service_len : 0);
    if (!order)
        order = descending(a ? a->grpc_method_len : 0, b ? b->grpc_method_len : 0);
    if (!order)
        order = path_class(a) - path_class(b);
    if (!order)
        order = descending(path_len(a), path_len(b));
    if (!order)
        order = descending(a && a->method != SCHEMA_UNSET, b && b->method != SCHEMA_UNSET);
    if (!order)
        order = descending(a ? a->headers.count : 0, b ? b->headers.count : 0);
    if (!order)
        order = descending(a ? a->query.count : 0, b ? b->query.count : 0);
    return order;
}

/* First, because they are for gRPC alone, and leave the rest to HTTPRoutes. */
static bool is_grpc(const struct compile_route *r)
{
    return r->route->object.kind->id == KIND_GRPC_ROUTE;
}

static int by_precedence(const void *left, const void *right)
{
    const struct compile_route *a = left, *b = right;
    int order = descending(a->host_exact, b->host_exact);
    if (!order)
        order = descending(a->host_len, b->host_len);
    if (!order)
        order = descending(is_grpc(a), is_grpc(b));
    if (!order)
        order = compare_matches(a->match, b->match);
    if (!order && a->route != b->route)
        order = policy_index_compare_age(&a->route->object, &b->route->object);
    if (!order)
        order = descending(b->rule_index, a->rule_index);
    return order ? order : descending(b->match_index, a->match_index);
}

void compile_routes_sort(struct compile_routes *routes)
{
    if (routes->count)
        qsort(routes->items, routes->count, sizeof *routes->items, by_precedence);
}

void compile_routes_emit(struct compile *c, struct compile_routes *from,
                         const struct compile_parent *parent, PB(VirtualHost) * to)
{
    const struct compile_route *last = NULL;
    compile_routes_sort(from);
    for (size_t i = 0; i < from->count; i++) {
        const struct compile_route *r = &from->items[i];
        bool again = last && last->route == r->route && last->rule_index == r->rule_index &&
                     last->match_index == r->match_index;
        if (!again)
            PB_PUSH(c, to, routes, compile_route_one(c, r, parent));
        last = r;
    }
}
