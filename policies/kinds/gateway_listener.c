/* The table of a listener. Control thread. Must not know whose listener it is, and which routes
 * attach to it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/gateway_listener.h"

#include <stdio.h>

#include "lib/schema/schema_format.h"

static const char *const protocols[] = {
    [GATEWAY_HTTP] = "HTTP", [GATEWAY_HTTPS] = "HTTPS", [GATEWAY_TLS] = "TLS",
    [GATEWAY_TCP] = "TCP",   [GATEWAY_UDP] = "UDP",     [GATEWAY_UNKNOWN] = "unknown",
};
static const char *const modes[] = {"Terminate", "Passthrough", NULL};
const char *const gateway_listener_froms[] = {
    [GATEWAY_FROM_SAME] = "Same",
    [GATEWAY_FROM_ALL] = "All",
    [GATEWAY_FROM_SELECTOR] = "Selector",
    [GATEWAY_FROM_NONE] = "None",
    NULL,
};

static const struct schema_field secret_fields[] = {
    SCHEMA_FIELD(struct gateway_certificate_ref, group, "group", STRING,
                 "Group of the referent; empty for core.", .text = "", .max = 253),
    SCHEMA_FIELD(struct gateway_certificate_ref, kind, "kind", STRING, "Kind of the referent.",
                 .text = "Secret", .max = 63),
    SCHEMA_FIELD(struct gateway_certificate_ref, name, "name", STRING, "Name of the Secret.",
                 .flags = SCHEMA_REQUIRED, .max = 253),
    SCHEMA_FIELD(struct gateway_certificate_ref, namespace_name, "namespace", STRING,
                 "Namespace of the Secret; another one needs a ReferenceGrant there.",
                 .format = &schema_format_label_name),
    {0},
};

const struct schema gateway_listener_secret_schema = {
    .name = "SecretObjectReference",
    .doc = "Names a Secret of type kubernetes.io/tls.",
    .size = sizeof(struct gateway_certificate_ref),
    .fields = secret_fields,
    .has_line = true,
    .line_offset = offsetof(struct gateway_certificate_ref, line),
};

static const struct schema_field authority_fields[] = {
    SCHEMA_FIELD(struct gateway_certificate_ref, group, "group", STRING,
                 "Group of the referent; empty for core.", .flags = SCHEMA_REQUIRED, .max = 253),
    SCHEMA_FIELD(struct gateway_certificate_ref, kind, "kind", STRING, "Kind of the referent.",
                 .flags = SCHEMA_REQUIRED, .max = 63),
    SCHEMA_FIELD(struct gateway_certificate_ref, name, "name", STRING,
                 "Name of the ConfigMap with the certificates, under the key ca.crt.",
                 .flags = SCHEMA_REQUIRED, .max = 253),
    SCHEMA_FIELD(struct gateway_certificate_ref, namespace_name, "namespace", STRING,
                 "Namespace of the ConfigMap; another one needs a ReferenceGrant there.",
                 .format = &schema_format_label_name),
    {0},
};

const struct schema gateway_listener_authority_schema = {
    .name = "ObjectReference",
    .doc = "Names a ConfigMap with the certificates of authorities.",
    .size = sizeof(struct gateway_certificate_ref),
    .fields = authority_fields,
    .has_line = true,
    .line_offset = offsetof(struct gateway_certificate_ref, line),
};

static const struct schema_field certificate_element = {.type = SCHEMA_INLINE,
                                                        .object = &gateway_listener_secret_schema};

static const struct schema_field option_element = {.type = SCHEMA_STRING};

static const struct schema_field tls_fields[] = {
    SCHEMA_FIELD(struct gateway_tls, mode, "mode", ENUM,
                 "Terminate ends TLS at the Gateway, Passthrough leaves it to the backend.",
                 .choices = modes),
    SCHEMA_FIELD(struct gateway_tls, certificates, "certificateRefs", LIST,
                 "Certificates to show; the one that fits the host name is chosen.", .max = 64,
                 .element = &certificate_element),
    SCHEMA_FIELD(struct gateway_tls, options, "options", MAP,
                 "Further settings of TLS; there are none so far.", .max = 16,
                 .element = &option_element),
    {0},
};

static void check_tls(struct schema_run *run, const struct doc *node, void *value)
{
    const struct gateway_tls *tls = value;
    if (tls->mode == GATEWAY_TERMINATE && !tls->certificates.count && !tls->options.count)
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
                 .choices = gateway_listener_froms),
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
    SCHEMA_FIELD(struct gateway_listener, protocol_name, "protocol", STRING,
                 "HTTP, HTTPS, TLS or TCP.", .flags = SCHEMA_REQUIRED, .min = 1, .max = 255),
    SCHEMA_FIELD(struct gateway_listener, tls, "tls", OBJECT, "Certificates, for HTTPS and TLS.",
                 .object = &tls_schema),
    SCHEMA_FIELD(struct gateway_listener, allowed, "allowedRoutes", INLINE,
                 "Which routes may attach; by default those of the same namespace.",
                 .object = &allowed_schema),
    {0},
};

static enum gateway_protocol find_protocol(struct slice name)
{
    for (int i = 0; i < GATEWAY_UNKNOWN; i++)
        if (slice_eq_nocase(name, slice_from_cstr(protocols[i])))
            return (enum gateway_protocol)i;
    return GATEWAY_UNKNOWN;
}

/* What the API server refuses as well. What it lets through and we cannot serve is said in the
 * listener's status. */
static void check_listener(struct schema_run *run, const struct doc *node, void *value)
{
    struct gateway_listener *l = value;
    l->protocol = find_protocol(l->protocol_name);
    bool has_tls = l->protocol == GATEWAY_HTTPS || l->protocol == GATEWAY_TLS;
    if (l->protocol == GATEWAY_UNKNOWN)
        return;
    if (!slice_eq_cstr(l->protocol_name, protocols[l->protocol]))
        schema_warn(run, node, "protocol", "\"%.*s\" is written %s: other controllers refuse it",
                    SLICE_ARG(l->protocol_name), protocols[l->protocol]);
    if (has_tls && !l->tls)
        schema_error(run, node, "tls", "is required for %s", protocols[l->protocol]);
    else if (!has_tls && l->tls)
        schema_error(run, node, "tls", "must be left out for %s", protocols[l->protocol]);
    else if (l->protocol == GATEWAY_HTTPS && l->tls->mode == GATEWAY_PASSTHROUGH)
        schema_error(run, node, "tls.mode", "must be Terminate for HTTPS");
    else if (l->protocol == GATEWAY_TLS && !doc_find(node, "tls.mode"))
        schema_error(run, node, "tls.mode", "is required for TLS: Terminate or Passthrough");
    if ((l->protocol == GATEWAY_TCP || l->protocol == GATEWAY_UDP) && l->hostname.len)
        schema_error(run, node, "hostname", "must be left out for %s", protocols[l->protocol]);
}

const struct schema gateway_listener_schema = {
    .name = "Listener",
    .doc = "One port, protocol and host name on which a Gateway accepts traffic.",
    .size = sizeof(struct gateway_listener),
    .fields = listener_fields,
    .has_line = true,
    .line_offset = offsetof(struct gateway_listener, line),
    .check = check_listener,
};

static void check_pair(struct schema_run *run, const struct doc *node, size_t at,
                       const struct gateway_listener *a, const struct gateway_listener *b)
{
    char where[48];
    snprintf(where, sizeof where, "listeners[%zu]", at);
    if (slice_eq(a->name, b->name) && a->name.len)
        schema_error(run, node, where, "the name \"%.*s\" is given twice", SLICE_ARG(a->name));
    if (a->port == b->port && a->port && slice_eq(a->protocol_name, b->protocol_name) &&
        slice_eq(a->hostname, b->hostname))
        schema_error(run, node, where,
                     "port %d with this host name is already taken by listener \"%.*s\"",
                     (int)a->port, SLICE_ARG(b->name));
}

void gateway_listener_check_all(struct schema_run *run, const struct doc *node,
                                const struct schema_list *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        for (size_t j = 0; j < i; j++)
            check_pair(run, node, i, SCHEMA_AT(*listeners, struct gateway_listener, i),
                       SCHEMA_AT(*listeners, struct gateway_listener, j));
}
