/* The workload that a person means, in kubectl's words.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/pod.h"
#include "policies/store/policy_set.h"

struct workload {
    struct slice namespace_name, name;
    const struct pod *pod; /* NULL: a Gateway */
};

/* text: "POD", or a kind before a "/": pod, deploy, statefulset, daemonset, replicaset, job, svc,
 * gateway; "NAMESPACE/" may stand before all of it. Instead of a pod's whole name its beginning up
 * to a '-' will do. Of several pods one is taken. A Gateway that is in another namespace is found
 * there. False, and a message on stderr that says what there is. Views into text and set. */
bool workload_find(const struct policy_set *set, const char *namespace_name, const char *text,
                   struct workload *out);
