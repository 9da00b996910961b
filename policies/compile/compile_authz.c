/* AuthorizationPolicies into the messages that a data plane evaluates, and which of them are for
 * whom. Control thread. Must not know how they are evaluated.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_priv.h"
#include "policies/kinds/authorization_policy.h"
#include "policies/kinds/namespace.h"
#include "policies/kinds/selector.h"

PB(StringMatch) * compile_authz_match(struct compile *c, struct slice pattern, bool ignore_case)
{
    PB(StringMatch) *m = PB_NEW(c, StringMatch, string_match);
    m->ignore_case = ignore_case;
    if (slice_eq_cstr(pattern, "*")) {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_PRESENT;
        m->present = true;
    } else if (slice_ends_with(pattern, SLICE("*"))) {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_PREFIX;
        m->prefix = compile_build_text(c, slice_sub(pattern, 0, pattern.len - 1));
    } else if (slice_starts_with(pattern, SLICE("*"))) {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_SUFFIX;
        m->suffix = compile_build_text(c, slice_sub(pattern, 1, pattern.len));
    } else {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT;
        m->exact = compile_build_text(c, pattern);
    }
    return m;
}

#define PUSH_MATCHES(c, message, field, list, nocase)                  \
    do {                                                               \
        for (SCHEMA_EACH(list, struct slice, pattern))                 \
            PB_PUSH(c, message, field, compile_authz_match(c, *pattern, nocase)); \
    } while (0)

static PB(Cidr) * cidr_of(struct compile *c, struct slice text)
{
    PB(Cidr) *cidr = PB_NEW(c, Cidr, cidr);
    cidr->text = compile_build_text(c, text);
    return cidr;
}

#define PUSH_CIDRS(c, message, field, list)                \
    do {                                                   \
        for (SCHEMA_EACH(list, struct slice, text))        \
            PB_PUSH(c, message, field, cidr_of(c, *text)); \
    } while (0)

/* "web" or "shop/web" into an exact principal. */
static PB(StringMatch) * account_of(struct compile *c, struct slice account, struct slice own)
{
    PB(StringMatch) *m = PB_NEW(c, StringMatch, string_match);
    size_t slash = slice_find_byte(account, '/');
    bool named = slash < account.len;
    struct slice ns = named ? slice_sub(account, 0, slash) : own;
    struct slice name = named ? slice_sub(account, slash + 1, account.len) : account;
    m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT;
    m->exact = compile_build_format(c, "%.*s/ns/%.*s/sa/%.*s", SLICE_ARG(c->trust_domain),
                                    SLICE_ARG(ns), SLICE_ARG(name));
    return m;
}

static PB(AuthzSource) *
    source_of(struct compile *c, const struct authorization_policy_source *from, struct slice own)
{
    PB(AuthzSource) *to = PB_NEW(c, AuthzSource, authz_source);
    PUSH_MATCHES(c, to, principals, from->principals, false);
    PUSH_MATCHES(c, to, not_principals, from->not_principals, false);
    PUSH_MATCHES(c, to, namespaces, from->namespaces, false);
    PUSH_MATCHES(c, to, not_namespaces, from->not_namespaces, false);
    for (SCHEMA_EACH(from->service_accounts, struct slice, account))
        PB_PUSH(c, to, principals, account_of(c, *account, own));
    for (SCHEMA_EACH(from->not_service_accounts, struct slice, account))
        PB_PUSH(c, to, not_principals, account_of(c, *account, own));
    PUSH_CIDRS(c, to, ip_blocks, from->ip_blocks);
    PUSH_CIDRS(c, to, not_ip_blocks, from->not_ip_blocks);
    PUSH_CIDRS(c, to, remote_ip_blocks, from->remote_ip_blocks);
    PUSH_CIDRS(c, to, not_remote_ip_blocks, from->not_remote_ip_blocks);
    return to;
}

static PB(AuthzOperation) *
    operation_of(struct compile *c, const struct authorization_policy_operation *from)
{
    PB(AuthzOperation) *to = PB_NEW(c, AuthzOperation, authz_operation);
    PUSH_MATCHES(c, to, hosts, from->hosts, true);
    PUSH_MATCHES(c, to, not_hosts, from->not_hosts, true);
    for (SCHEMA_EACH(from->ports, int64_t, port))
        PB_PUSH(c, to, ports, (uint32_t)*port);
    for (SCHEMA_EACH(from->not_ports, int64_t, port))
        PB_PUSH(c, to, not_ports, (uint32_t)*port);
    PUSH_MATCHES(c, to, methods, from->methods, false);
    PUSH_MATCHES(c, to, not_methods, from->not_methods, false);
    PUSH_MATCHES(c, to, paths, from->paths, false);
    PUSH_MATCHES(c, to, not_paths, from->not_paths, false);
    return to;
}

static PB(AuthzRule) *
    rule_of(struct compile *c, const struct authorization_policy_rule *from, struct slice own)
{
    PB(AuthzRule) *to = PB_NEW(c, AuthzRule, authz_rule);
    for (SCHEMA_EACH(from->from, struct authorization_policy_from, f))
        PB_PUSH(c, to, from, source_of(c, &f->source, own));
    for (SCHEMA_EACH(from->to, struct authorization_policy_to, t))
        PB_PUSH(c, to, to, operation_of(c, &t->operation));
    for (SCHEMA_EACH(from->when, struct authorization_policy_when, w)) {
        PB(AuthzCondition) *condition = PB_NEW(c, AuthzCondition, authz_condition);
        condition->key = compile_build_text(c, w->key);
        PUSH_MATCHES(c, condition, values, w->values, false);
        PUSH_MATCHES(c, condition, not_values, w->not_values, false);
        PB_PUSH(c, to, when, condition);
    }
    return to;
}

PB(AuthzPolicy) * compile_authz_policy(struct compile *c, const struct object *o)
{
    static const PB(AuthzAction) actions[] = {
        [AUTHORIZATION_POLICY_ALLOW] = WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_ALLOW,
        [AUTHORIZATION_POLICY_DENY] = WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_DENY,
        [AUTHORIZATION_POLICY_AUDIT] = WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_AUDIT,
    };
    const struct authorization_policy *from = (const void *)o;
    PB(AuthzPolicy) *to = PB_NEW(c, AuthzPolicy, authz_policy);
    to->name = compile_build_format(c, "%.*s/%.*s", SLICE_ARG(o->meta.namespace_name),
                                    SLICE_ARG(o->meta.name));
    to->action = actions[from->spec.action];
    for (SCHEMA_EACH(from->spec.rules, struct authorization_policy_rule, rule))
        PB_PUSH(c, to, rules, rule_of(c, rule, o->meta.namespace_name));
    return to;
}

struct scope {
    const struct schema_list *labels; /* NULL: not known */
    struct slice gateway;
    bool is_own_namespace;
    const struct object *guessed; /* a policy whose selector could not be compared */
};

static bool is_for(struct scope *scope, const struct authorization_policy *p)
{
    for (SCHEMA_EACH(p->spec.targets, struct authorization_policy_target, t))
        if (scope->is_own_namespace && scope->gateway.len && slice_eq(t->name, scope->gateway))
            return true;
    if (p->spec.targets.present)
        return false;
    if (!p->spec.selector || p->spec.selector->match_labels.count == 0)
        return true;
    if (scope->labels)
        return selector_matches(p->spec.selector, scope->labels);
    scope->guessed = &p->object;
    return p->spec.action == AUTHORIZATION_POLICY_DENY;
}

/* A list of policies on its way into whichever message has one. */
struct collected {
    PB(AuthzPolicy) * *items;
    size_t n_items;
};

static void collect(struct compile *c, struct slice namespace_name, struct scope *scope,
                    struct collected *to)
{
    const struct object_list *policies =
        policy_index_group(c->set, POLICY_GROUP_AUTHZ, namespace_name, SLICE(""));
    for (size_t i = 0; i < policies->count; i++)
        if (is_for(scope, POLICY_AT(policies, struct authorization_policy, i)))
            PB_PUSH(c, to, items, compile_authz_policy(c, policies->items[i]));
}

PB(AuthzPolicy) * *compile_authz_list(struct compile *c, struct slice namespace_name,
                                      const struct schema_list *labels, struct slice gateway,
                                      size_t *count)
{
    struct scope scope = {.labels = labels, .gateway = gateway};
    struct collected all = {0};
    bool is_root = slice_eq_cstr(namespace_name, NAMESPACE_ROOT);
    if (!is_root)
        collect(c, SLICE(NAMESPACE_ROOT), &scope, &all);
    scope.is_own_namespace = true;
    collect(c, namespace_name, &scope, &all);
    if (scope.guessed) {
        /* Which policies hold is not known, so nothing may pass: an ALLOW that allows nothing. */
        PB(AuthzPolicy) *nothing = PB_NEW(c, AuthzPolicy, authz_policy);
        nothing->name = compile_build_text(c, SLICE("weft/unknown-workload"));
        PB_PUSH(c, &all, items, nothing);
        if (c->target.workload.len) /* else it is nobody in particular */
            compile_build_note(c, scope.guessed, 0, "spec.selector", FINDING_WORKLOAD_UNKNOWN,
                               "the labels of workload %.*s/%.*s are not known (no such Pod): all "
                               "calls to it are denied",
                               SLICE_ARG(namespace_name), SLICE_ARG(c->target.workload));
    }
    *count = all.n_items;
    return all.items;
}
