/* The table of the ExternalAuth filter. Control thread. Must not know whether the backend exists.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/http_route_external_auth.h"

#include "filters/ext_auth.h"
#include "lib/schema/schema_format.h"

static const char *const protocols[] = {
    [EXT_AUTH_HTTP] = "HTTP",
    [EXT_AUTH_GRPC] = "GRPC",
    NULL,
};

static const struct schema_field backend_fields[] = {
    ROUTE_BACKEND_FIELDS,
    {0},
};

static const struct schema backend_schema = {
    .name = "BackendObjectReference",
    .doc = "Who is asked.",
    .size = sizeof(struct route_backend),
    .fields = backend_fields,
    .has_line = true,
    .line_offset = offsetof(struct route_backend, line),
    .check = route_backend_check,
};

static const struct schema_field name_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 256, .format = &schema_format_header_name};
static const struct schema_field mutable_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 256, .format = &schema_format_mutable_header};

static const struct schema_field grpc_fields[] = {
    SCHEMA_FIELD(struct http_route_auth_grpc, allowed_headers, "allowedHeaders", LIST,
                 "Headers of the request that are shown; all when left out.", .max = 64,
                 .element = &name_element),
    {0},
};

static const struct schema grpc_schema = {
    .name = "GRPCAuthConfig",
    .doc = "How Envoy's ext_authz is spoken.",
    .size = sizeof(struct http_route_auth_grpc),
    .fields = grpc_fields,
};

static const struct schema_field http_fields[] = {
    SCHEMA_FIELD(struct http_route_auth_http, path, "path", STRING,
                 "Put in front of the path of the request.", .max = 1024,
                 .format = &schema_format_path),
    SCHEMA_FIELD(struct http_route_auth_http, allowed_headers, "allowedHeaders", LIST,
                 "Headers of the request that are shown besides Host, Authorization and "
                 "Content-Length.",
                 .max = 64, .element = &name_element),
    SCHEMA_FIELD(struct http_route_auth_http, allowed_response_headers, "allowedResponseHeaders",
                 LIST,
                 "Headers of the answer that the backend gets, and only from there; all of them "
                 "when left out.",
                 .max = 64, .element = &mutable_element),
    {0},
};

static const struct schema http_schema = {
    .name = "HTTPAuthConfig",
    .doc = "How HTTP is spoken.",
    .size = sizeof(struct http_route_auth_http),
    .fields = http_fields,
};

static const struct schema_field body_fields[] = {
    SCHEMA_FIELD(struct http_route_auth_body, max, "maxSize", INT,
                 "How many bytes of the body are shown; a longer one is refused with 413. 0: the "
                 "body is not shown.",
                 .max = 65535),
    {0},
};

static const struct schema body_schema = {
    .name = "ForwardBodyConfig",
    .doc = "Whether the body is shown.",
    .size = sizeof(struct http_route_auth_body),
    .fields = body_fields,
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct http_route_external_auth, protocol, "protocol", ENUM,
                 "What the backend speaks: Envoy's ext_authz (GRPC), or HTTP.",
                 .flags = SCHEMA_REQUIRED, .choices = protocols, .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct http_route_external_auth, backend, "backendRef", OBJECT, "Who is asked.",
                 .flags = SCHEMA_REQUIRED, .object = &backend_schema),
    SCHEMA_FIELD(struct http_route_external_auth, grpc, "grpc", OBJECT,
                 "How Envoy's ext_authz is spoken.", .object = &grpc_schema),
    SCHEMA_FIELD(struct http_route_external_auth, http, "http", OBJECT, "How HTTP is spoken.",
                 .object = &http_schema),
    SCHEMA_FIELD(struct http_route_external_auth, body, "forwardBody", OBJECT,
                 "Whether the body is shown.", .object = &body_schema),
    {0},
};

/* As the standard's own rules. */
static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct http_route_external_auth *a = value;
    if (a->protocol == SCHEMA_UNSET)
        return;
    bool is_grpc = a->protocol == EXT_AUTH_GRPC;
    const char *own = is_grpc ? "grpc" : "http", *other = is_grpc ? "http" : "grpc";
    if (!(is_grpc ? (const void *)a->grpc : a->http))
        schema_error(run, node, own, "is required when protocol is %s", protocols[a->protocol]);
    if (is_grpc ? (const void *)a->http : a->grpc)
        schema_error(run, node, other, "must be left out when protocol is %s",
                     protocols[a->protocol]);
}

const struct schema http_route_external_auth_schema = {
    .name = "HTTPExternalAuthFilter",
    .doc = "A service decides whether requests may go on.",
    .size = sizeof(struct http_route_external_auth),
    .fields = fields,
    .check = check,
};
