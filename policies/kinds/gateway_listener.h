/* A listener, as Gateways and ListenerSets have it: port, protocol, host name, certificates, and
 * which routes may attach.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"
#include "policies/kinds/selector.h"

enum gateway_protocol {
    GATEWAY_HTTP,
    GATEWAY_HTTPS,
    GATEWAY_TLS,
    GATEWAY_TCP,
    GATEWAY_UDP,
    GATEWAY_UNKNOWN
};
enum gateway_from { GATEWAY_FROM_SAME, GATEWAY_FROM_ALL, GATEWAY_FROM_SELECTOR, GATEWAY_FROM_NONE };
enum gateway_tls_mode { GATEWAY_TERMINATE, GATEWAY_PASSTHROUGH };

/* To a Secret or, for the certificates of authorities, a ConfigMap. */
struct gateway_certificate_ref {
    struct slice group, kind, name;
    struct slice namespace_name; /* NULL ptr: that of the object that refers */
    unsigned line;
};

struct gateway_tls {
    int mode;                        /* enum gateway_tls_mode */
    struct schema_list certificates; /* struct gateway_certificate_ref */
    struct schema_list options;      /* struct schema_pair; none is known */
};

struct gateway_namespaces {
    int from; /* enum gateway_from */
    struct selector *selector;
};

struct gateway_route_kind {
    struct slice group, kind;
};

struct gateway_allowed {
    struct gateway_namespaces namespaces;
    struct schema_list kinds; /* struct gateway_route_kind; none: those of the protocol */
};

struct gateway_listener {
    struct slice name;
    struct slice hostname; /* empty: any */
    int64_t port;
    struct slice protocol_name; /* as it was given */
    int protocol;               /* enum gateway_protocol */
    struct gateway_tls *tls;
    struct gateway_allowed allowed;
    unsigned line;
};

extern const struct schema gateway_listener_schema;
/* A reference to a Secret, and one to an authority's certificates: group and kind must be said. */
extern const struct schema gateway_listener_secret_schema;
extern const struct schema gateway_listener_authority_schema;
/* Names of enum gateway_from. */
extern const char *const gateway_listener_froms[];

/* For the check of whatever has a list of listeners: the rules that span several of them. */
void gateway_listener_check_all(struct schema_run *run, const struct doc *node,
                                const struct schema_list *listeners);
