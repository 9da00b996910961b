/* The table of Gateway, and what its listeners must agree on. Control thread. Must not know
 * which routes attach to it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/gateway.h"

#include <stdio.h>

#include "policies/schema_format.h"

static const char *const protocols[] = {
    [GATEWAY_HTTP] = "HTTP", [GATEWAY_HTTPS] = "HTTPS", [GATEWAY_TLS] = "TLS",
    [GATEWAY_TCP] = "TCP",   [GATEWAY_UDP] = "UDP",     NULL,
};
static const char *const modes[] = {"Terminate", "Passthrough", NULL};
static const char *const froms[] = {
    [GATEWAY_FROM_SAME] = "Same",
    [GATEWAY_FROM_ALL] = "All",
    [GATEWAY_FROM_SELECTOR] = "Selector",
    [GATEWAY_FROM_NONE] = "None",
    NULL,
};

static const struct schema_field certificate_fields[] = {
    SCHEMA_FIELD(struct gateway_certificate_ref, group, "group", STRING,
                 "Group of the referent; empty for core.", .text = "", .max = 253),
    SCHEMA_FIELD(struct gateway_certificate_ref, kind, "kind", STRING, "Kind of the referent.",
                 .text = "Secret", .max = 63),
    SCHEMA_FIELD(struct gateway_certificate_ref, name, "name", STRING, "Name of the Secret.",
                 .flags = SCHEMA_REQUIRED, .format = &schema_format_name),
    SCHEMA_FIELD(struct gateway_certificate_ref, namespace_name, "namespace", STRING,
                 "Namespace of the Secret; another one needs a ReferenceGrant there.",
                 .format = &schema_format_label_name),
    {0},
};

static const struct schema certificate_schema = {
    .name = "SecretObjectReference",
    .doc = "Names a Secret of type kubernetes.io/tls.",
    .size = sizeof(struct gateway_certificate_ref),
    .fields = certificate_fields,
    .has_line = true,
    .line_offset = offsetof(struct gateway_certificate_ref, line),
};

static const struct schema_field certificate_element = {.type = SCHEMA_INLINE,
                                                        .object = &certificate_schema};

static const struct schema_field tls_fields[] = {
    SCHEMA_FIELD(struct gateway_tls, mode, "mode", ENUM, "Terminate ends TLS at the Gateway.",
                 .choices = modes),
    SCHEMA_FIELD(struct gateway_tls, certificates, "certificateRefs", LIST,
                 "Certificates to show; the one that fits the host name is chosen.", .max = 64,
                 .element = &certificate_element),
    SCHEMA_BARE("options", REFUSED, "Further settings of TLS."),
    {0},
};

static void check_tls(struct schema_run *run, const struct doc *node, void *value)
{
    const struct gateway_tls *tls = value;
    if (tls->mode != 0)
        schema_error(run, node, "mode", "Passthrough is not supported yet");
    else if (tls->certificates.count == 0)
        schema_error(run, node, "certificateRefs", "is required: name a Secret with a certificate");
}

static const struct schema tls_schema = {
    .name = "GatewayTLSConfig",
    .doc = "TLS of a listener.",
    .size = sizeof(struct gateway_tls),
    .fields = tls_fields,
    .check = check_tls,
};

static const struct schema_field namespaces_fields[] = {
    SCHEMA_FIELD(struct gateway_namespaces, from, "from", ENUM, "Which namespaces.",
                 .choices = froms),
    SCHEMA_FIELD(struct gateway_namespaces, selector, "selector", OBJECT,
                 "Labels of the namespaces, for Selector.", .object = &selector_schema),
    {0},
};

static void check_namespaces(struct schema_run *run, const struct doc *node, void *value)
{
    const struct gateway_namespaces *n = value;
    if (n->from == GATEWAY_FROM_SELECTOR && !n->selector)
        schema_error(run, node, "selector", "is required when from is Selector");
}

static const struct schema namespaces_schema = {
    .name = "RouteNamespaces",
    .doc = "Namespaces whose routes may attach.",
    .size = sizeof(struct gateway_namespaces),
    .fields = namespaces_fields,
    .check = check_namespaces,
};

static const struct schema_field route_kind_fields[] = {
    SCHEMA_FIELD(struct gateway_route_kind, group, "group", STRING, "Group of the route.",
                 .text = KIND_GROUP_GATEWAY, .max = 253),
    SCHEMA_FIELD(struct gateway_route_kind, kind, "kind", STRING, "Kind of the route.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 63),
    {0},
};

static const struct schema route_kind_schema = {
    .name = "RouteGroupKind",
    .doc = "A kind of route.",
    .size = sizeof(struct gateway_route_kind),
    .fields = route_kind_fields,
};

static const struct schema_field route_kind_element = {.type = SCHEMA_INLINE,
                                                       .object = &route_kind_schema};

static const struct schema_field allowed_fields[] = {
    SCHEMA_FIELD(struct gateway_allowed, namespaces, "namespaces", INLINE,
                 "Namespaces whose routes may attach.", .object = &namespaces_schema),
    SCHEMA_FIELD(struct gateway_allowed, kinds, "kinds", LIST, "Kinds of route that may attach.",
                 .max = 8, .element = &route_kind_element),
    {0},
};

static const struct schema allowed_schema = {
    .name = "AllowedRoutes",
    .doc = "Which routes may attach.",
    .size = sizeof(struct gateway_allowed),
    .fields = allowed_fields,
};

static const struct schema_field listener_fields[] = {
    SCHEMA_FIELD(struct gateway_listener, name, "name", STRING,
                 "Name of the listener; routes may choose it by sectionName.",
                 .flags = SCHEMA_REQUIRED, .max = 253, .format = &schema_format_section),
    SCHEMA_FIELD(struct gateway_listener, hostname, "hostname", STRING,
                 "Host name it serves, or \"*.\" and a suffix; any when left out.",
                 .format = &schema_format_hostname),
    SCHEMA_FIELD(struct gateway_listener, port, "port", INT, "Port it listens on.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 65535),
    SCHEMA_FIELD(struct gateway_listener, protocol, "protocol", ENUM, "HTTP or HTTPS.",
                 .flags = SCHEMA_REQUIRED | SCHEMA_NOCASE, .choices = protocols),
    SCHEMA_FIELD(struct gateway_listener, tls, "tls", OBJECT, "Certificates, for HTTPS.",
                 .object = &tls_schema),
    SCHEMA_FIELD(struct gateway_listener, allowed, "allowedRoutes", INLINE,
                 "Which routes may attach; by default those of the same namespace.",
                 .object = &allowed_schema),
    {0},
};

static void check_listener(struct schema_run *run, const struct doc *node, void *value)
{
    const struct gateway_listener *l = value;
    if (l->protocol > GATEWAY_HTTPS)
        schema_error(run, node, "protocol", "%s is not supported yet", protocols[l->protocol]);
    else if (l->protocol == GATEWAY_HTTPS && !l->tls)
        schema_error(run, node, "tls", "is required for HTTPS");
    else if (l->protocol == GATEWAY_HTTP && l->tls)
        schema_error(run, node, "tls", "must be left out for HTTP");
}

static const struct schema listener_schema = {
    .name = "Listener",
    .doc = "One port, protocol and host name on which a Gateway accepts traffic.",
    .size = sizeof(struct gateway_listener),
    .fields = listener_fields,
    .has_line = true,
    .line_offset = offsetof(struct gateway_listener, line),
    .check = check_listener,
};

static const struct schema_field listener_element = {.type = SCHEMA_INLINE,
                                                     .object = &listener_schema};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct gateway_spec, class_name, "gatewayClassName", STRING,
                 "Class of the Gateway.", .flags = SCHEMA_REQUIRED, .max = 253,
                 .format = &schema_format_name),
    SCHEMA_FIELD(struct gateway_spec, listeners, "listeners", LIST, "Where it accepts traffic.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 64, .element = &listener_element),
    SCHEMA_BARE("addresses", ANY, "Addresses asked for; assigned by the platform."),
    SCHEMA_BARE("infrastructure", ANY, "Labels and annotations of what is made for it."),
    SCHEMA_BARE("allowedListeners", REFUSED, "Which ListenerSets may attach."),
    SCHEMA_BARE("tls", REFUSED, "Client certificates of all listeners."),
    SCHEMA_BARE("defaultScope", REFUSED, "Which routes attach without naming it."),
    {0},
};

static void check_pair(struct schema_run *run, const struct doc *node, size_t at,
                       const struct gateway_listener *a, const struct gateway_listener *b)
{
    char where[48];
    snprintf(where, sizeof where, "listeners[%zu]", at);
    if (slice_eq(a->name, b->name) && a->name.len)
        schema_error(run, node, where, "the name \"%.*s\" is given twice", SLICE_ARG(a->name));
    if (a->port != b->port || a->port == 0)
        return;
    if (a->protocol != b->protocol)
        schema_error(run, node, where, "port %d is already used for %s by listener \"%.*s\"",
                     (int)a->port, protocols[b->protocol], SLICE_ARG(b->name));
    else if (slice_eq(a->hostname, b->hostname))
        schema_error(run, node, where,
                     "port %d with this host name is already taken by listener \"%.*s\"",
                     (int)a->port, SLICE_ARG(b->name));
}

static void check_spec(struct schema_run *run, const struct doc *node, void *value)
{
    const struct gateway_spec *spec = value;
    for (size_t i = 0; i < spec->listeners.count; i++)
        for (size_t j = 0; j < i; j++)
            check_pair(run, node, i, SCHEMA_AT(spec->listeners, struct gateway_listener, i),
                       SCHEMA_AT(spec->listeners, struct gateway_listener, j));
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
    KIND_STATUS,
    SCHEMA_FIELD(struct gateway, spec, "spec", INLINE, "Listeners of the Gateway.",
                 .flags = SCHEMA_REQUIRED, .object = &spec_schema),
    {0},
};

static const struct schema schema = {
    .name = "Gateway",
    .doc = "Where traffic from outside enters.",
    .size = sizeof(struct gateway),
    .fields = fields,
};

const struct kind gateway_kind = {
    .id = KIND_GATEWAY,
    .name = "Gateway",
    .group = KIND_GROUP_GATEWAY,
    .versions = {"v1", "v1beta1"},
    .schema = &schema,
};
