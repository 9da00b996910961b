/* Gateway (Gateway API): where traffic enters.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/gateway_listener.h"

enum gateway_validation_mode { GATEWAY_VALID_ONLY, GATEWAY_INSECURE_FALLBACK };

/* Which certificates clients must show. */
struct gateway_validation {
    struct schema_list authorities; /* struct gateway_certificate_ref */
    int mode;                       /* enum gateway_validation_mode */
};

struct gateway_client_tls {
    struct gateway_validation *validation; /* NULL: none is asked for */
};

struct gateway_port_tls {
    int64_t port;
    struct gateway_client_tls tls;
};

struct gateway_frontend_tls {
    struct gateway_client_tls fallback; /* "default" */
    struct schema_list ports;           /* struct gateway_port_tls */
};

struct gateway_backend_tls {
    struct gateway_certificate_ref *client_certificate; /* what backends are shown */
};

struct gateway_tls_ends {
    struct gateway_frontend_tls *frontend;
    struct gateway_backend_tls *backend;
};

enum gateway_address_type { GATEWAY_ADDRESS_IP, GATEWAY_ADDRESS_HOSTNAME, GATEWAY_ADDRESS_UNKNOWN };

struct gateway_address {
    struct slice type_name; /* as it was given */
    int type;               /* enum gateway_address_type */
    struct slice value;     /* empty: any */
};

struct gateway_parameters {
    struct slice group, kind, name;
    struct slice namespace_name; /* of a class's; a Gateway's are in its own namespace */
};

struct gateway_infrastructure {
    struct schema_list labels, annotations; /* struct schema_pair */
    struct gateway_parameters *parameters;
};

struct gateway_allowed_listeners {
    struct gateway_namespaces namespaces; /* of ListenerSets; none when nothing is said */
};

struct gateway_spec {
    struct slice class_name;
    struct schema_list listeners; /* struct gateway_listener */
    struct schema_list addresses; /* struct gateway_address */
    struct gateway_infrastructure infrastructure;
    struct gateway_allowed_listeners allowed;
    struct gateway_tls_ends tls;
};

struct gateway {
    struct object object;
    struct gateway_spec spec;
};

/* It has a listener of that name (not one of a ListenerSet). */
bool gateway_has_listener(const struct gateway *gateway, struct slice name);
/* The reference to parameters, which GatewayClass has too. */
extern const struct schema gateway_parameters_schema;
