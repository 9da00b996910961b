/* What a policy is for (targetRefs), in every kind that has them. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

struct policy_target {
    struct slice group, kind, name; /* in the policy's namespace */
    /* By name, a listener of the Gateway, a rule of the route or a port of the Service; empty: all.
     */
    struct slice section;
    unsigned line;
};

/* How well targets (struct policy_target) fit an object, or a section of it: 2 when one names that
 * very section, 1 when one names the whole object, else 0. The narrower goes first. */
int policy_target_fit(const struct schema_list *targets, const char *kind, struct slice name,
                      struct slice section);
/* Do two policies name the same, section included? */
bool policy_target_is_shared(const struct schema_list *a, const struct schema_list *b);
