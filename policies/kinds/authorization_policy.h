/* AuthorizationPolicy (policy.weft.dev): who may do what to a workload.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"
#include "policies/kinds/selector.h"

/* Lists of struct slice; text patterns are "x", "x*", "*x" or "*". */
struct authorization_policy_source {
    struct schema_list principals, not_principals;
    struct schema_list namespaces, not_namespaces;
    struct schema_list service_accounts, not_service_accounts; /* "sa" or "namespace/sa" */
    struct schema_list ip_blocks, not_ip_blocks;
    struct schema_list remote_ip_blocks, not_remote_ip_blocks;
};

struct authorization_policy_from {
    struct authorization_policy_source source;
};

struct authorization_policy_operation {
    struct schema_list hosts, not_hosts;
    struct schema_list ports, not_ports; /* int64_t */
    struct schema_list methods, not_methods;
    struct schema_list paths, not_paths;
};

struct authorization_policy_to {
    struct authorization_policy_operation operation;
};

struct authorization_policy_when {
    struct slice key;
    struct schema_list values, not_values;
};

struct authorization_policy_rule {
    struct schema_list from; /* struct authorization_policy_from */
    struct schema_list to;   /* struct authorization_policy_to */
    struct schema_list when; /* struct authorization_policy_when */
};

enum authorization_policy_action {
    AUTHORIZATION_POLICY_ALLOW,
    AUTHORIZATION_POLICY_DENY,
    AUTHORIZATION_POLICY_AUDIT,
    AUTHORIZATION_POLICY_CUSTOM, /* refused */
};

struct authorization_policy_target {
    struct slice group, kind, name;
};

struct authorization_policy_spec {
    struct selector *selector;  /* NULL: the namespace, or the mesh */
    struct schema_list targets; /* struct authorization_policy_target: Gateways */
    int action;                 /* enum authorization_policy_action */
    struct schema_list rules;   /* struct authorization_policy_rule */
};

struct authorization_policy {
    struct object object;
    struct authorization_policy_spec spec;
};

/* "cluster.local/ns/shop/sa/web", with a '*' at either end. */
extern const struct schema_format authorization_rule_principal;

/* Many apps serve "/admin/" as "/admin": what refuses the one and not the other is passed by. Calls
 * each for every such path; the format is what to say of it, with the path twice. */
#define AUTHORIZATION_POLICY_OPEN_PATH                                                          \
    "the path \"%.*s\" is not \"%.*s/\", which many apps take for the same: name that one too"
typedef void (*authorization_policy_path_fn)(void *owner, struct slice path);
void authorization_policy_each_open_path(const struct authorization_policy_spec *spec,
                                         authorization_policy_path_fn each, void *owner);
