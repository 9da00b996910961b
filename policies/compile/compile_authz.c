/* Which AuthorizationPolicies are for whom, and the filter that decides by them. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_priv.h"
#include "policies/compile/policy_scope.h"
#include "policies/compile/provider.h"
#include "policies/kinds/authorization_policy.h"
#include "policies/kinds/namespace.h"

static void add(struct compile *c, struct schema_list *to, struct authz_policy_spec policy)
{
    struct authz_policy_spec *items = compile_build_grow(c, to->items, to->count, sizeof *items);
    items[to->count++] = policy;
    to->items = items;
    to->present = true;
}

/* ---- who is asked for CUSTOM ---- */

static void add_provider(struct compile *c, const struct authorization_policy *p,
                         struct authz_policy_spec *to)
{
    struct slice why = SLICE("its backend cannot be used");
    const struct ext_auth_spec *spec;
    const struct http_filter *o = provider_resolve(c->set, p, c->arena, &spec, &why);
    to->provider_name =
        arena_printf(c->arena, "%.*s/%.*s", SLICE_ARG(p->object.meta.namespace_name),
                     SLICE_ARG(p->spec.provider->name));
    const struct ext_auth_spec *filled =
        o ? compile_chain_filled(c, &filter_ext_auth, spec, &o->object) : NULL;
    if (filled && filled->backend->value.ptr)
        to->provider = filled;
    else
        compile_build_note(c, &p->object, 0, "spec.provider", FINDING_PROVIDER,
                           "%.*s: what matches is denied", SLICE_ARG(why));
}

static void collect(struct compile *c, struct slice namespace_name, struct policy_scope *scope,
                    struct schema_list *to)
{
    const struct object_list *policies =
        policy_index_group(c->set, POLICY_GROUP_AUTHZ, namespace_name, SLICE(""));
    for (size_t i = 0; i < policies->count; i++) {
        const struct authorization_policy *p =
            POLICY_AT(policies, struct authorization_policy, i);
        const struct metadata *meta = &p->object.meta;
        if (!policy_scope_has(scope, &p->object, p->spec.selector, &p->spec.targets,
                              p->spec.action == AUTHORIZATION_POLICY_DENY))
            continue;
        struct authz_policy_spec made = {
            .name = arena_printf(c->arena, "%.*s/%.*s", SLICE_ARG(meta->namespace_name),
                                 SLICE_ARG(meta->name)),
            .action = p->spec.action,
            .rules = p->spec.rules};
        if (p->spec.provider)
            add_provider(c, p, &made);
        add(c, to, made);
    }
}

struct schema_list compile_authz_list(struct compile *c, struct policy_scope *scope)
{
    struct schema_list all = {0};
    scope->guessed = NULL;
    if (!slice_eq_cstr(scope->namespace_name, NAMESPACE_ROOT))
        collect(c, SLICE(NAMESPACE_ROOT), scope, &all);
    collect(c, scope->namespace_name, scope, &all);
    if (scope->guessed) {
        /* Which policies hold is not known, so nothing may pass: an ALLOW that allows nothing. */
        add(c, &all, (struct authz_policy_spec){.name = SLICE("weft/unknown-workload"),
                                                .action = AUTHZ_ALLOW});
        if (c->target.workload.len) /* else it is nobody in particular */
            compile_build_note(c, scope->guessed, 0, "spec.selector", FINDING_WORKLOAD_UNKNOWN,
                               "the labels of workload %.*s/%.*s are not known (no such Pod): all "
                               "calls to it are denied",
                               SLICE_ARG(scope->namespace_name), SLICE_ARG(c->target.workload));
    }
    return all;
}

static bool asks_for_token(const struct authz_rule_spec *rule)
{
    for (SCHEMA_EACH(rule->from, struct authz_from_spec, f))
        if (f->source.request_principals.count || f->source.not_request_principals.count)
            return true;
    for (SCHEMA_EACH(rule->when, struct authz_when_spec, w))
        if (slice_starts_with(w->key, SLICE("request.auth.")))
            return true;
    return false;
}

/* At a Gateway filters of its routes may read them, behind the policies. */
static bool ask_for_tokens(const struct schema_list *policies)
{
    for (SCHEMA_EACH(*policies, struct authz_policy_spec, p))
        for (SCHEMA_EACH(p->rules, struct authz_rule_spec, rule))
            if (asks_for_token(rule))
                return true;
    return false;
}

PB(Filter) * compile_authz_filter(struct compile *c, const struct schema_list *policies)
{
    struct authz_spec spec = {.trust_domain = c->trust_domain,
                              .policies = *policies,
                              .tokens_later = c->is_gateway && ask_for_tokens(policies)};
    bool asks = false;
    for (SCHEMA_EACH(*policies, struct authz_policy_spec, p))
        asks |= p->action == AUTHZ_CUSTOM;
    return policies->count
               ? compile_chain_message(c, asks ? &filter_authz_custom : &filter_authz, &spec)
               : NULL;
}
