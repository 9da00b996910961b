/* Whom a policy with a selector is for: pods, those that a folder's Deployments would have, and
 * Gateways. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/store/policy_set_priv.h"
#include "policies/kinds/selector.h"

/* Of any kind of policy; NULL: it has none. */
const struct selector *audience_selector(const struct object *policy);
/* Nobody has the labels that the policy asks for, in its namespace (weft-system: in any). */
bool audience_is_empty(const struct policy_set *set, const struct object *policy,
                       const struct selector *selector);
/* That in a sentence, with what was meant where it looks like a slip; in the arena. */
struct slice audience_explain(struct arena *arena, const struct policy_set *set,
                              const struct object *policy, const struct selector *selector);
