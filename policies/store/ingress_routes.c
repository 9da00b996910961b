/* Ingresses into HTTPRoutes and ListenerSets: one route for each rule, one for the default backend,
 * one ListenerSet for the certificates of a namespace. Control thread. Must not know how routes
 * attach, nor what becomes of them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/store/ingress_routes.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "policies/store/gateway_host.h"
#include "policies/kinds/http_route.h"
#include "policies/kinds/ingress.h"
#include "policies/kinds/listener_set.h"
#include "policies/kinds/namespace.h"
#include "policies/kinds/service.h"
#include "policies/store/policy_index.h"
#include "lib/schema/schema_format.h"

#define SET_NAME "ingress:tls"
enum { HTTPS_PORT = 443 };

struct lowering {
    struct policy_set *set;
    struct diag_list *diags;
    struct object_list ours; /* oldest first */
    struct map sets;         /* namespace -> struct listener_set */
};

/* A list of one. */
static struct schema_list list_of(struct arena *a, const void *item, size_t size)
{
    void *copy = arena_alloc(a, size);
    memcpy(copy, item, size);
    return (struct schema_list){copy, 1, true};
}

static void *push(struct arena *a, struct schema_list *list, size_t size)
{
    size_t n = list->count;
    if ((n & (n - 1)) == 0) {
        void *bigger = arena_alloc(a, (n ? n * 2 : 1) * size);
        if (n)
            memcpy(bigger, list->items, n * size);
        list->items = bigger;
    }
    list->count = n + 1;
    list->present = true;
    void *item = (char *)list->items + n * size;
    memset(item, 0, size);
    return item;
}

/* What the made object has of its origin: place, age, and how messages name it. */
static struct object make_object(const struct object *origin, const struct kind *kind,
                                 struct slice name)
{
    struct object o = *origin;
    o.kind = kind;
    o.origin = origin;
    o.meta.name = name;
    o.meta.labels = o.meta.annotations = (struct schema_list){0};
    o.status = NULL;
    return o;
}

/* ---- backends ---- */

static int64_t port_of(struct lowering *l, const struct ingress *i, const struct ingress_backend *b)
{
    const struct ingress_port *port = &b->service->port;
    const struct service *s = (const void *)policy_index_find(
        l->set, KIND_SERVICE, i->object.meta.namespace_name, b->service->name);
    if (!port->name.len)
        return port->number;
    for (size_t n = 0; s && n < s->spec.ports.count; n++) {
        const struct service_port *p = SCHEMA_AT(s->spec.ports, struct service_port, n);
        if (slice_eq(p->name, port->name))
            return p->port;
    }
    policy_set_complain(l->diags, &i->object, b->line, true, "spec.rules",
                                FINDING_BACKEND_PORT,
                        "Service %.*s has no port %.*s: answered 500", SLICE_ARG(b->service->name),
                        SLICE_ARG(port->name));
    return 0;
}

/* Without a Service the list is empty, which is answered 500. */
static struct schema_list backends_of(struct lowering *l, const struct ingress *i,
                                      const struct ingress_backend *from)
{
    if (!from->service) {
        policy_set_complain(l->diags, &i->object, from->line, true, "spec.rules",
                                FINDING_BACKEND_KIND,
                            "a backend that is no Service is not known: answered 500");
        return (struct schema_list){0};
    }
    struct route_backend b = {
        .group = SLICE(""),
        .kind = SLICE("Service"),
        .name = from->service->name,
        .port = port_of(l, i, from),
        .weight = 1,
        .line = from->line,
    };
    if (!b.port)
        return (struct schema_list){0};
    return list_of(&l->set->arena, &b, sizeof b);
}

/* ---- routes ---- */

/* "*.a.b" stands for exactly one label here, where a route's stands for any number of them. */
static struct schema_list one_label(struct arena *a, struct slice host)
{
    if (!slice_starts_with(host, SLICE("*.")))
        return (struct schema_list){0};
    char *pattern = arena_alloc(a, 2 * host.len), *to = pattern;
    for (size_t i = 1; i < host.len; i++) {
        if (host.ptr[i] == '.')
            *to++ = '\\';
        *to++ = host.ptr[i];
    }
    struct http_route_value_match match = {
        .type = HTTP_ROUTE_VALUE_REGEX,
        .name = SLICE("host"),
        .value = arena_printf(a, "(?i)[^.]+%.*s\\.?(?::[0-9]*)?", (int)(to - pattern), pattern),
    };
    return list_of(a, &match, sizeof match);
}

static void add_rule(struct lowering *l, const struct ingress *i, struct slice host,
                     struct http_route_path_match path, const struct ingress_backend *backend,
                     struct schema_list *rules)
{
    struct http_route_match match = {
        .path = path,
        .headers = one_label(&l->set->arena, host),
        .method = SCHEMA_UNSET,
    };
    struct http_route_rule *rule = push(&l->set->arena, rules, sizeof *rule);
    rule->matches = list_of(&l->set->arena, &match, sizeof match);
    rule->backends = backends_of(l, i, backend);
    rule->line = backend->line;
}

static void add_path(struct lowering *l, const struct ingress *i, struct slice host,
                     const struct ingress_path *p, struct schema_list *rules)
{
    struct slice path = p->path.len ? p->path : SLICE("/");
    if (!http_route_match_is_plain_path(path))
        policy_set_complain(l->diags, &i->object, p->line, true, "spec.rules",
                                FINDING_INGRESS_PART,
                            "\"%.*s\" is no path that a request can have: left out",
                            SLICE_ARG(path));
    else
        add_rule(l, i, host,
                 (struct http_route_path_match){
                     p->type == INGRESS_EXACT ? HTTP_ROUTE_EXACT : HTTP_ROUTE_PREFIX, path},
                 &p->backend, rules);
}

/* There is a certificate for some of what the host stands for. */
static bool has_certificate(struct lowering *l, struct slice ns, struct slice host)
{
    const struct listener_set *set = map_get(&l->sets, ns);
    struct slice both;
    for (size_t i = 0; set && i < set->spec.listeners.count; i++)
        if (gateway_host_intersect(
                SCHEMA_AT(set->spec.listeners, struct gateway_listener, i)->hostname, host, &both))
            return true;
    return false;
}

static void add_parents(struct lowering *l, const struct ingress *i, struct slice host,
                        struct route *route)
{
    struct arena *a = &l->set->arena;
    struct slice own = i->object.meta.namespace_name;
    struct route_parent *gateway = push(a, &route->spec.parents, sizeof *gateway);
    gateway->group = SLICE(KIND_GROUP_GATEWAY);
    gateway->kind = SLICE("Gateway");
    gateway->name = SLICE(INGRESS_ROUTES_GATEWAY);
    gateway->namespace_name = SLICE(NAMESPACE_ROOT);
    gateway->line = i->object.line;
    if (!has_certificate(l, own, host))
        return;
    struct route_parent *set = push(a, &route->spec.parents, sizeof *set);
    set->group = SLICE(KIND_GROUP_GATEWAY);
    set->kind = SLICE("ListenerSet");
    set->name = SLICE(SET_NAME);
    set->namespace_name = own;
    set->line = i->object.line;
}

static void add_route(struct lowering *l, const struct ingress *i, struct slice name,
                      struct slice host, struct schema_list rules)
{
    struct arena *a = &l->set->arena;
    if (!rules.count)
        return;
    struct route *route = arena_zalloc(a, sizeof *route);
    route->object = make_object(&i->object, kind_all[KIND_HTTP_ROUTE], name);
    route->spec.rules = rules;
    if (host.len)
        route->spec.hostnames = list_of(a, &host, sizeof host);
    add_parents(l, i, host, route);
    policy_set_append(&l->set->all[KIND_HTTP_ROUTE], &route->object);
}

static bool is_host(struct lowering *l, const struct ingress *i, struct slice host, unsigned line)
{
    if (!host.len || schema_format_hostname.is_valid(host))
        return true;
    policy_set_complain(l->diags, &i->object, line, true, "spec", FINDING_INGRESS_PART,
                        "\"%.*s\" %s: left out", SLICE_ARG(host), schema_format_hostname.must_be);
    return false;
}

static void add_routes(struct lowering *l, const struct ingress *i)
{
    struct arena *a = &l->set->arena;
    struct slice name = i->object.meta.name;
    for (size_t n = 0; n < i->spec.rules.count; n++) {
        const struct ingress_rule *r = SCHEMA_AT(i->spec.rules, struct ingress_rule, n);
        struct schema_list rules = {0};
        if (!r->http || !is_host(l, i, r->host, r->line))
            continue;
        for (SCHEMA_EACH(r->http->paths, struct ingress_path, p))
            add_path(l, i, r->host, p, &rules);
        add_route(l, i, arena_printf(a, "%.*s:%zu", SLICE_ARG(name), n), r->host, rules);
    }
    struct schema_list fallback = {0};
    if (i->spec.default_backend)
        add_rule(l, i, SLICE(""),
                 (struct http_route_path_match){HTTP_ROUTE_PREFIX, SLICE("/")},
                 i->spec.default_backend, &fallback);
    add_route(l, i, arena_printf(a, "%.*s:default", SLICE_ARG(name)), SLICE(""), fallback);
}

/* ---- certificates ---- */

static struct listener_set *set_of(struct lowering *l, const struct ingress *i)
{
    struct slice own = i->object.meta.namespace_name;
    struct listener_set *set = map_get(&l->sets, own);
    if (set)
        return set;
    set = arena_zalloc(&l->set->arena, sizeof *set);
    set->object = make_object(&i->object, kind_all[KIND_LISTENER_SET], SLICE(SET_NAME));
    set->spec.parent = (struct listener_set_parent){
        .group = SLICE(KIND_GROUP_GATEWAY),
        .kind = SLICE("Gateway"),
        .name = SLICE(INGRESS_ROUTES_GATEWAY),
        .namespace_name = SLICE(NAMESPACE_ROOT),
        .line = i->object.line,
    };
    map_put(&l->sets, own, set);
    policy_set_append(&l->set->all[KIND_LISTENER_SET], &set->object);
    return set;
}

static void add_listener(struct lowering *l, const struct ingress *i, const struct ingress_tls *tls,
                         struct slice host)
{
    struct arena *a = &l->set->arena;
    struct listener_set *set = set_of(l, i);
    /* Several Ingresses share a host as a rule, and its certificate: the oldest one's. */
    for (SCHEMA_EACH(set->spec.listeners, struct gateway_listener, known))
        if (slice_eq(known->hostname, host))
            return;
    struct gateway_certificate_ref ref = {
        .group = SLICE(""), .kind = SLICE("Secret"), .name = tls->secret, .line = tls->line};
    struct gateway_tls *end = arena_zalloc(a, sizeof *end);
    end->mode = GATEWAY_TERMINATE;
    end->certificates = list_of(a, &ref, sizeof ref);
    struct gateway_listener *to = push(a, &set->spec.listeners, sizeof *to);
    to->name = arena_printf(a, "tls-%zu", set->spec.listeners.count);
    to->hostname = host;
    to->port = HTTPS_PORT;
    to->protocol_name = SLICE("HTTPS");
    to->protocol = GATEWAY_HTTPS;
    to->tls = end;
    to->allowed.namespaces.from = GATEWAY_FROM_SAME;
    to->line = tls->line;
}

static void add_certificates(struct lowering *l, const struct ingress *i)
{
    for (SCHEMA_EACH(i->spec.tls, struct ingress_tls, tls)) {
        if (!tls->secret.len) {
            policy_set_complain(l->diags, &i->object, tls->line, true, "spec.tls",
                                FINDING_INGRESS_PART,
                                "names no Secret: left out");
            continue;
        }
        if (!tls->hosts.count)
            add_listener(l, i, tls, SLICE(""));
        for (SCHEMA_EACH(tls->hosts, struct slice, host))
            if (is_host(l, i, *host, tls->line))
                add_listener(l, i, tls, *host);
    }
}

static int by_age(const void *a, const void *b)
{
    return policy_index_compare_age(*(const struct object *const *)a,
                                    *(const struct object *const *)b);
}

void ingress_routes_add(struct policy_set *s, struct diag_list *diags)
{
    struct lowering l = {.set = s, .diags = diags};
    const struct object_list *all = &s->all[KIND_INGRESS];
    for (size_t n = 0; n < all->count; n++)
        if (ingress_is_ours(POLICY_AT(all, struct ingress, n)))
            policy_set_append(&l.ours, all->items[n]);
    if (!l.ours.count)
        return;
    map_init(&l.sets);
    qsort(l.ours.items, l.ours.count, sizeof *l.ours.items, by_age);
    for (size_t n = 0; n < l.ours.count; n++)
        add_certificates(&l, POLICY_AT(&l.ours, struct ingress, n));
    for (size_t n = 0; n < l.ours.count; n++)
        add_routes(&l, POLICY_AT(&l.ours, struct ingress, n));
    map_dispose(&l.sets);
    mem_free(l.ours.items);
}
