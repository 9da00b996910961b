/* AuthorizationPolicy, evaluated: DENY before ALLOW, AUDIT only says so in the log. An answer that
 * cannot be had (the regex engine gave up, an opaque connection has no path) never allows and
 * always denies. Compiled by config/authz_conf.c; immutable.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "sidecar/config/header_set.h"
#include "filters/filter.h"
#include "sidecar/config/snapshot.h"

#define AUTHZ_REASON_MAX 128

/* Lists are "any of"; empty: anything. */
struct authz_strings {
    const struct string_match *items;
    uint32_t count;
};
struct authz_cidrs {
    const struct cidr *items;
    uint32_t count;
};
struct authz_ports {
    const uint16_t *items;
    uint32_t count;
};

struct authz_source {
    struct authz_strings principals, not_principals, namespaces, not_namespaces;
    struct authz_cidrs ip_blocks, not_ip_blocks, remote_ip_blocks, not_remote_ip_blocks;
};

struct authz_operation {
    struct authz_strings hosts, not_hosts, methods, not_methods, paths, not_paths;
    struct authz_ports ports, not_ports;
};

enum authz_key {
    AUTHZ_KEY_HEADER,
    AUTHZ_KEY_SOURCE_IP,
    AUTHZ_KEY_REMOTE_IP,
    AUTHZ_KEY_SOURCE_NAMESPACE,
    AUTHZ_KEY_SOURCE_PRINCIPAL,
    AUTHZ_KEY_DESTINATION_IP,
    AUTHZ_KEY_DESTINATION_PORT,
    AUTHZ_KEY_SNI,
};

/* Only the lists that fit the key are used. */
struct authz_condition {
    enum authz_key key;
    struct slice header; /* lower-case */
    struct authz_strings values, not_values;
    struct authz_cidrs ips, not_ips;
    struct authz_ports ports, not_ports;
};

struct authz_rule {
    const struct authz_source *sources;
    const struct authz_operation *operations;
    const struct authz_condition *conditions;
    uint32_t source_count, operation_count, condition_count;
    struct slice label; /* "default/deny-admin rule 1" */
};

struct authz_policy {
    struct slice name;
    Weft__Config__V1__AuthzAction action;
    const struct authz_rule *rules;
    uint32_t rule_count;
};

struct authz {
    const struct authz_policy *policies;
    uint32_t count;
    bool has_allow;
    struct header_set headers; /* that rules look at */
};

/* What comes before all policies: what a port of the app asks of its clients. Never UNSET. */
Weft__Config__V1__MtlsMode authz_mtls_mode(const struct snapshot *s, uint16_t port);

struct authz_facts; /* filters/authz_rule.h */

/* The decision itself. *rule: the one that denies or allows; NULL: none of a DENY policy holds, and
 * there are no ALLOW policies (then it is allowed) or none of them holds. */
bool authz_decide_facts(const struct authz *a, const struct authz_facts *f,
                        const struct authz_rule **rule);
/* False: refused, and *reason says by which policy and rule; it lives as long as the authz and the
 * exchange's arena. */
bool authz_decide(const struct authz *a, struct filter_exchange *x, struct slice *reason);
/* For an opaque connection: what asks for a method, path, host or header cannot be told. */
bool authz_decide_tcp(const struct authz *a, const struct downstream_info *down,
                      char reason[AUTHZ_REASON_MAX]);

/* conf is a struct authz. */
extern const struct filter filter_authz;
