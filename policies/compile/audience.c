/* Selectors of policies against everything that they could mean. Control thread. Must not know what
 * a policy does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/audience.h"

#include "lib/base/similar.h"
#include "policies/gateway/gateway_model.h"
#include "policies/kinds/authorization_policy.h"
#include "policies/kinds/namespace.h"
#include "policies/kinds/peer_authentication.h"
#include "policies/kinds/request_authentication.h"

const struct selector *audience_selector(const struct object *policy)
{
    const void *p = policy;
    switch (policy->kind->id) {
    case KIND_AUTHORIZATION_POLICY:
        return ((const struct authorization_policy *)p)->spec.selector;
    case KIND_PEER_AUTHENTICATION:
        return ((const struct peer_authentication *)p)->spec.selector;
    case KIND_REQUEST_AUTHENTICATION:
        return ((const struct request_authentication *)p)->spec.selector;
    default:
        return NULL;
    }
}

static bool is_in_scope(const struct object *policy, const struct object *workload)
{
    struct slice ns = policy->meta.namespace_name;
    return slice_eq_cstr(ns, NAMESPACE_ROOT) || slice_eq(ns, workload->meta.namespace_name);
}

static bool matches_any(const struct object *policy, const struct selector *selector,
                        const struct object_list *workloads)
{
    for (size_t i = 0; i < workloads->count; i++)
        if (is_in_scope(policy, workloads->items[i]) &&
            selector_matches(selector, &workloads->items[i]->meta.labels))
            return true;
    return false;
}

/* A Gateway's pods may not be there yet; in a folder they never are. */
static bool matches_gateway(const struct policy_set *set, const struct object *policy,
                            const struct selector *selector)
{
    const struct object_list *all = &set->all[KIND_GATEWAY];
    for (size_t i = 0; i < all->count; i++) {
        const struct object *g = all->items[i];
        struct schema_pair name = {SLICE("gateway.networking.k8s.io/gateway-name"), g->meta.name};
        struct schema_list labels = {&name, 1, true};
        if (is_in_scope(policy, g) && selector_matches(selector, &labels) &&
            gateway_model_is_for_us(set, (const struct gateway *)(const void *)g))
            return true;
    }
    return false;
}

bool audience_is_empty(const struct policy_set *set, const struct object *policy,
                       const struct selector *selector)
{
    return selector && selector->match_labels.count &&
           !matches_any(policy, selector, &set->all[KIND_POD]) &&
           !matches_any(policy, selector, &set->templates) &&
           !matches_gateway(set, policy, selector);
}

/* The first label of the list that looks like a slip in the selector; NULL: none. */
static const struct schema_pair *find_near(const struct selector *selector,
                                           const struct schema_list *labels)
{
    for (SCHEMA_EACH(*labels, struct schema_pair, has))
        for (SCHEMA_EACH(selector->match_labels, struct schema_pair, want)) {
            struct similar near = similar_to(want->value);
            similar_try(&near, has->value);
            if (near.best.len && slice_eq(has->key, want->key) &&
                !slice_eq(has->value, want->value))
                return has;
        }
    return NULL;
}

static const struct schema_pair *find_meant(const struct object *policy,
                                            const struct selector *selector,
                                            const struct object_list *workloads)
{
    const struct schema_pair *found = NULL;
    for (size_t i = 0; !found && i < workloads->count; i++)
        if (is_in_scope(policy, workloads->items[i]))
            found = find_near(selector, &workloads->items[i]->meta.labels);
    return found;
}

struct slice audience_explain(struct arena *arena, const struct policy_set *set,
                              const struct object *policy, const struct selector *selector)
{
    struct slice labels = SLICE(""), ns = policy->meta.namespace_name, hint = SLICE("");
    bool is_root = slice_eq_cstr(ns, NAMESPACE_ROOT);
    for (SCHEMA_EACH(selector->match_labels, struct schema_pair, p))
        labels = arena_printf(arena, "%.*s%s%.*s=%.*s", SLICE_ARG(labels), labels.len ? "," : "",
                              SLICE_ARG(p->key), SLICE_ARG(p->value));
    const struct schema_pair *meant = find_meant(policy, selector, &set->all[KIND_POD]);
    if (!meant)
        meant = find_meant(policy, selector, &set->templates);
    if (meant)
        hint = arena_printf(arena, "; did you mean %.*s=%.*s?", SLICE_ARG(meant->key),
                            SLICE_ARG(meant->value));
    return arena_printf(arena, "no pod%s%.*s has the labels %.*s: the policy is in force for "
                        "nobody%.*s", is_root ? "" : " of namespace ",
                        SLICE_ARG(is_root ? SLICE("") : ns), SLICE_ARG(labels), SLICE_ARG(hint));
}
