/* Selectors and targets of policies against one workload or Gateway. Control thread. Must not know
 * what a policy does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/policy_scope.h"

#include "policies/kinds/policy_target.h"

/* targetRefs lead to the policy's own namespace. */
static bool is_target(const struct policy_scope *s, const struct object *policy,
                      const struct schema_list *targets)
{
    if (!slice_eq(policy->meta.namespace_name, s->namespace_name))
        return false;
    for (size_t i = 0; i < s->target_count; i++)
        if (policy_target_fit(targets, s->target_kind, s->targets[i], SLICE("")))
            return true;
    return false;
}

bool policy_scope_has(struct policy_scope *s, const struct object *policy,
                      const struct selector *selector, const struct schema_list *targets,
                      bool unknown)
{
    if (targets->present)
        return is_target(s, policy, targets);
    if (!selector || selector->match_labels.count == 0)
        return true;
    if (s->labels)
        return selector_matches(selector, s->labels);
    s->guessed = policy;
    return unknown;
}
