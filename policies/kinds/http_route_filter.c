/* The tables of an HTTPRoute's filters, and what the standard demands of each. Control thread.
 * Must not know of rules and matches.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/http_route_filter.h"

#include <stdio.h>

static const char *const types[] = {
    [HTTP_ROUTE_FILTER_REQUEST_HEADERS] = "RequestHeaderModifier",
    [HTTP_ROUTE_FILTER_RESPONSE_HEADERS] = "ResponseHeaderModifier",
    [HTTP_ROUTE_FILTER_MIRROR] = "RequestMirror",
    [HTTP_ROUTE_FILTER_EXTENSION] = "ExtensionRef",
    [HTTP_ROUTE_FILTER_REDIRECT] = "RequestRedirect",
    [HTTP_ROUTE_FILTER_REWRITE] = "URLRewrite",
    [HTTP_ROUTE_FILTER_CORS] = "CORS",
    [HTTP_ROUTE_FILTER_EXTERNAL_AUTH] = "ExternalAuth",
    NULL,
};
static const char *const grpc_types[] = {
    [HTTP_ROUTE_FILTER_REQUEST_HEADERS] = "RequestHeaderModifier",
    [HTTP_ROUTE_FILTER_RESPONSE_HEADERS] = "ResponseHeaderModifier",
    [HTTP_ROUTE_FILTER_MIRROR] = "RequestMirror",
    [HTTP_ROUTE_FILTER_EXTENSION] = "ExtensionRef",
    NULL,
};

static const struct schema_field extension_fields[] = {
    SCHEMA_FIELD(struct http_route_extension, group, "group", STRING,
                 "Group of the object: policy.weft.dev.", .flags = SCHEMA_REQUIRED, .max = 253),
    SCHEMA_FIELD(struct http_route_extension, kind, "kind", STRING,
                 "Kind of the object: HTTPFilter.", .flags = SCHEMA_REQUIRED, .min = 1, .max = 63),
    SCHEMA_FIELD(struct http_route_extension, name, "name", STRING,
                 "Name of the object, in the route's namespace.", .flags = SCHEMA_REQUIRED,
                 .format = &schema_format_name),
    {0},
};

static const struct schema extension_schema = {
    .name = "LocalObjectReference",
    .doc = "An object that is a filter.",
    .size = sizeof(struct http_route_extension),
    .fields = extension_fields,
    .has_line = true,
    .line_offset = offsetof(struct http_route_extension, line),
};

#define HEADER_ROWS                                                                                \
    SCHEMA_FIELD(struct http_route_filter, request_headers, "requestHeaderModifier", OBJECT,       \
                 "Changes to the request's headers.", .object = &header_filter_schema),            \
        SCHEMA_FIELD(struct http_route_filter, response_headers, "responseHeaderModifier", OBJECT, \
                     "Changes to the response's headers.", .object = &header_filter_schema),       \
        SCHEMA_FIELD(struct http_route_filter, mirror, "requestMirror", OBJECT,                    \
                     "Where to send copies.", .object = &http_route_mirror_schema),                \
        SCHEMA_FIELD(struct http_route_filter, extension, "extensionRef", OBJECT,                  \
                     "A filter that is an object of its own.", .object = &extension_schema)

static const struct schema_field filter_fields[] = {
    SCHEMA_FIELD(struct http_route_filter, type, "type", ENUM, "What the filter does.",
                 .flags = SCHEMA_REQUIRED, .choices = types, .fallback = SCHEMA_UNSET),
    HEADER_ROWS,
    SCHEMA_FIELD(struct http_route_filter, redirect, "requestRedirect", OBJECT,
                 "Where to redirect.", .object = &redirect_schema),
    SCHEMA_FIELD(struct http_route_filter, rewrite, "urlRewrite", OBJECT, "What the backend sees.",
                 .object = &rewrite_schema),
    SCHEMA_FIELD(struct http_route_filter, cors, "cors", OBJECT, "Cross-origin requests.",
                 .object = &cors_schema),
    SCHEMA_FIELD(struct http_route_filter, external_auth, "externalAuth", OBJECT, "Who decides.",
                 .object = &http_route_external_auth_schema),
    {0},
};

static const struct schema_field grpc_filter_fields[] = {
    SCHEMA_FIELD(struct http_route_filter, type, "type", ENUM, "What the filter does.",
                 .flags = SCHEMA_REQUIRED, .choices = grpc_types, .fallback = SCHEMA_UNSET),
    HEADER_ROWS,
    {0},
};

static void check_filter(struct schema_run *run, const struct doc *node, void *value)
{
    static const char *const members[] = {
        [HTTP_ROUTE_FILTER_REQUEST_HEADERS] = "requestHeaderModifier",
        [HTTP_ROUTE_FILTER_RESPONSE_HEADERS] = "responseHeaderModifier",
        [HTTP_ROUTE_FILTER_MIRROR] = "requestMirror",
        [HTTP_ROUTE_FILTER_EXTENSION] = "extensionRef",
        [HTTP_ROUTE_FILTER_REDIRECT] = "requestRedirect",
        [HTTP_ROUTE_FILTER_REWRITE] = "urlRewrite",
        [HTTP_ROUTE_FILTER_CORS] = "cors",
        [HTTP_ROUTE_FILTER_EXTERNAL_AUTH] = "externalAuth",
    };
    const struct http_route_filter *f = value;
    if (f->type == SCHEMA_UNSET)
        return;
    for (int i = 0; i < HTTP_ROUTE_FILTER_COUNT; i++) {
        bool given = doc_get(node, slice_from_cstr(members[i])) != NULL;
        if (i == f->type && !given)
            schema_error(run, node, members[i], "is required when type is %s", types[i]);
        if (i != f->type && given)
            schema_error(run, node, members[i], "must be left out when type is %s", types[f->type]);
    }
}

const struct schema http_route_filter_schema = {
    .name = "HTTPRouteFilter",
    .doc = "One step that requests of the rule go through.",
    .size = sizeof(struct http_route_filter),
    .fields = filter_fields,
    .check = check_filter,
};

const struct schema http_route_filter_grpc_schema = {
    .name = "GRPCRouteFilter",
    .doc = "One step that calls of the rule go through.",
    .size = sizeof(struct http_route_filter),
    .fields = grpc_filter_fields,
    .check = check_filter,
};

const struct http_route_filter *http_route_filter_find(const struct schema_list *filters,
                                                       enum http_route_filter_type type)
{
    for (SCHEMA_EACH(*filters, struct http_route_filter, f))
        if (f->type == (int)type)
            return f;
    return NULL;
}

static bool needs_prefix(const struct http_route_filter *f)
{
    const struct path_modifier_spec *path = f->redirect  ? f->redirect->path
                                                  : f->rewrite ? f->rewrite->path
                                                               : NULL;
    return path && path->type == PATH_MODIFIER_PREFIX;
}

void http_route_filter_check_list(struct schema_run *run, const struct doc *node, const char *at,
                                  const struct schema_list *filters, bool has_prefix)
{
    unsigned seen = 0;
    for (size_t i = 0; i < filters->count; i++) {
        const struct http_route_filter *f = SCHEMA_AT(*filters, struct http_route_filter, i);
        char where[80];
        snprintf(where, sizeof where, "%s[%zu]", at, i);
        if (f->type == SCHEMA_UNSET)
            continue;
        bool may_repeat =
            f->type == HTTP_ROUTE_FILTER_MIRROR || f->type == HTTP_ROUTE_FILTER_EXTENSION;
        if (!may_repeat && seen & 1u << f->type)
            schema_error(run, node, where, "a filter of this type is given twice");
        seen |= 1u << f->type;
        if (needs_prefix(f) && !has_prefix)
            schema_error(run, node, where,
                         "replacePrefixMatch needs exactly one match, of type PathPrefix");
    }
    if (seen & 1u << HTTP_ROUTE_FILTER_REDIRECT && seen & 1u << HTTP_ROUTE_FILTER_REWRITE)
        schema_error(run, node, at, "RequestRedirect and URLRewrite exclude each other");
}
