/* The workload that a person means: a pod by its name or the beginning of it, or a Gateway.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/pod.h"
#include "policies/policy_set.h"

struct workload {
    struct slice namespace_name, name;
    const struct pod *pod; /* NULL: a Gateway */
};

/* text: "POD", "NAMESPACE/POD", "gateway/NAME", "NAMESPACE/gateway/NAME"; instead of a pod's whole
 * name its beginning up to a '-' will do (the name of its Deployment). False, and a message on
 * stderr that says what there is. Views into text and set. */
bool workload_find(const struct policy_set *set, const char *namespace_name, const char *text,
                   struct workload *out);
