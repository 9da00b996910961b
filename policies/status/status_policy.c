/* The status of our own kinds: accepted, what they are for, and who comes first where two say the
 * same. Control thread. Must not know what a policy does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "policies/compile/audience.h"
#include "policies/compile/backend_trust.h"
#include "policies/compile/compile_priv.h"
#include "policies/compile/material.h"
#include "policies/compile/provider.h"
#include "policies/compile/request_auth.h"
#include "policies/kinds/authorization_policy.h"
#include "policies/kinds/consumer_object.h"
#include "policies/gateway/gateway_refs.h"
#include "policies/kinds/gateway.h"
#include "policies/kinds/listener_policy.h"
#include "policies/kinds/traffic_policy.h"
#include "policies/store/filter_ref.h"
#include "policies/status/status_priv.h"

/* ---- conflicts: what the compiler remarks ---- */

static void collect_traffic(struct compile *c, enum policy_group group)
{
    struct slice key;
    void *list;
    for (size_t at = 0; map_next(&c->set->groups[group], &at, &key, &list);)
        compile_traffic_note_conflicts(c, list);
}

static void collect_clients(struct compile *c)
{
    struct slice key;
    void *list;
    for (size_t at = 0; map_next(&c->set->groups[POLICY_GROUP_GATEWAY_CLIENTS], &at, &key, &list);)
        compile_client_traffic_note_conflicts(c, list);
}

static void collect_filters(struct compile *c, enum policy_group group)
{
    struct slice key;
    void *list;
    for (size_t at = 0; map_next(&c->set->groups[group], &at, &key, &list);)
        compile_chain_note_conflicts(c, list);
}

static void collect_peers(struct compile *c)
{
    const struct object_list *all = &c->set->all[KIND_PEER_AUTHENTICATION];
    for (size_t i = 0; i < all->count; i++) {
        struct slice ns = all->items[i]->meta.namespace_name;
        bool is_new = i == 0 || !slice_eq(ns, all->items[i - 1]->meta.namespace_name);
        c->target.namespace_name = ns;
        if (is_new)
            compile_mtls_note_conflicts(c);
    }
}

/* Texts of objects -> the first remark about each. */
static void index_remarks(const struct diag_list *notes, struct map *by_object)
{
    LIST_FOREACH(node, (struct list *)&notes->items)
    {
        struct diag *d = container_of(node, struct diag, node);
        if (!map_get(by_object, d->object))
            map_put(by_object, d->object, d);
    }
}

/* ---- targets ---- */

static struct status_condition not_found(struct status_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static struct status_condition not_found(struct status_run *run, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return (struct status_condition){"ResolvedRefs", false, "TargetNotFound",
                                     arena_printf(&run->scratch, "%s", text)};
}

static const struct status_condition all_found = {"ResolvedRefs", true, "ResolvedRefs",
                                                  {"all targets are there", 21}};

static bool exists(const struct policy_set *set, const struct policy_target *t,
                   struct slice ns)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (slice_eq_cstr(t->kind, kind_all[i]->name) &&
            (!t->group.ptr || slice_eq_cstr(t->group, kind_all[i]->group)))
            return policy_index_find(set, (enum kind_id)i, ns, t->name) != NULL;
    return false;
}

static struct status_condition resolve_traffic(struct status_run *run,
                                               const struct traffic_policy *p)
{
    struct slice ns = p->object.meta.namespace_name;
    for (SCHEMA_EACH(p->spec.targets, struct policy_target, t))
        if (!exists(run->in->set, t, ns))
            return not_found(run, "there is no %.*s %.*s/%.*s", SLICE_ARG(t->kind), SLICE_ARG(ns),
                             SLICE_ARG(t->name));
    return all_found;
}

static struct status_condition resolve_authz(struct status_run *run,
                                             const struct authorization_policy *p)
{
    struct slice ns = p->object.meta.namespace_name;
    for (SCHEMA_EACH(p->spec.targets, struct policy_target, t))
        if (!policy_index_find(run->in->set, KIND_GATEWAY, ns, t->name))
            return not_found(run, "there is no Gateway %.*s/%.*s", SLICE_ARG(ns),
                             SLICE_ARG(t->name));
    const struct ext_auth_spec *ignored;
    struct slice why;
    if (p->spec.provider && !provider_resolve(run->in->set, p, &run->scratch, &ignored, &why))
        return (struct status_condition){"ResolvedRefs", false, "ProviderNotFound", why};
    return p->spec.provider ? (struct status_condition){"ResolvedRefs", true, "ResolvedRefs",
                                                        SLICE("all references lead somewhere")}
                            : all_found;
}

static bool ends_tls(const struct gateway *g, struct slice section)
{
    for (SCHEMA_EACH(g->spec.listeners, struct gateway_listener, l))
        if (gateway_model_ends_tls(l) && (!section.len || slice_eq(section, l->name)))
            return true;
    return false;
}

/* Does it say something of TLS, and ends none of what it is for any? */
static bool lacks_tls(struct status_run *run, const struct listener_policy *p)
{
    if (!listener_tls_is_said(&p->spec.tls))
        return false;
    for (SCHEMA_EACH(p->spec.targets, struct policy_target, t)) {
        const struct object *g = policy_index_find(run->in->set, KIND_GATEWAY,
                                                   p->object.meta.namespace_name, t->name);
        if (g && ends_tls((const void *)g, t->section))
            return false;
    }
    return true;
}

/* Of clients' certificates. */
static struct status_condition resolve_authorities(struct status_run *run,
                                                   const struct listener_policy *p)
{
    struct gateway_model m = {.arena = &run->scratch, .set = run->in->set};
    struct gateway_finding why;
    if (!p->spec.tls.clients.authorities.present)
        return all_found;
    struct slice pem = gateway_refs_pem(&m, &p->object, &p->spec.tls.clients.authorities, &why);
    if (why.ok)
        return (struct status_condition){"ResolvedRefs", true, "ResolvedRefs",
                                         SLICE("all references lead somewhere")};
    return (struct status_condition){
        "ResolvedRefs", false, why.reason,
        arena_printf(&run->scratch, "tls.clientCertificates.caCertificateRefs: %.*s%s",
                     SLICE_ARG(why.text),
                     pem.len ? "" : ": no certificate of a client can be good")};
}

static struct status_condition resolve_clients(struct status_run *run,
                                               const struct listener_policy *p)
{
    struct slice ns = p->object.meta.namespace_name;
    for (SCHEMA_EACH(p->spec.targets, struct policy_target, t)) {
        const struct object *g = policy_index_find(run->in->set, KIND_GATEWAY, ns, t->name);
        if (!g)
            return not_found(run, "there is no Gateway %.*s/%.*s", SLICE_ARG(ns),
                             SLICE_ARG(t->name));
        if (t->section.len && !gateway_has_listener((const void *)g, t->section))
            return not_found(run, "Gateway %.*s/%.*s has no listener %.*s", SLICE_ARG(ns),
                             SLICE_ARG(t->name), SLICE_ARG(t->section));
    }
    return resolve_authorities(run, p);
}

static struct status_condition resolve_filter(struct status_run *run, const struct http_filter *o)
{
    struct slice why;
    for (SCHEMA_EACH(o->spec.targets, struct policy_target, t))
        if (!filter_ref_target_is_there(run->in->set, o, t, &run->scratch, &why))
            return not_found(run, "%.*s", SLICE_ARG(why));
    struct status_condition refs = status_filter_resolved(run, o);
    return refs.ok ? all_found : refs;
}

static struct status_condition resolve_consumer(struct status_run *run,
                                                const struct consumer_object *o)
{
    struct slice why;
    enum material_fault fault = material_check(run->in->set, &o->object, &consumer_spec_schema,
                                               &o->spec, &run->scratch, &why);
    if (fault)
        return (struct status_condition){"ResolvedRefs", false, material_reason(fault), why};
    return (struct status_condition){"ResolvedRefs", true, "ResolvedRefs",
                                     SLICE("all references lead somewhere")};
}

static struct status_condition resolve_external(struct status_run *run,
                                                const struct external_service *o)
{
    static const char *const reasons[] = {
        [BACKEND_TRUST_OK] = "ResolvedRefs",
        [BACKEND_TRUST_INVALID_REF] = "InvalidCACertificateRef",
        [BACKEND_TRUST_INVALID_KIND] = "InvalidKind",
        [BACKEND_TRUST_UNSUPPORTED] = "Invalid",
    };
    const struct backend_tls_policy *tls = backend_trust_of_external(&run->scratch, o);
    struct backend_trust trust = {.is_usable = true};
    if (tls)
        trust = backend_trust_of(run->in->set, &run->scratch, tls);
    if (trust.fault != BACKEND_TRUST_OK)
        return (struct status_condition){"ResolvedRefs", false, reasons[trust.fault], trust.text};
    return (struct status_condition){"ResolvedRefs", true, "ResolvedRefs",
                                     SLICE("all references lead somewhere")};
}

static struct status_condition resolve_tokens(struct status_run *run,
                                              const struct request_authentication *p)
{
    struct slice ns = p->object.meta.namespace_name, why;
    for (SCHEMA_EACH(p->spec.targets, struct policy_target, t))
        if (!exists(run->in->set, t, ns))
            return not_found(run, "there is no %.*s %.*s/%.*s", SLICE_ARG(t->kind), SLICE_ARG(ns),
                             SLICE_ARG(t->name));
    enum material_fault fault =
        request_auth_check(run->in->set, p, &run->scratch, &why);
    if (fault)
        return (struct status_condition){"ResolvedRefs", false, material_reason(fault), why};
    return (struct status_condition){"ResolvedRefs", true, "ResolvedRefs",
                                     SLICE("all references lead somewhere")};
}

/* ---- objects ---- */

static bool is_refused(const struct status_run *run, const struct object *o)
{
    return run->in->store &&
           policy_store_problems(run->in->store, o->kind, o->meta.namespace_name, o->meta.name);
}

/* In force, be it for nobody: that it says so is all that a slip in a label can be seen by. */
static struct status_condition accepted(struct status_run *run, const struct object *o)
{
    struct status_condition c = {"Accepted", true, "Accepted", SLICE("the policy is in force")};
    const struct selector *selector = audience_selector(o);
    if (o->kind->id == KIND_EXTERNAL_SERVICE)
        c.text = SLICE("routes can refer to it");
    if (o->kind->id == KIND_GATEWAY_SETTINGS)
        c.text = SLICE("Gateways of its namespace and GatewayClasses can refer to it");
    if (o->kind->id == KIND_CONSUMER)
        c.text = SLICE("filters that accept this namespace let the consumer in");
    if (o->kind->id == KIND_LISTENER_POLICY && lacks_tls(run, (const void *)o))
        c.text = SLICE("the policy is in force, but for tls: no listener that it is for ends TLS");
    if (audience_is_empty(run->in->set, o, selector))
        c.text = audience_explain(&run->scratch, run->in->set, o, selector);
    return c;
}

static bool refers(const struct authorization_policy_spec *spec)
{
    return spec->targets.present || spec->provider;
}

static void emit(struct status_run *run, const struct object *o, const struct diag *conflict)
{
    const struct status_refusal *refusal = status_refusal_of_policy(run, o);
    struct status_condition items[4] = {accepted(run, o)};
    struct status_doc d;
    size_t count = 1;
    if (o->kind->id == KIND_TRAFFIC_POLICY)
        items[count++] = resolve_traffic(run, (const void *)o);
    if (o->kind->id == KIND_AUTHORIZATION_POLICY &&
        refers(&((const struct authorization_policy *)(const void *)o)->spec))
        items[count++] = resolve_authz(run, (const void *)o);
    if (o->kind->id == KIND_LISTENER_POLICY)
        items[count++] = resolve_clients(run, (const void *)o);
    if (o->kind->id == KIND_REQUEST_AUTHENTICATION)
        items[count++] = resolve_tokens(run, (const void *)o);
    if (o->kind->id == KIND_HTTP_FILTER &&
        ((const struct http_filter *)(const void *)o)->spec.targets.present)
        items[count++] = resolve_filter(run, (const void *)o);
    if (o->kind->id == KIND_CONSUMER)
        items[count++] = resolve_consumer(run, (const void *)o);
    if (o->kind->id == KIND_EXTERNAL_SERVICE)
        items[count++] = resolve_external(run, (const void *)o);
    if (conflict)
        items[count++] =
            (struct status_condition){"Conflicted", true, "Conflicted", conflict->text};
    if (refusal)
        items[count++] = (struct status_condition){
            "Programmed", false, "Refused",
            arena_printf(&run->scratch,
                         "data planes cannot use what is made of it, so what was before is in "
                         "force: %.*s",
                         SLICE_ARG(refusal->text))};
    status_doc_begin(&d, run, o);
    status_doc_conditions(&d, d.root, status_doc_old(o, "conditions"), items, count);
    if (o->kind->id == KIND_HTTP_FILTER)
        status_filter_ancestors(&d, (const void *)o);
    status_doc_end(&d, false);
}

static void emit_kind(struct status_run *run, const struct kind *kind, const struct map *conflicts)
{
    const struct object_list *all = &run->in->set->all[kind->id];
    for (size_t i = 0; i < all->count; i++)
        if (!is_refused(run, all->items[i]))
            emit(run, all->items[i], map_get(conflicts, all->items[i]->text));
}

void status_policy_all(struct status_run *run)
{
    struct diag_list notes;
    struct map conflicts;
    struct compile c = {.arena = &run->arena, .set = run->in->set, .notes = &notes};
    diag_list_init(&notes);
    map_init(&conflicts);
    collect_traffic(&c, POLICY_GROUP_SERVICE_TRAFFIC);
    collect_traffic(&c, POLICY_GROUP_ROUTE_TRAFFIC);
    collect_clients(&c);
    collect_filters(&c, POLICY_GROUP_GATEWAY_FILTERS);
    collect_filters(&c, POLICY_GROUP_ROUTE_FILTERS);
    collect_filters(&c, POLICY_GROUP_SERVICE_FILTERS);
    collect_filters(&c, POLICY_GROUP_CONSUMER_FILTERS);
    collect_peers(&c);
    compile_consumers_note_conflicts(&c);
    index_remarks(&notes, &conflicts);
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (kind_is_own(kind_all[i]) && kind_all[i]->status == KIND_STATUS_WRITTEN)
            emit_kind(run, kind_all[i], &conflicts);
    map_dispose(&conflicts);
    diag_list_dispose(&notes);
}
