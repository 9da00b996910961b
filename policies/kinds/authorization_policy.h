/* AuthorizationPolicy (policy.weft.dev): who may do what to a workload.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/authz.h"
#include "policies/kinds/kind.h"
#include "policies/kinds/policy_target.h"
#include "policies/kinds/selector.h"

enum authorization_policy_action {
    AUTHORIZATION_POLICY_ALLOW = AUTHZ_ALLOW,
    AUTHORIZATION_POLICY_DENY = AUTHZ_DENY,
    AUTHORIZATION_POLICY_AUDIT = AUTHZ_AUDIT,
    AUTHORIZATION_POLICY_CUSTOM = AUTHZ_CUSTOM,
};

/* Who decides, for CUSTOM. */
struct authorization_policy_provider {
    struct slice name; /* of an HTTPFilter with extAuth, in the policy's namespace */
};

struct authorization_policy_spec {
    struct selector *selector;  /* NULL: the namespace, or the mesh */
    struct schema_list targets; /* struct policy_target: Gateways */
    int action;                 /* enum authorization_policy_action */
    struct schema_list rules;   /* struct authz_rule_spec */
    const struct authorization_policy_provider *provider; /* CUSTOM; else NULL */
};

struct authorization_policy {
    struct object object;
    struct authorization_policy_spec spec;
};

/* Many apps serve "/admin/" as "/admin": what refuses the one and not the other is passed by. Calls
 * each for every such path; the format is what to say of it, with the path twice. */
#define AUTHORIZATION_POLICY_OPEN_PATH                                                          \
    "the path \"%.*s\" is not \"%.*s/\", which many apps take for the same: name that one too"
typedef void (*authorization_policy_path_fn)(void *owner, struct slice path);
void authorization_policy_each_open_path(const struct authorization_policy_spec *spec,
                                         authorization_policy_path_fn each, void *owner);
