/* The indices of a policy_set: built once, asked by the compiler. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/store/policy_set_priv.h"

/* For policy_set_finish: sorts and builds the maps; complains of what cannot be. */
void policy_index_build(struct policy_set *s, struct diag_list *diags);
/* Older first, then by namespace and name. */
int policy_index_compare_age(const struct object *a, const struct object *b);
/* NULL when there is none. */
const struct object *policy_index_find(const struct policy_set *s, enum kind_id kind,
                                       struct slice namespace_name, struct slice name);
#define POLICY_INDEX_HINT_MAX 288
/* For messages about a name that is not there: " (did you mean \"web\"?)", or nothing. Returns
 * out. */
const char *policy_index_hint(const struct policy_set *s, enum kind_id kind, struct slice ns,
                              struct slice name, char out[POLICY_INDEX_HINT_MAX]);
/* Empty when there is none. name is empty for groups by namespace. */
const struct object_list *policy_index_group(const struct policy_set *s, enum policy_group group,
                                             struct slice namespace_name, struct slice name);
