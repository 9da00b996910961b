/* Precedence among BackendTLSPolicies, and the certificates that they refer to. Control thread.
 * Must not know which Gateway calls.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/backend_trust.h"

#include "lib/tls/tls_roots.h"
#include "policies/kinds/config_map.h"
#include "policies/kinds/secret.h"

/* ---- which one ---- */

static bool is_for(const struct backend_tls_policy *p, struct slice service, struct slice section)
{
    for (SCHEMA_EACH(p->spec.targets, struct policy_target, t))
        if (backend_tls_policy_target_is_service(t) && slice_eq(t->name, service) &&
            slice_eq(t->section, section))
            return true;
    return false;
}

static const struct backend_tls_policy *first_for(const struct policy_set *set, struct slice ns,
                                                  struct slice service, struct slice section)
{
    const struct object_list *all = policy_index_group(set, POLICY_GROUP_BACKEND_TLS, ns, service);
    for (size_t i = 0; i < all->count; i++) {
        const struct backend_tls_policy *p = POLICY_AT(all, struct backend_tls_policy, i);
        if (is_for(p, service, section))
            return p;
    }
    return NULL;
}

const struct backend_tls_policy *backend_trust_find(const struct policy_set *set,
                                                    const struct service *service,
                                                    const struct service_port *port)
{
    const struct metadata *meta = &service->object.meta;
    const struct backend_tls_policy *p = NULL;
    if (port->name.len)
        p = first_for(set, meta->namespace_name, meta->name, port->name);
    return p ? p : first_for(set, meta->namespace_name, meta->name, SLICE(""));
}

const struct backend_tls_policy *backend_trust_rival(const struct policy_set *set,
                                                     const struct backend_tls_policy *policy,
                                                     const struct policy_target *target)
{
    const struct backend_tls_policy *first =
        first_for(set, policy->object.meta.namespace_name, target->name, target->section);
    return first == policy ? NULL : first;
}

/* ---- whom it trusts ---- */

struct trust_build {
    const struct policy_set *set;
    struct arena *arena;
    const struct object *owner;
    struct backend_trust out;
};

static void fail(struct trust_build *b, enum backend_trust_fault fault, unsigned line,
                 struct slice text)
{
    if (b->out.fault != BACKEND_TRUST_OK)
        return;
    b->out.fault = fault;
    b->out.line = line;
    b->out.text = text;
}

/* What the reference leads to; false: nothing that has certificates of authorities. */
static bool find_pem(const struct trust_build *b, const struct backend_tls_policy_ca_ref *ref,
                     bool is_secret, struct slice *pem)
{
    const struct object *o = policy_index_find(b->set, is_secret ? KIND_SECRET : KIND_CONFIG_MAP,
                                               b->owner->meta.namespace_name, ref->name);
    if (!o)
        return false;
    *pem = is_secret ? ((const struct secret *)(const void *)o)->ca_pem
                     : ((const struct config_map *)(const void *)o)->ca_pem;
    return true;
}

/* At least one member of the list is of use; which are not, report says. */
static bool is_trustworthy(struct slice pem, struct tls_roots_report *report)
{
    struct tls_roots *roots = NULL;
    bool good = !tls_lib_init() && tls_roots_create(pem, &roots, report) == ERR_OK;
    tls_roots_unref(roots);
    return good;
}

static void add_pem(struct trust_build *b, const struct backend_tls_policy_ca_ref *ref,
                    struct slice pem, const struct tls_roots_report *report)
{
    struct slice *all = &b->out.roots_pem;
    *all = all->len ? arena_printf(b->arena, "%.*s\n%.*s", SLICE_ARG(*all), SLICE_ARG(pem)) : pem;
    if (report->skipped && !b->out.left_out.len)
        b->out.left_out = arena_printf(
            b->arena, "%.*s %.*s/%.*s: left out: %s", SLICE_ARG(ref->kind),
            SLICE_ARG(b->owner->meta.namespace_name), SLICE_ARG(ref->name), report->text);
}

static void add_ref(struct trust_build *b, const struct backend_tls_policy_ca_ref *ref)
{
    bool is_secret = slice_eq_cstr(ref->kind, "Secret");
    struct tls_roots_report report = {.text = "it has no certificates under ca.crt"};
    struct slice pem = {NULL, 0}, ns = b->owner->meta.namespace_name;
    if (ref->group.len || (!is_secret && !slice_eq_cstr(ref->kind, "ConfigMap"))) {
        fail(b, BACKEND_TRUST_INVALID_KIND, ref->line,
             arena_printf(b->arena, "a %.*s has no certificates: refer to a ConfigMap or a Secret",
                          SLICE_ARG(ref->kind)));
    } else if (!find_pem(b, ref, is_secret, &pem)) {
        fail(b, BACKEND_TRUST_INVALID_REF, ref->line,
             arena_printf(b->arena, "there is no %.*s %.*s/%.*s", SLICE_ARG(ref->kind),
                          SLICE_ARG(ns), SLICE_ARG(ref->name)));
    } else if (!pem.len || !is_trustworthy(pem, &report)) {
        fail(b, BACKEND_TRUST_INVALID_REF, ref->line,
             arena_printf(b->arena, "%.*s %.*s/%.*s: %s", SLICE_ARG(ref->kind), SLICE_ARG(ns),
                          SLICE_ARG(ref->name), report.text));
    } else {
        add_pem(b, ref, pem, &report);
    }
}

struct backend_trust backend_trust_of(const struct policy_set *set, struct arena *arena,
                                      const struct backend_tls_policy *policy)
{
    struct trust_build b = {.set = set, .arena = arena, .owner = &policy->object};
    const struct backend_tls_policy_validation *v = &policy->spec.validation;
    if (policy->spec.unusable) {
        fail(&b, BACKEND_TRUST_UNSUPPORTED, 0,
             arena_printf(arena, "%s is not supported", policy->spec.unusable));
        return b.out;
    }
    for (SCHEMA_EACH(v->ca_refs, struct backend_tls_policy_ca_ref, ref))
        add_ref(&b, ref);
    b.out.system_roots = v->well_known.len > 0;
    b.out.is_usable = b.out.system_roots || b.out.roots_pem.len > 0;
    return b.out;
}

const struct backend_tls_policy *backend_trust_of_external(struct arena *arena,
                                                           const struct external_service *s)
{
    struct backend_tls_policy *made = s->spec.tls ? arena_zalloc(arena, sizeof(*made)) : NULL;
    if (!made)
        return NULL;
    made->object = s->object;
    made->spec.validation = *s->spec.tls;
    return made;
}
