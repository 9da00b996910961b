/* Which target fits, and which two are the same. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/policy_target.h"

int policy_target_fit(const struct schema_list *targets, const char *kind, struct slice name,
                      struct slice section)
{
    int best = 0;
    for (SCHEMA_EACH(*targets, struct policy_target, t)) {
        int how = !t->section.len ? 1 : section.len && slice_eq(t->section, section) ? 2 : 0;
        if (slice_eq_cstr(t->kind, kind) && slice_eq(t->name, name) && how > best)
            best = how;
    }
    return best;
}

bool policy_target_is_shared(const struct schema_list *a, const struct schema_list *b)
{
    for (SCHEMA_EACH(*a, struct policy_target, x))
        for (SCHEMA_EACH(*b, struct policy_target, y))
            if (slice_eq(x->kind, y->kind) && slice_eq(x->name, y->name) &&
                slice_eq(x->section, y->section))
                return true;
    return false;
}
