/* AuthorizationPolicy: what users write of a rule (the kind nests these schemas), what is made of
 * all policies for one workload or Gateway, and the decision: CUSTOM (an authorizer is asked)
 * before DENY before ALLOW, AUDIT only says so in the log. An answer that cannot be had (an opaque
 * connection has no path) never allows and always denies.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "filters/token/claim_match.h"
#include "lib/codec/http/header_set.h"
#include "lib/codec/http/match.h"

struct ext_auth;      /* filters/ext_auth.h */
struct ext_auth_spec;

/* ---- what users write: lists of struct slice; text patterns are "x", "x*", "*x" or "*" ---- */

struct authz_source_spec {
    struct schema_list principals, not_principals;
    struct schema_list request_principals, not_request_principals; /* of tokens */
    struct schema_list namespaces, not_namespaces;
    struct schema_list service_accounts, not_service_accounts; /* "sa" or "namespace/sa" */
    struct schema_list ip_blocks, not_ip_blocks;
    struct schema_list remote_ip_blocks, not_remote_ip_blocks;
};

struct authz_from_spec {
    struct authz_source_spec source;
};

struct authz_operation_spec {
    struct schema_list hosts, not_hosts;
    struct schema_list ports, not_ports; /* int64_t */
    struct schema_list methods, not_methods;
    struct schema_list paths, not_paths;
};

struct authz_to_spec {
    struct authz_operation_spec operation;
};

struct authz_when_spec {
    struct slice key;
    struct schema_list values, not_values;
};

struct authz_rule_spec {
    struct schema_list from; /* struct authz_from_spec */
    struct schema_list to;   /* struct authz_to_spec */
    struct schema_list when; /* struct authz_when_spec */
};

enum authz_action { AUTHZ_ALLOW, AUTHZ_DENY, AUTHZ_AUDIT, AUTHZ_CUSTOM };

struct authz_policy_spec {
    struct slice name;        /* "namespace/name"; the namespace is that of service accounts too */
    int action;               /* enum authz_action */
    struct schema_list rules; /* struct authz_rule_spec; without any it never matches */
    /* CUSTOM: who is asked. Without the second nobody can be, and what matches is denied. */
    struct slice provider_name; /* "shop/authorizer" */
    const struct ext_auth_spec *provider;
};

/* Of the filter: all policies for one workload or Gateway. */
struct authz_spec {
    struct slice trust_domain;   /* of service accounts */
    bool tokens_later;           /* filters that read them may stand behind the decision */
    struct schema_list policies; /* struct authz_policy_spec */
};

extern const char *const authz_actions[]; /* "ALLOW", …; NULL-terminated */
extern const struct schema authz_rule_schema, authz_schema;
/* "cluster.local/ns/shop/sa/web", with a '*' at either end. */
extern const struct schema_format authz_principal_format;

/* ---- what is made of it ---- */

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
    struct authz_strings request_principals, not_request_principals;
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
    AUTHZ_KEY_TOKEN_PRINCIPAL, /* from here on: of tokens */
    AUTHZ_KEY_TOKEN_AUDIENCES,
    AUTHZ_KEY_TOKEN_PRESENTER,
    AUTHZ_KEY_TOKEN_CLAIM,
};

/* Only the lists that fit the key are used. */
struct authz_condition {
    enum authz_key key;
    struct slice header; /* lower-case */
    struct claim_path claim;
    struct authz_strings values, not_values;
    struct authz_cidrs ips, not_ips;
    struct authz_ports ports, not_ports;
};

struct authz_rule {
    const struct authz_source *sources;
    const struct authz_operation *operations;
    const struct authz_condition *conditions;
    uint32_t source_count, operation_count, condition_count;
    bool asks_token;    /* some part of it is about a token */
    struct slice label; /* "default/deny-admin rule 1" */
};

/* Who is asked for CUSTOM, once for each request, however many policies name it. */
struct authz_provider {
    struct slice name;
    const struct ext_auth *asks; /* filters/ext_auth.h; NULL: it cannot be asked */
    bool asks_token;             /* a rule by which it is asked does */
};

struct authz_policy {
    struct slice name;
    enum authz_action action;
    uint32_t provider; /* CUSTOM: its index */
    const struct authz_rule *rules;
    uint32_t rule_count;
};

/* The filter's configuration. */
struct authz {
    const struct authz_policy *policies;
    struct authz_provider *providers;
    uint32_t count, provider_count;
    bool has_allow;
    bool asks_token; /* some rule does */
    /* What depends on a token that nobody has read yet is left for the second decision, is_late,
     * which has the last word. */
    bool tokens_later, is_late;
    struct header_set headers; /* that rules look at */
};

/* filter_authz's prepare, in authz_prepare.c. */
MUST_USE enum err authz_prepare(const struct filter_build *b, const void *spec, void *conf);

/* ---- the decision: worker threads, and weftctl explain ---- */

#define AUTHZ_REASON_MAX 128

struct authz_trace; /* filters/authz/authz_trace.h */

enum authz_tokens {
    AUTHZ_TOKENS_READ,    /* there is one, or it is known that there is none */
    AUTHZ_TOKENS_AWAITED, /* filters behind the decision may still read one */
    AUTHZ_TOKENS_UNREAD,  /* nobody has looked: what asks for one never allows, and denies */
};

/* What rules ask about. */
struct authz_facts {
    const struct downstream_info *down;
    const struct message *request; /* NULL: an opaque connection */
    struct slice match_path;
    const struct normalize_readings *other_paths; /* NULL: the path is read in one way only */
    struct slice principal;      /* without "spiffe://"; empty: none */
    struct slice namespace_name; /* from the principal; empty: none */
    uint16_t port;               /* that was called */
    const struct addr *remote;   /* the client; NULL: nobody can tell who that is */
    const struct filter_caller *caller; /* who authenticated; NULL: nobody */
    enum authz_tokens tokens;
    struct authz_trace *trace;   /* NULL on the request path */
};

/* request, remote: may be NULL. Other readings of the path are the caller's to add. */
void authz_facts_take(struct authz_facts *f, const struct downstream_info *down,
                      const struct message *request, struct slice match_path,
                      const struct addr *remote);
enum authz_answer {
    AUTHZ_DENIED,
    AUTHZ_LATER, /* the token decides: only where tokens are AUTHZ_TOKENS_AWAITED */
    AUTHZ_ALLOWED,
};

/* The decision itself. *rule: the one that denies or allows; NULL: none of a DENY policy holds, and
 * there are no ALLOW policies (then it is allowed) or none of them holds. */
enum authz_answer authz_decide(const struct authz *a, const struct authz_facts *f,
                               const struct authz_rule **rule);
/* Is it the turn of that provider, or that of the other decision? */
bool authz_is_turn_of(const struct authz *a, uint32_t provider);
/* The rule by which that provider is to be asked; NULL: none holds. */
const struct authz_rule *authz_find_custom(const struct authz *a, uint32_t provider,
                                           const struct authz_facts *f);
/* For an opaque connection, about which nobody can be asked: what asks for a method, path, host or
 * header cannot be told. False: refused, and reason says by which policy and rule. */
bool authz_decide_tcp(const struct authz *a, const struct downstream_info *down,
                      char reason[AUTHZ_REASON_MAX]);

/* Does one rule hold? denies: it belongs to a policy that refuses. Of several lines of one header,
 * the reading that refuses more is taken: one bad line makes a DENY hold, an ALLOW needs every line
 * to be good. */
enum truth authz_rule_test(const struct authz_rule *r, const struct authz_facts *f, bool denies);

/* The second decision, for where the first one may leave something: the same policies, in the
 * arena. NULL: nothing is ever left. */
const struct authz *authz_late(struct arena *arena, const struct authz *a);
/* DENY and ALLOW, as on_request. */
enum filter_verdict authz_check(struct filter_exchange *x, const struct authz *a);
/* describe of both filters. */
struct slice authz_describe(struct arena *arena, const void *conf, struct slice prefix);
/* Ends the request, by that rule or because no ALLOW policy holds (NULL). */
enum filter_verdict authz_refuse(struct filter_exchange *x, const struct authz_rule *rule);
/* Of a request, whose path can be told. */
void authz_facts_of(struct authz_facts *f, const struct filter_exchange *x, const struct authz *a);

/* The same configuration: with policies of action CUSTOM it is the second that decides. */
extern const struct filter filter_authz, filter_authz_custom;
