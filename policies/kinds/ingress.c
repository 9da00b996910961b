/* The table of Ingress. Control thread. Must not know what becomes of one. It is open, and asks
 * nothing of names and paths: most that it reads belong to somebody else.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/ingress.h"

#include "policies/kinds/selector.h"

static const char *const path_types[] = {
    [INGRESS_EXACT] = "Exact",
    [INGRESS_PREFIX] = "Prefix",
    [INGRESS_IMPLEMENTATION] = "ImplementationSpecific",
    NULL,
};

static const struct schema_field port_fields[] = {
    SCHEMA_FIELD(struct ingress_port, name, "name", STRING, "Name of the port."),
    SCHEMA_FIELD(struct ingress_port, number, "number", INT, "Number of the port.", .min = 1,
                 .max = 65535),
    {0},
};

static const struct schema port_schema = {
    .name = "ServiceBackendPort",
    .size = sizeof(struct ingress_port),
    .fields = port_fields,
    .is_open = true,
};

static const struct schema_field service_fields[] = {
    SCHEMA_FIELD(struct ingress_service, name, "name", STRING, "Name of the Service."),
    SCHEMA_FIELD(struct ingress_service, port, "port", INLINE, "Its port.", .object = &port_schema),
    {0},
};

static const struct schema service_schema = {
    .name = "IngressServiceBackend",
    .size = sizeof(struct ingress_service),
    .fields = service_fields,
    .is_open = true,
};

static const struct schema_field backend_fields[] = {
    SCHEMA_FIELD(struct ingress_backend, service, "service", OBJECT, "Where requests go.",
                 .object = &service_schema),
    {0},
};

static const struct schema backend_schema = {
    .name = "IngressBackend",
    .size = sizeof(struct ingress_backend),
    .fields = backend_fields,
    .is_open = true,
    .has_line = true,
    .line_offset = offsetof(struct ingress_backend, line),
};

static const struct schema_field path_fields[] = {
    SCHEMA_FIELD(struct ingress_path, path, "path", STRING, "The path.", .text = "/"),
    SCHEMA_FIELD(struct ingress_path, type, "pathType", ENUM, "How the path compares.",
                 .choices = path_types, .fallback = INGRESS_IMPLEMENTATION),
    SCHEMA_FIELD(struct ingress_path, backend, "backend", INLINE, "Where requests go.",
                 .object = &backend_schema),
    {0},
};

static const struct schema path_schema = {
    .name = "HTTPIngressPath",
    .size = sizeof(struct ingress_path),
    .fields = path_fields,
    .is_open = true,
    .has_line = true,
    .line_offset = offsetof(struct ingress_path, line),
};

static const struct schema_field path_element = {.type = SCHEMA_INLINE, .object = &path_schema};

static const struct schema_field http_fields[] = {
    SCHEMA_FIELD(struct ingress_http, paths, "paths", LIST, "Paths of the host.",
                 .element = &path_element),
    {0},
};

static const struct schema http_schema = {
    .name = "HTTPIngressRuleValue",
    .size = sizeof(struct ingress_http),
    .fields = http_fields,
    .is_open = true,
};

static const struct schema_field rule_fields[] = {
    SCHEMA_FIELD(struct ingress_rule, host, "host", STRING, "The host; all when left out."),
    SCHEMA_FIELD(struct ingress_rule, http, "http", OBJECT, "Its paths.", .object = &http_schema),
    {0},
};

static const struct schema rule_schema = {
    .name = "IngressRule",
    .size = sizeof(struct ingress_rule),
    .fields = rule_fields,
    .is_open = true,
    .has_line = true,
    .line_offset = offsetof(struct ingress_rule, line),
};

static const struct schema_field host_element = {.type = SCHEMA_STRING};

static const struct schema_field tls_fields[] = {
    SCHEMA_FIELD(struct ingress_tls, hosts, "hosts", LIST, "Hosts of the certificate.",
                 .element = &host_element),
    SCHEMA_FIELD(struct ingress_tls, secret, "secretName", STRING,
                 "Where certificate and key are."),
    {0},
};

static const struct schema tls_schema = {
    .name = "IngressTLS",
    .size = sizeof(struct ingress_tls),
    .fields = tls_fields,
    .is_open = true,
    .has_line = true,
    .line_offset = offsetof(struct ingress_tls, line),
};

static const struct schema_field rule_element = {.type = SCHEMA_INLINE, .object = &rule_schema};
static const struct schema_field tls_element = {.type = SCHEMA_INLINE, .object = &tls_schema};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct ingress_spec, class_name, "ingressClassName", STRING, "Whose it is."),
    SCHEMA_FIELD(struct ingress_spec, default_backend, "defaultBackend", OBJECT,
                 "Where requests go that no rule is for.", .object = &backend_schema),
    SCHEMA_FIELD(struct ingress_spec, tls, "tls", LIST, "Certificates.", .element = &tls_element),
    SCHEMA_FIELD(struct ingress_spec, rules, "rules", LIST, "Hosts and their paths.",
                 .element = &rule_element),
    {0},
};

static const struct schema spec_schema = {
    .name = "IngressSpec",
    .size = sizeof(struct ingress_spec),
    .fields = spec_fields,
    .is_open = true,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    SCHEMA_FIELD(struct ingress, spec, "spec", INLINE, "Hosts, paths and certificates.",
                 .object = &spec_schema),
    {0},
};

const struct schema ingress_kind_schema = {
    .name = "Ingress",
    .size = sizeof(struct ingress),
    .fields = fields,
    .is_open = true,
};

bool ingress_is_ours(const struct ingress *i)
{
    if (i->spec.class_name.len)
        return slice_eq_cstr(i->spec.class_name, INGRESS_CLASS);
    return slice_eq_cstr(
        selector_label(&i->object.meta.annotations, SLICE(INGRESS_CLASS_ANNOTATION)),
        INGRESS_CLASS);
}
