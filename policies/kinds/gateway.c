/* The table of Gateway: listeners, TLS of both ends, addresses, infrastructure. Control
 * thread. Must not know which routes attach to it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/gateway.h"

#include <stdio.h>

#include "lib/schema/schema_format.h"

static const char *const validation_modes[] = {"AllowValidOnly", "AllowInsecureFallback", NULL};

/* ---- TLS of both ends ---- */

static const struct schema_field authority_element = {.type = SCHEMA_INLINE,
                                                      .object = &gateway_listener_authority_schema};

static const struct schema_field validation_fields[] = {
    SCHEMA_FIELD(struct gateway_validation, authorities, "caCertificateRefs", LIST,
                 "Authorities that must have signed the certificates of clients.",
                 .flags = SCHEMA_REQUIRED,
                 .min = 1, .max = 16, .element = &authority_element),
    SCHEMA_FIELD(struct gateway_validation, mode, "mode", ENUM,
                 "AllowInsecureFallback serves clients without a good certificate, too.",
                 .choices = validation_modes),
    {0},
};

static const struct schema validation_schema = {
    .name = "FrontendTLSValidation",
    .doc = "Which certificates clients must show.",
    .size = sizeof(struct gateway_validation),
    .fields = validation_fields,
};

static const struct schema_field client_tls_fields[] = {
    SCHEMA_FIELD(struct gateway_client_tls, validation, "validation", OBJECT,
                 "Certificates that clients must present; none when left out.",
                 .object = &validation_schema),
    {0},
};

static const struct schema client_tls_schema = {
    .name = "TLSConfig",
    .doc = "What is asked of clients.",
    .size = sizeof(struct gateway_client_tls),
    .fields = client_tls_fields,
};

static const struct schema_field port_tls_fields[] = {
    SCHEMA_FIELD(struct gateway_port_tls, port, "port", INT, "The port.", .flags = SCHEMA_REQUIRED,
                 .min = 1, .max = 65535),
    SCHEMA_FIELD(struct gateway_port_tls, tls, "tls", INLINE, "What is asked of clients there.",
                 .flags = SCHEMA_REQUIRED, .object = &client_tls_schema),
    {0},
};

static const struct schema port_tls_schema = {
    .name = "TLSPortConfig",
    .doc = "What is asked of clients on one port.",
    .size = sizeof(struct gateway_port_tls),
    .fields = port_tls_fields,
};

static const struct schema_field port_tls_element = {.type = SCHEMA_INLINE,
                                                     .object = &port_tls_schema};

static const struct schema_field frontend_fields[] = {
    SCHEMA_FIELD(struct gateway_frontend_tls, fallback, "default", INLINE,
                 "What is asked of clients of all HTTPS listeners.", .flags = SCHEMA_REQUIRED,
                 .object = &client_tls_schema),
    SCHEMA_FIELD(struct gateway_frontend_tls, ports, "perPort", LIST,
                 "What holds for a port instead of the default.", .max = 64,
                 .element = &port_tls_element),
    {0},
};

static void check_frontend(struct schema_run *run, const struct doc *node, void *value)
{
    const struct gateway_frontend_tls *f = value;
    for (size_t i = 0; i < f->ports.count; i++) {
        int64_t port = SCHEMA_AT(f->ports, struct gateway_port_tls, i)->port;
        char where[48];
        snprintf(where, sizeof where, "perPort[%zu].port", i);
        for (size_t j = 0; j < i; j++)
            if (port && port == SCHEMA_AT(f->ports, struct gateway_port_tls, j)->port)
                schema_error(run, node, where, "%d is given twice", (int)port);
    }
}

static const struct schema frontend_schema = {
    .name = "FrontendTLSConfig",
    .doc = "Client certificates.",
    .size = sizeof(struct gateway_frontend_tls),
    .fields = frontend_fields,
    .check = check_frontend,
};

static const struct schema_field backend_fields[] = {
    SCHEMA_FIELD(struct gateway_backend_tls, client_certificate, "clientCertificateRef", OBJECT,
                 "Certificate that backends are shown.", .object = &gateway_listener_secret_schema),
    {0},
};

static const struct schema backend_schema = {
    .name = "GatewayBackendTLS",
    .doc = "TLS towards backends.",
    .size = sizeof(struct gateway_backend_tls),
    .fields = backend_fields,
};

static const struct schema_field ends_fields[] = {
    SCHEMA_FIELD(struct gateway_tls_ends, frontend, "frontend", OBJECT, "Client certificates.",
                 .object = &frontend_schema),
    SCHEMA_FIELD(struct gateway_tls_ends, backend, "backend", OBJECT, "TLS towards backends.",
                 .object = &backend_schema),
    {0},
};

static const struct schema ends_schema = {
    .name = "GatewayTLSConfig",
    .doc = "TLS of the Gateway as a whole.",
    .size = sizeof(struct gateway_tls_ends),
    .fields = ends_fields,
};

/* ---- addresses, infrastructure ---- */

static const struct schema_field address_fields[] = {
    SCHEMA_FIELD(struct gateway_address, type_name, "type", STRING, "IPAddress or Hostname.",
                 .text = "IPAddress", .min = 1, .max = 253),
    SCHEMA_FIELD(struct gateway_address, value, "value", STRING,
                 "The address; any of the type when left out.", .max = 253),
    {0},
};

static void check_address(struct schema_run *run, const struct doc *node, void *value)
{
    struct gateway_address *a = value;
    (void)run;
    (void)node;
    a->type = slice_eq_cstr(a->type_name, "IPAddress")  ? GATEWAY_ADDRESS_IP
              : slice_eq_cstr(a->type_name, "Hostname") ? GATEWAY_ADDRESS_HOSTNAME
                                                        : GATEWAY_ADDRESS_UNKNOWN;
}

static const struct schema address_schema = {
    .name = "GatewaySpecAddress",
    .doc = "An address that is asked for.",
    .size = sizeof(struct gateway_address),
    .fields = address_fields,
    .check = check_address,
};

static const struct schema_field address_element = {.type = SCHEMA_INLINE,
                                                    .object = &address_schema};

static const struct schema_field parameters_fields[] = {
    SCHEMA_FIELD(struct gateway_parameters, group, "group", STRING, "Group of the referent.",
                 .flags = SCHEMA_REQUIRED, .max = 253),
    SCHEMA_FIELD(struct gateway_parameters, kind, "kind", STRING, "Kind of the referent.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 63),
    SCHEMA_FIELD(struct gateway_parameters, name, "name", STRING, "Name of the referent.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 253),
    SCHEMA_FIELD(struct gateway_parameters, namespace_name, "namespace", STRING,
                 "Namespace of the referent, for a GatewayClass.", .max = 63),
    {0},
};

const struct schema gateway_parameters_schema = {
    .name = "ParametersReference",
    .doc = "Names a GatewaySettings (group policy.weft.dev).",
    .size = sizeof(struct gateway_parameters),
    .fields = parameters_fields,
};

static const struct schema_field annotation_element = {.type = SCHEMA_STRING};

static const struct schema_field infrastructure_fields[] = {
    SCHEMA_FIELD(struct gateway_infrastructure, labels, "labels", MAP,
                 "Labels of the objects that are created for the Gateway.", .max = 8,
                 .format = &schema_format_label_key, .element = &selector_label_element),
    SCHEMA_FIELD(struct gateway_infrastructure, annotations, "annotations", MAP,
                 "Annotations of the objects that are created for the Gateway.", .max = 16,
                 .format = &schema_format_label_key, .element = &annotation_element),
    SCHEMA_FIELD(struct gateway_infrastructure, parameters, "parametersRef", OBJECT,
                 "How its data plane is run: a GatewaySettings of the same namespace.",
                 .object = &gateway_parameters_schema),
    {0},
};

static const struct schema infrastructure_schema = {
    .name = "GatewayInfrastructure",
    .doc = "What is made for the Gateway.",
    .size = sizeof(struct gateway_infrastructure),
    .fields = infrastructure_fields,
};

static const struct schema_field namespaces_fields[] = {
    SCHEMA_FIELD(struct gateway_namespaces, from, "from", ENUM, "Which namespaces.",
                 .choices = gateway_listener_froms, .fallback = GATEWAY_FROM_NONE),
    SCHEMA_FIELD(struct gateway_namespaces, selector, "selector", OBJECT,
                 "Labels of the namespaces, for Selector.", .object = &selector_schema),
    {0},
};

static const struct schema namespaces_schema = {
    .name = "ListenerNamespaces",
    .doc = "Namespaces whose ListenerSets may attach.",
    .size = sizeof(struct gateway_namespaces),
    .fields = namespaces_fields,
};

static const struct schema_field allowed_fields[] = {
    SCHEMA_FIELD(struct gateway_allowed_listeners, namespaces, "namespaces", INLINE,
                 "Namespaces whose ListenerSets may attach; by default none.",
                 .object = &namespaces_schema),
    {0},
};

static const struct schema allowed_schema = {
    .name = "AllowedListeners",
    .doc = "Which ListenerSets may attach.",
    .size = sizeof(struct gateway_allowed_listeners),
    .fields = allowed_fields,
};

static const struct schema_field listener_element = {.type = SCHEMA_INLINE,
                                                     .object = &gateway_listener_schema};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct gateway_spec, class_name, "gatewayClassName", STRING,
                 "Class of the Gateway.", .flags = SCHEMA_REQUIRED, .max = 253,
                 .format = &schema_format_name),
    SCHEMA_FIELD(struct gateway_spec, listeners, "listeners", LIST,
                 "Ports and protocols that the Gateway accepts traffic on.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 64, .element = &listener_element),
    SCHEMA_FIELD(struct gateway_spec, addresses, "addresses", LIST,
                 "Addresses asked for; assigned by the platform when left out.", .max = 16,
                 .element = &address_element),
    SCHEMA_FIELD(struct gateway_spec, infrastructure, "infrastructure", INLINE,
                 "Labels and annotations of the objects that are created for it.",
                 .object = &infrastructure_schema),
    SCHEMA_FIELD(struct gateway_spec, allowed, "allowedListeners", INLINE,
                 "Which ListenerSets may attach.", .object = &allowed_schema),
    SCHEMA_FIELD(struct gateway_spec, tls, "tls", INLINE, "TLS of the Gateway as a whole.",
                 .object = &ends_schema),
    SCHEMA_BARE("defaultScope", REFUSED, "Which routes attach without naming it."),
    {0},
};

static void check_spec(struct schema_run *run, const struct doc *node, void *value)
{
    const struct gateway_spec *spec = value;
    gateway_listener_check_all(run, node, &spec->listeners);
}

static const struct schema spec_schema = {
    .name = "GatewaySpec",
    .doc = "Listeners of the Gateway.",
    .size = sizeof(struct gateway_spec),
    .fields = spec_fields,
    .check = check_spec,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct gateway, spec, "spec", INLINE, "Listeners of the Gateway.",
                 .flags = SCHEMA_REQUIRED, .object = &spec_schema),
    {0},
};

const struct schema gateway_kind_schema = {
    .name = "Gateway",
    .doc = "Where traffic from outside enters.",
    .size = sizeof(struct gateway),
    .fields = fields,
};

bool gateway_has_listener(const struct gateway *gateway, struct slice name)
{
    for (SCHEMA_EACH(gateway->spec.listeners, struct gateway_listener, l))
        if (slice_eq(l->name, name))
            return true;
    return false;
}
