/* Whom a policy with a selector or targetRefs is for, seen from one workload or Gateway. Control
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"
#include "policies/kinds/selector.h"

/* A workload or Gateway, and what a policy's targetRefs can call it. */
struct policy_scope {
    struct slice namespace_name;
    const struct schema_list *labels; /* struct schema_pair; NULL: not known */
    const char *target_kind;          /* "Gateway", "Service" */
    const struct slice *targets;      /* names; target_count of them */
    size_t target_count;
    const struct object *guessed; /* a policy whose selector could not be compared; set here */
};

/* unknown: the answer where the labels would decide and are not known. targets: struct
 * policy_target. */
bool policy_scope_has(struct policy_scope *s, const struct object *policy,
                      const struct selector *selector, const struct schema_list *targets,
                      bool unknown);
