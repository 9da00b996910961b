/* The status of BackendTLSPolicies: for each Gateway whose routes lead to what the policy is for.
 * Control thread. Must not know how backends are called.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/backend.h"
#include "policies/compile/backend_trust.h"
#include "policies/kinds/http_route.h"
#include "policies/kinds/stream_route.h"
#include "policies/status/status_priv.h"

enum { ANCESTORS_MAX = 16 };

/* Gateways that a policy matters to. */
struct ancestors {
    const struct gateway *items[ANCESTORS_MAX];
    size_t count;
};

struct view {
    struct status_run *run;
    struct map by_policy; /* address of a policy -> struct ancestors */
    const struct gateway *gateway;
};

/* ---- which Gateways ---- */

static void join(struct view *v, const struct object *policy)
{
    struct slice key = slice_of(&policy, sizeof policy);
    struct ancestors *a = map_get(&v->by_policy, key);
    if (!a) {
        a = arena_zalloc(&v->run->arena, sizeof *a);
        map_put(&v->by_policy, key, a);
    }
    bool known = a->count && a->items[a->count - 1] == v->gateway;
    if (!known && a->count < ANCESTORS_MAX)
        a->items[a->count++] = v->gateway;
}

static void visit_backend(struct view *v, const struct route *route,
                          const struct route_backend *ref, enum backend_use use)
{
    struct backend found;
    enum backend_fault fault = backend_resolve(v->run->in->set, &route->object, ref, use, &found);
    if ((fault != BACKEND_OK && fault != BACKEND_NEEDS_TLS) || external_service_is(found.service))
        return;
    const struct metadata *meta = &found.service->object.meta;
    const struct object_list *policies = policy_index_group(
        v->run->in->set, POLICY_GROUP_BACKEND_TLS, meta->namespace_name, meta->name);
    for (size_t i = 0; i < policies->count; i++)
        join(v, policies->items[i]);
}

static void visit_route(struct view *v, const struct route *route)
{
    switch (route->object.kind->id) {
    case KIND_HTTP_ROUTE:
    case KIND_GRPC_ROUTE:
        for (SCHEMA_EACH(route->spec.rules, struct http_route_rule, rule))
            for (SCHEMA_EACH(rule->backends, struct route_backend, b))
                visit_backend(v, route, b, BACKEND_OF_GATEWAY);
        break;
    case KIND_TLS_ROUTE:
    case KIND_TCP_ROUTE:
        for (SCHEMA_EACH(route->spec.rules, struct stream_route_rule, rule))
            for (SCHEMA_EACH(rule->backends, struct route_backend, b))
                visit_backend(v, route, b, BACKEND_OF_STREAM);
        break;
    default:
        break;
    }
}

static void visit_gateway(struct view *v, const struct gateway_model *m)
{
    v->gateway = m->gateway;
    for (size_t i = 0; i < m->n_parents; i++)
        if (m->parents[i].accepted.ok)
            visit_route(v, m->parents[i].route);
}

/* ---- what is said ---- */

/* Some target is the policy's alone, or the older one's. */
static const struct backend_tls_policy *find_rival(struct status_run *run,
                                                   const struct backend_tls_policy *p)
{
    const struct backend_tls_policy *rival = NULL;
    for (SCHEMA_EACH(p->spec.targets, struct policy_target, t)) {
        if (!backend_tls_policy_target_is_service(t))
            continue;
        rival = backend_trust_rival(run->in->set, p, t);
        if (!rival)
            return NULL;
    }
    return rival;
}

static void judge(struct status_run *run, const struct backend_tls_policy *p,
                  struct status_condition items[2])
{
    const struct backend_tls_policy *rival = find_rival(run, p);
    struct backend_trust trust = backend_trust_of(run->in->set, &run->scratch, p);
    bool is_ref = trust.fault == BACKEND_TRUST_INVALID_REF;
    bool is_kind = trust.fault == BACKEND_TRUST_INVALID_KIND;
    items[0] = (struct status_condition){"Accepted", true, "Accepted",
                                         SLICE("backends are called over TLS")};
    items[1] = (struct status_condition){"ResolvedRefs", true, "ResolvedRefs",
                                         SLICE("all references lead somewhere")};
    if (trust.left_out.len)
        items[1].text = arena_printf(&run->scratch, "all references lead somewhere; %.*s",
                                     SLICE_ARG(trust.left_out));
    if (is_ref || is_kind)
        items[1] = (struct status_condition){
            "ResolvedRefs", false, is_ref ? "InvalidCACertificateRef" : "InvalidKind", trust.text};
    if (rival)
        items[0] = (struct status_condition){"Accepted", false, "Conflicted",
                                             arena_printf(&run->scratch,
                                                          "%.*s is for the same and comes first",
                                                          SLICE_ARG(rival->object.text))};
    else if (!trust.is_usable)
        items[0] = (struct status_condition){
            "Accepted", false, is_ref || is_kind ? "NoValidCACertificate" : "Invalid", trust.text};
}

static bool is_ours(const struct doc *entry)
{
    return slice_eq_cstr(doc_string(doc_get(entry, SLICE("controllerName"))), STATUS_CONTROLLER);
}

static const struct doc *find_entry(const struct doc *old, const struct metadata *gateway)
{
    for (size_t i = 0; old && i < old->count; i++) {
        const struct doc *ref = doc_get(old->items[i], SLICE("ancestorRef"));
        if (is_ours(old->items[i]) &&
            slice_eq(doc_string(doc_get(ref, SLICE("name"))), gateway->name) &&
            slice_eq(doc_string(doc_get(ref, SLICE("namespace"))), gateway->namespace_name))
            return old->items[i];
    }
    return NULL;
}

static void put_ancestor(struct status_doc *d, struct doc *entry, const struct gateway *gateway,
                         const struct status_condition items[2])
{
    const struct metadata *meta = &gateway->object.meta;
    const struct doc *old = find_entry(status_doc_old(d->object, "ancestors"), meta);
    struct doc *ref = doc_make_put_object(d->arena, entry, "ancestorRef");
    status_doc_text(d, ref, "group", SLICE(KIND_GROUP_GATEWAY));
    status_doc_text(d, ref, "kind", SLICE("Gateway"));
    status_doc_text(d, ref, "namespace", meta->namespace_name);
    status_doc_text(d, ref, "name", meta->name);
    status_doc_text(d, entry, "controllerName", SLICE(STATUS_CONTROLLER));
    status_doc_conditions(d, entry, doc_get(old, SLICE("conditions")), items, 2);
}

static void emit(struct view *v, const struct backend_tls_policy *p)
{
    static const struct ancestors none;
    const struct object *o = &p->object;
    const struct ancestors *a = map_get(&v->by_policy, slice_of(&o, sizeof o));
    const struct doc *old = status_doc_old(o, "ancestors");
    struct status_condition items[2];
    struct status_doc d;
    a = a ? a : &none;
    judge(v->run, p, items);
    status_doc_begin(&d, v->run, o);
    struct doc *array = doc_make_put_array(d.arena, d.root, "ancestors");
    for (size_t i = 0; old && i < old->count && array->count < ANCESTORS_MAX; i++)
        if (!is_ours(old->items[i]))
            doc_make_push(d.arena, array, old->items[i]);
    for (size_t i = 0; i < a->count && array->count < ANCESTORS_MAX; i++)
        put_ancestor(&d, status_doc_push(&d, array), a->items[i], items);
    status_doc_end(&d, a->count == 0);
}

void status_tls_all(struct status_run *run)
{
    const struct object_list *all = &run->in->set->all[KIND_BACKEND_TLS_POLICY];
    struct view v = {.run = run};
    map_init(&v.by_policy);
    for (size_t i = 0; all->count && i < run->n_models; i++)
        visit_gateway(&v, run->models[i]);
    for (size_t i = 0; i < all->count; i++)
        emit(&v, POLICY_AT(all, struct backend_tls_policy, i));
    map_dispose(&v.by_policy);
}
