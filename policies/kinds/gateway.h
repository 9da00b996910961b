/* Gateway (Gateway API): where traffic enters.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kind.h"
#include "policies/selector.h"

enum gateway_protocol { GATEWAY_HTTP, GATEWAY_HTTPS, GATEWAY_TLS, GATEWAY_TCP, GATEWAY_UDP };
enum gateway_from { GATEWAY_FROM_SAME, GATEWAY_FROM_ALL, GATEWAY_FROM_SELECTOR, GATEWAY_FROM_NONE };

struct gateway_certificate_ref {
    struct slice group, kind, name;
    struct slice namespace_name; /* NULL ptr: the Gateway's */
    unsigned line;
};

struct gateway_tls {
    int mode;                        /* 0: Terminate */
    struct schema_list certificates; /* struct gateway_certificate_ref */
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
    int protocol; /* enum gateway_protocol */
    struct gateway_tls *tls;
    struct gateway_allowed allowed;
    unsigned line;
};

struct gateway_spec {
    struct slice class_name;
    struct schema_list listeners; /* struct gateway_listener */
};

struct gateway {
    struct object object;
    struct gateway_spec spec;
};

extern const struct kind gateway_kind;
