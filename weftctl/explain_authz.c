/* From policies to a verdict: DENY first, then ALLOW (none: everything is allowed); what cannot be
 * decided denies. Main thread. Must not know how a single part of a rule is tested.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/explain_authz.h"

#include "weftctl/explain_rule.h"

typedef Weft__Config__V1__AuthzPolicy authz_policy;

#define ACTION(name) WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_##name

const char *explain_authz_action(Weft__Config__V1__AuthzAction action)
{
    return action == ACTION(DENY) ? "DENY" : action == ACTION(AUDIT) ? "AUDIT" : "ALLOW";
}

static size_t count_rules(authz_policy *const *policies, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += policies[i]->n_rules;
    return n;
}

/* Every rule of that action; the first that applies, or NULL. */
static const struct explain_rule *try_action(struct arena *arena, authz_policy *const *policies,
                                             size_t count, Weft__Config__V1__AuthzAction action,
                                             const struct explain_call *call,
                                             struct explain_verdict *out)
{
    const struct explain_rule *found = NULL;
    bool denies = action != ACTION(ALLOW);
    for (size_t i = 0; i < count; i++) {
        for (size_t r = 0; policies[i]->action == action && r < policies[i]->n_rules; r++) {
            struct explain_rule *rule = &out->rules[out->rule_count++];
            *rule = (struct explain_rule){policies[i]->name, action, r + 1, SLICE("")};
            enum holds h =
                explain_rule_test(arena, policies[i]->rules[r], call, denies, &rule->why_not);
            /* What a data plane cannot decide denies; here it may only be that we were not told. */
            bool is_open = h == HOLDS_UNKNOWN && !call->caller_ip.len;
            bool applies = h == HOLDS_YES || (denies && h == HOLDS_UNKNOWN && !is_open);
            out->is_open |= is_open;
            if (applies)
                rule->why_not = SLICE("");
            if (applies && !found)
                found = rule;
        }
    }
    return found;
}

static bool has_action(authz_policy *const *policies, size_t count,
                       Weft__Config__V1__AuthzAction action)
{
    for (size_t i = 0; i < count; i++)
        if (policies[i]->action == action)
            return true;
    return false;
}

static void decide(struct arena *arena, authz_policy *const *policies, size_t count,
                   const struct explain_call *call, struct explain_verdict *out)
{
    *out = (struct explain_verdict){.allowed = true};
    out->rules = arena_alloc(arena, (count_rules(policies, count) + 1) * sizeof(*out->rules));
    const struct explain_rule *rule = try_action(arena, policies, count, ACTION(DENY), call, out);
    if (rule) {
        out->allowed = false;
        out->text = arena_printf(arena, "denied by %s rule %zu", rule->policy, rule->number);
        return;
    }
    if (!has_action(policies, count, ACTION(ALLOW))) {
        out->text = SLICE("allowed: no ALLOW policy is for this workload");
        return;
    }
    rule = try_action(arena, policies, count, ACTION(ALLOW), call, out);
    out->allowed = rule != NULL;
    out->text = rule ? arena_printf(arena, "allowed by %s rule %zu", rule->policy, rule->number)
                     : SLICE("denied: there are ALLOW policies, and none of them matches");
}

void explain_authz_decide(struct arena *arena, authz_policy *const *policies, size_t count,
                          const struct explain_call *call, struct explain_verdict *out)
{
    decide(arena, policies, count, call, out);
    if (out->is_open)
        out->text = arena_printf(arena,
                                 "%.*s, as far as can be said without the caller's address "
                                 "(--client-ip)",
                                 SLICE_ARG(out->text));
}
