/* What policy_set_finish does: sorts the objects, finds doubles and clashes, and builds the maps
 * that the compiler asks. Control thread. Must not know what is compiled from them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/store/policy_index.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/similar.h"
#include "policies/store/ingress_routes.h"
#include "policies/kinds/authorization_policy.h"
#include "policies/kinds/backend_tls_policy.h"
#include "policies/kinds/endpoint_slice.h"
#include "policies/kinds/gateway.h"
#include "policies/kinds/http_route.h"
#include "policies/kinds/listener_policy.h"
#include "policies/kinds/listener_set.h"
#include "policies/kinds/request_authentication.h"
#include "policies/kinds/service.h"
#include "policies/kinds/traffic_policy.h"
#include "policies/store/filter_ref.h"
#include "policies/store/policy_addresses.h"
#include "policies/kinds/selector.h"

enum { KEY_MAX = 600 };

static struct slice key_of(char key[KEY_MAX], struct slice namespace_name, struct slice name)
{
    int len = snprintf(key, KEY_MAX, "%.*s/%.*s", SLICE_ARG(slice_sub(namespace_name, 0, 253)),
                       SLICE_ARG(slice_sub(name, 0, 253)));
    return slice_of(key, (size_t)len);
}

static int compare_names(const struct object *a, const struct object *b)
{
    int order = slice_compare(a->meta.namespace_name, b->meta.namespace_name);
    return order ? order : slice_compare(a->meta.name, b->meta.name);
}

static int by_name(const void *a, const void *b)
{
    const struct object *x = *(const struct object *const *)a;
    const struct object *y = *(const struct object *const *)b;
    int order = compare_names(x, y);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

int policy_index_compare_age(const struct object *a, const struct object *b)
{
    if (a->meta.created != b->meta.created)
        return a->meta.created < b->meta.created ? -1 : 1;
    return compare_names(a, b);
}

static int by_age(const void *a, const void *b)
{
    return policy_index_compare_age(*(const struct object *const *)a,
                                    *(const struct object *const *)b);
}

static void index_names(struct policy_set *s, enum kind_id kind, struct diag_list *diags)
{
    struct object_list *all = &s->all[kind];
    char key[KEY_MAX];
    if (all->count)
        qsort(all->items, all->count, sizeof *all->items, by_name);
    for (size_t i = 0; i < all->count; i++) {
        const struct object *o = all->items[i], *first = i ? all->items[i - 1] : NULL;
        if (first && compare_names(o, first) == 0)
            policy_set_complain(diags, o, 0, false, "metadata.name",
                                FINDING_INVALID,
                                "there already is one of this name, in %.*s:%u",
                                SLICE_ARG(first->file), first->line);
        map_put(&s->by_name[kind], key_of(key, o->meta.namespace_name, o->meta.name),
                (void *)(uintptr_t)o);
    }
}

static void join_group(struct policy_set *s, enum policy_group group, struct slice namespace_name,
                       struct slice name, const struct object *o)
{
    char text[KEY_MAX];
    struct slice key = key_of(text, namespace_name, name);
    struct object_list *list = map_get(&s->groups[group], key);
    if (!list) {
        list = arena_zalloc(&s->arena, sizeof *list);
        map_put(&s->groups[group], key, list);
    }
    if (list->count && list->items[list->count - 1] == o)
        return; /* named twice by the same object */
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 4;
        const struct object **items = arena_alloc(&s->arena, capacity * sizeof *items);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = o;
}

static struct slice or_own(struct slice namespace_name, const struct object *o)
{
    return namespace_name.ptr ? namespace_name : o->meta.namespace_name;
}

/* Routes of the mesh are for what a sidecar understands. */
static bool is_of_mesh(const struct route *route)
{
    enum kind_id id = route->object.kind->id;
    return id != KIND_TLS_ROUTE && id != KIND_TCP_ROUTE && id != KIND_UDP_ROUTE;
}

static void index_routes(struct policy_set *s, const struct object *o, struct diag_list *diags)
{
    const struct route *route = (const void *)o;
    char hint[POLICY_INDEX_HINT_MAX];
    bool at_gateway = false;
    for (SCHEMA_EACH(route->spec.parents, struct route_parent, p))
        at_gateway |= route_parent_is_gateway(p) || route_parent_is_listener_set(p);
    if (route->spec.hostnames.count && route->spec.parents.count && !at_gateway)
        policy_set_complain(diags, &route->object, 0, true, "spec.hostnames",
                                FINDING_HOSTS_IGNORED,
                            "count at Gateways only: a Service is matched by its address");
    for (SCHEMA_EACH(route->spec.parents, struct route_parent, p)) {
        struct slice ns = or_own(p->namespace_name, &route->object);
        bool is_service = route_parent_is_service(p), is_set = route_parent_is_listener_set(p);
        if (!is_service && !is_set && !route_parent_is_gateway(p)) {
            policy_set_complain(diags, &route->object, p->line, true, "spec.parentRefs",
                                FINDING_PARENT_KIND,
                                "a parent of kind %.*s is not ours: ignored", SLICE_ARG(p->kind));
            continue;
        }
        if (is_service && !is_of_mesh(route)) {
            policy_set_complain(diags, &route->object, p->line, true, "spec.parentRefs",
                                FINDING_PARENT_KIND,
                                "a Service as parent is for HTTPRoute and GRPCRoute: ignored");
            continue;
        }
        enum policy_group group = is_service ? POLICY_GROUP_SERVICE_ROUTES
                                  : is_set   ? POLICY_GROUP_SET_ROUTES
                                             : POLICY_GROUP_GATEWAY_ROUTES;
        enum kind_id kind = is_service ? KIND_SERVICE : is_set ? KIND_LISTENER_SET : KIND_GATEWAY;
        join_group(s, group, ns, p->name, &route->object);
        if (!policy_index_find(s, kind, ns, p->name))
            policy_set_complain(diags, &route->object, p->line, true, "spec.parentRefs",
                                FINDING_PARENT_MISSING,
                                "there is no %.*s %.*s/%.*s%s", SLICE_ARG(p->kind), SLICE_ARG(ns),
                                SLICE_ARG(p->name), policy_index_hint(s, kind, ns, p->name, hint));
    }
}

static void index_listener_sets(struct policy_set *s, const struct object *o,
                                struct diag_list *diags)
{
    const struct listener_set *set = (const void *)o;
    const struct listener_set_parent *p = &set->spec.parent;
    char hint[POLICY_INDEX_HINT_MAX];
    struct slice ns = listener_set_parent_namespace(set);
    if (!listener_set_parent_is_gateway(p)) {
        policy_set_complain(diags, &set->object, p->line, true, "spec.parentRef",
                                FINDING_PARENT_KIND,
                            "a parent of kind %.*s is not ours: ignored", SLICE_ARG(p->kind));
        return;
    }
    join_group(s, POLICY_GROUP_GATEWAY_SETS, ns, p->name, &set->object);
    if (!policy_index_find(s, KIND_GATEWAY, ns, p->name))
        policy_set_complain(diags, &set->object, p->line, true, "spec.parentRef",
                                FINDING_PARENT_MISSING,
                            "there is no Gateway %.*s/%.*s%s", SLICE_ARG(ns), SLICE_ARG(p->name),
                            policy_index_hint(s, KIND_GATEWAY, ns, p->name, hint));
}

static void index_traffic(struct policy_set *s, const struct object *o, struct diag_list *diags)
{
    const struct traffic_policy *policy = (const void *)o;
    char hint[POLICY_INDEX_HINT_MAX];
    struct slice ns = policy->object.meta.namespace_name;
    for (SCHEMA_EACH(policy->spec.targets, struct policy_target, t)) {
        enum kind_id kind = traffic_policy_target_kind(t);
        bool is_service = kind == KIND_SERVICE || kind == KIND_EXTERNAL_SERVICE;
        join_group(s, is_service ? POLICY_GROUP_SERVICE_TRAFFIC : POLICY_GROUP_ROUTE_TRAFFIC, ns,
                   t->name, &policy->object);
        if (!policy_index_find(s, kind, ns, t->name))
            policy_set_complain(diags, &policy->object, t->line, true, "spec.targetRefs",
                                FINDING_TARGET_MISSING,
                                "there is no %.*s %.*s/%.*s%s: the policy does nothing for it",
                                SLICE_ARG(t->kind), SLICE_ARG(ns), SLICE_ARG(t->name),
                                policy_index_hint(s, kind, ns, t->name, hint));
    }
}

static void index_clients(struct policy_set *s, const struct object *o, struct diag_list *diags)
{
    const struct listener_policy *policy = (const void *)o;
    char hint[POLICY_INDEX_HINT_MAX];
    struct slice ns = policy->object.meta.namespace_name;
    for (SCHEMA_EACH(policy->spec.targets, struct policy_target, t)) {
        join_group(s, POLICY_GROUP_GATEWAY_CLIENTS, ns, t->name, &policy->object);
        const struct object *found = policy_index_find(s, KIND_GATEWAY, ns, t->name);
        if (!found)
            policy_set_complain(diags, &policy->object, t->line, true, "spec.targetRefs",
                                FINDING_TARGET_MISSING,
                                "there is no Gateway %.*s/%.*s%s: the policy does nothing for it",
                                SLICE_ARG(ns), SLICE_ARG(t->name),
                                policy_index_hint(s, KIND_GATEWAY, ns, t->name, hint));
        else if (t->section.len && !gateway_has_listener((const void *)found, t->section))
            policy_set_complain(diags, &policy->object, t->line, true, "spec.targetRefs",
                                FINDING_TARGET_MISSING,
                                "Gateway %.*s/%.*s has no listener %.*s: the policy does nothing "
                                "for it",
                                SLICE_ARG(ns), SLICE_ARG(t->name), SLICE_ARG(t->section));
    }
}

static void index_filters(struct policy_set *s, const struct object *o, struct diag_list *diags)
{
    const struct http_filter *filter = (const void *)o;
    for (SCHEMA_EACH(filter->spec.targets, struct policy_target, t)) {
        enum policy_group group = slice_eq_cstr(t->kind, "Gateway")   ? POLICY_GROUP_GATEWAY_FILTERS
                                  : slice_eq_cstr(t->kind, "Service") ? POLICY_GROUP_SERVICE_FILTERS
                                  : slice_eq_cstr(t->kind, "Consumer")
                                      ? POLICY_GROUP_CONSUMER_FILTERS
                                                                      : POLICY_GROUP_ROUTE_FILTERS;
        struct slice why;
        join_group(s, group, o->meta.namespace_name, t->name, o);
        if (!filter_ref_target_is_there(s, filter, t, &s->arena, &why))
            policy_set_complain(diags, o, t->line, true, "spec.targetRefs", FINDING_TARGET_MISSING,
                                "%.*s: the filter does nothing for it", SLICE_ARG(why));
    }
}

static void index_backend_tls(struct policy_set *s, const struct object *o,
                              struct diag_list *diags)
{
    const struct backend_tls_policy *policy = (const void *)o;
    char hint[POLICY_INDEX_HINT_MAX];
    struct slice ns = policy->object.meta.namespace_name;
    for (SCHEMA_EACH(policy->spec.targets, struct policy_target, t)) {
        if (!backend_tls_policy_target_is_service(t)) {
            policy_set_complain(diags, &policy->object, t->line, true, "spec.targetRefs",
                                FINDING_TARGET_MISSING,
                                "a target of kind %.*s is not known: ignored", SLICE_ARG(t->kind));
            continue;
        }
        join_group(s, POLICY_GROUP_BACKEND_TLS, ns, t->name, &policy->object);
        if (!policy_index_find(s, KIND_SERVICE, ns, t->name))
            policy_set_complain(diags, &policy->object, t->line, true, "spec.targetRefs",
                                FINDING_TARGET_MISSING,
                                "there is no Service %.*s/%.*s%s: the policy does nothing for it",
                                SLICE_ARG(ns), SLICE_ARG(t->name),
                                policy_index_hint(s, KIND_SERVICE, ns, t->name, hint));
    }
}

static void index_authorization(struct policy_set *s, const struct object *o,
                                struct diag_list *diags)
{
    const struct authorization_policy *policy = (const void *)o;
    char hint[POLICY_INDEX_HINT_MAX];
    struct slice ns = policy->object.meta.namespace_name;
    join_group(s, POLICY_GROUP_AUTHZ, ns, SLICE(""), &policy->object);
    for (SCHEMA_EACH(policy->spec.targets, struct policy_target, t))
        if (!policy_index_find(s, KIND_GATEWAY, ns, t->name))
            policy_set_complain(diags, &policy->object, 0, true, "spec.targetRefs",
                                FINDING_TARGET_MISSING,
                                "there is no Gateway %.*s/%.*s%s: the policy does nothing for it",
                                SLICE_ARG(ns), SLICE_ARG(t->name),
                                policy_index_hint(s, KIND_GATEWAY, ns, t->name, hint));
}

static void index_request_authentication(struct policy_set *s, const struct object *o,
                                         struct diag_list *diags)
{
    const struct request_authentication *policy = (const void *)o;
    char hint[POLICY_INDEX_HINT_MAX];
    struct slice ns = o->meta.namespace_name;
    join_group(s, POLICY_GROUP_REQUEST_AUTH, ns, SLICE(""), o);
    for (SCHEMA_EACH(policy->spec.targets, struct policy_target, t)) {
        enum kind_id kind = slice_eq_cstr(t->kind, "Service") ? KIND_SERVICE : KIND_GATEWAY;
        if (!policy_index_find(s, kind, ns, t->name))
            policy_set_complain(diags, o, t->line, true, "spec.targetRefs", FINDING_TARGET_MISSING,
                                "there is no %.*s %.*s/%.*s%s: the policy does nothing for it",
                                SLICE_ARG(t->kind), SLICE_ARG(ns), SLICE_ARG(t->name),
                                policy_index_hint(s, kind, ns, t->name, hint));
    }
}

/* A headless Service is called by the addresses of its endpoints. */
static void group_endpoints(struct policy_set *s, const struct endpoint_slice *slice,
                            const struct object *service)
{
    char text[ADDR_TEXT_MAX];
    for (SCHEMA_EACH(slice->endpoints, struct endpoint_slice_endpoint, e))
        for (SCHEMA_EACH(e->addresses, struct slice, ip)) {
            struct slice key = policy_addresses_canonical(*ip, text);
            if (key.ptr)
                join_group(s, POLICY_GROUP_HEADLESS, key, SLICE(""), service);
        }
}

static void index_endpoint_slices(struct policy_set *s, const struct object *o,
                                  struct diag_list *diags)
{
    const struct endpoint_slice *slice = (const void *)o;
    const struct metadata *meta = &slice->object.meta;
    struct slice name = selector_label(&meta->labels, SLICE(ENDPOINT_SLICE_SERVICE_LABEL));
    if (!name.len) {
        policy_set_complain(diags, &slice->object, 0, true, "metadata.labels",
                                FINDING_ENDPOINTS_UNUSED,
                            "has no label " ENDPOINT_SLICE_SERVICE_LABEL ": it is of no use");
        return;
    }
    join_group(s, POLICY_GROUP_SLICES, meta->namespace_name, name, &slice->object);
    const struct object *service = policy_index_find(s, KIND_SERVICE, meta->namespace_name, name);
    if (service && service_is_headless((const struct service *)(const void *)service))
        group_endpoints(s, slice, service);
}

static void index_services(struct policy_set *s, const struct object *o, struct diag_list *diags)
{
    (void)diags;
    join_group(s, POLICY_GROUP_SERVICES, o->meta.namespace_name, SLICE(""), o);
}

static void index_grants(struct policy_set *s, const struct object *o, struct diag_list *diags)
{
    (void)diags;
    join_group(s, POLICY_GROUP_GRANTS, o->meta.namespace_name, SLICE(""), o);
}

static void index_peers(struct policy_set *s, const struct object *o, struct diag_list *diags)
{
    (void)diags;
    join_group(s, POLICY_GROUP_PEER, o->meta.namespace_name, SLICE(""), o);
}

static void index_nothing(struct policy_set *s, const struct object *o, struct diag_list *diags)
{
    (void)s, (void)o, (void)diags;
}

/* By kind. */
typedef void index_fn(struct policy_set *s, const struct object *o, struct diag_list *diags);
#define KIND(symbol, stem, of, index, ...) [KIND_##symbol] = index_##index,
static index_fn *const index_fns[KIND_COUNT] = {
#include "policies/kinds/kinds.def"
};
#undef KIND

static void sort_groups(struct policy_set *s)
{
    for (size_t i = 0; i < POLICY_GROUP_COUNT; i++) {
        size_t at = 0;
        struct slice key;
        void *value;
        while (map_next(&s->groups[i], &at, &key, &value)) {
            struct object_list *list = value;
            qsort(list->items, list->count, sizeof *list->items, by_age);
        }
    }
}

void policy_index_build(struct policy_set *s, struct diag_list *diags)
{
    /* Ingresses become routes; for that, Services must be found. */
    index_names(s, KIND_SERVICE, diags);
    index_names(s, KIND_INGRESS, diags);
    ingress_routes_add(s, diags);
    for (size_t kind = 0; kind < KIND_COUNT; kind++)
        if (kind != KIND_SERVICE && kind != KIND_INGRESS)
            index_names(s, (enum kind_id)kind, diags);
    for (size_t kind = 0; kind < KIND_COUNT; kind++)
        for (size_t i = 0; i < s->all[kind].count; i++)
            index_fns[kind](s, s->all[kind].items[i], diags);
    sort_groups(s);
    policy_addresses_build(s, diags);
}

const struct object *policy_index_find(const struct policy_set *s, enum kind_id kind,
                                       struct slice namespace_name, struct slice name)
{
    char key[KEY_MAX];
    return map_get(&s->by_name[kind], key_of(key, namespace_name, name));
}

const char *policy_index_hint(const struct policy_set *s, enum kind_id kind, struct slice ns,
                              struct slice name, char out[POLICY_INDEX_HINT_MAX])
{
    struct similar near = similar_to(name);
    for (size_t i = 0; i < s->all[kind].count; i++)
        if (slice_eq(s->all[kind].items[i]->meta.namespace_name, ns))
            similar_try(&near, s->all[kind].items[i]->meta.name);
    *out = '\0';
    if (near.best.len)
        snprintf(out, POLICY_INDEX_HINT_MAX, " (did you mean \"%.*s\"?)", SLICE_ARG(near.best));
    return out;
}

const struct object_list *policy_index_group(const struct policy_set *s, enum policy_group group,
                                             struct slice namespace_name, struct slice name)
{
    static const struct object_list none;
    char key[KEY_MAX];
    const struct object_list *list = map_get(&s->groups[group], key_of(key, namespace_name, name));
    return list ? list : &none;
}
