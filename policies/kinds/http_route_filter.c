/* The tables of an HTTPRoute's filters, and what the standard demands of each. Control thread.
 * Must not know of rules and matches.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/http_route_filter.h"

#include <stdio.h>

#include "lib/schema/schema_format.h"

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
static const char *const replaces[] = {
    [HTTP_ROUTE_REPLACE_FULL] = "ReplaceFullPath",
    [HTTP_ROUTE_REPLACE_PREFIX] = "ReplacePrefixMatch",
    NULL,
};
static const char *const schemes[] = {"http", "https", NULL};

static const struct schema_field header_fields[] = {
    SCHEMA_FIELD(struct http_route_header, name, "name", STRING, "Name of the header.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 256,
                 .format = &schema_format_mutable_header),
    SCHEMA_FIELD(struct http_route_header, value, "value", STRING, "Its value.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 4096,
                 .format = &schema_format_header_value),
    {0},
};

static const struct schema header_schema = {
    .name = "HTTPHeader",
    .doc = "A header.",
    .size = sizeof(struct http_route_header),
    .fields = header_fields,
};

static const struct schema_field header_element = {.type = SCHEMA_INLINE, .object = &header_schema};
static const struct schema_field remove_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 256, .format = &schema_format_mutable_header};

static const struct schema_field header_filter_fields[] = {
    SCHEMA_FIELD(struct http_route_header_filter, set, "set", LIST,
                 "Headers to set, instead of what is there.", .max = 16,
                 .element = &header_element),
    SCHEMA_FIELD(struct http_route_header_filter, add, "add", LIST,
                 "Headers to add to what is there.", .max = 16, .element = &header_element),
    SCHEMA_FIELD(struct http_route_header_filter, remove, "remove", LIST,
                 "Names of headers to remove.", .max = 16, .element = &remove_element),
    {0},
};

struct seen {
    struct slice names[48]; /* 16 of each list */
    size_t count;
};

static void see(struct schema_run *run, const struct doc *node, struct seen *seen,
                struct slice name, const char *list, size_t at)
{
    char where[48];
    snprintf(where, sizeof where, "%s[%zu]", list, at);
    for (size_t i = 0; name.len && i < seen->count; i++) {
        if (slice_eq_nocase(seen->names[i], name)) {
            schema_error(run, node, where, "\"%.*s\" is named twice: one action for each header",
                         SLICE_ARG(name));
            return;
        }
    }
    seen->names[seen->count++] = name;
}

static void check_header_filter(struct schema_run *run, const struct doc *node, void *value)
{
    const struct http_route_header_filter *f = value;
    struct seen seen = {0};
    for (size_t i = 0; i < f->set.count; i++)
        see(run, node, &seen, SCHEMA_AT(f->set, struct http_route_header, i)->name, "set", i);
    for (size_t i = 0; i < f->add.count; i++)
        see(run, node, &seen, SCHEMA_AT(f->add, struct http_route_header, i)->name, "add", i);
    for (size_t i = 0; i < f->remove.count; i++)
        see(run, node, &seen, *SCHEMA_AT(f->remove, struct slice, i), "remove", i);
}

static const struct schema header_filter_schema = {
    .name = "HTTPHeaderFilter",
    .doc = "Changes to headers.",
    .size = sizeof(struct http_route_header_filter),
    .fields = header_filter_fields,
    .check = check_header_filter,
};

static const struct schema_field path_fields[] = {
    SCHEMA_FIELD(struct http_route_path_modifier, type, "type", ENUM, "What is replaced.",
                 .flags = SCHEMA_REQUIRED, .choices = replaces),
    SCHEMA_FIELD(struct http_route_path_modifier, full, "replaceFullPath", STRING,
                 "The whole new path.", .max = 1024, .format = &schema_format_path),
    SCHEMA_FIELD(struct http_route_path_modifier, prefix, "replacePrefixMatch", STRING,
                 "What stands in for the matched prefix; the rest of the path stays.", .max = 1024,
                 .format = &schema_format_path),
    {0},
};

static void check_path(struct schema_run *run, const struct doc *node, void *value)
{
    const struct http_route_path_modifier *p = value;
    const struct doc *full = doc_get(node, SLICE("replaceFullPath"));
    const struct doc *prefix = doc_get(node, SLICE("replacePrefixMatch"));
    bool is_full = p->type == HTTP_ROUTE_REPLACE_FULL;
    if (!doc_get(node, SLICE("type")))
        return;
    if (!(is_full ? full : prefix))
        schema_error(run, node, is_full ? "replaceFullPath" : "replacePrefixMatch",
                     "is required when type is %s", replaces[p->type]);
    if (is_full && full && p->full.ptr && slice_is_empty(p->full))
        schema_error(run, node, "replaceFullPath", "must not be empty");
    if (is_full ? prefix : full)
        schema_error(run, node, is_full ? "replacePrefixMatch" : "replaceFullPath",
                     "must be left out when type is %s", replaces[p->type]);
}

static const struct schema path_schema = {
    .name = "HTTPPathModifier",
    .doc = "Changes a path.",
    .size = sizeof(struct http_route_path_modifier),
    .fields = path_fields,
    .check = check_path,
};

static const struct schema_field redirect_fields[] = {
    SCHEMA_FIELD(struct http_route_redirect, scheme, "scheme", ENUM,
                 "Scheme to go to; the request's when left out.", .choices = schemes,
                 .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct http_route_redirect, hostname, "hostname", STRING,
                 "Host to go to; the request's when left out.",
                 .format = &schema_format_precise_hostname),
    SCHEMA_FIELD(struct http_route_redirect, path, "path", OBJECT,
                 "Path to go to; the request's when left out.", .object = &path_schema),
    SCHEMA_FIELD(struct http_route_redirect, port, "port", INT,
                 "Port to go to; the scheme's or the listener's when left out.", .min = 1,
                 .max = 65535),
    SCHEMA_FIELD(struct http_route_redirect, status, "statusCode", INT,
                 "301, 302, 303, 307 or 308.", .min = 301, .max = 308, .fallback = 302),
    {0},
};

static void check_redirect(struct schema_run *run, const struct doc *node, void *value)
{
    const struct http_route_redirect *r = value;
    if (r->status > 303 && r->status < 307)
        schema_error(run, node, "statusCode", "is %d, must be 301, 302, 303, 307 or 308",
                     (int)r->status);
}

static const struct schema redirect_schema = {
    .name = "HTTPRequestRedirectFilter",
    .doc = "Answers with a redirect.",
    .size = sizeof(struct http_route_redirect),
    .fields = redirect_fields,
    .check = check_redirect,
};

static const struct schema_field rewrite_fields[] = {
    SCHEMA_FIELD(struct http_route_rewrite, hostname, "hostname", STRING,
                 "Host that the backend sees.", .format = &schema_format_precise_hostname),
    SCHEMA_FIELD(struct http_route_rewrite, path, "path", OBJECT, "Path that the backend sees.",
                 .object = &path_schema),
    {0},
};

static const struct schema rewrite_schema = {
    .name = "HTTPURLRewriteFilter",
    .doc = "Changes host or path of the request on its way to the backend.",
    .size = sizeof(struct http_route_rewrite),
    .fields = rewrite_fields,
};

#define HEADER_ROWS                                                                                \
    SCHEMA_FIELD(struct http_route_filter, request_headers, "requestHeaderModifier", OBJECT,       \
                 "Changes to the request's headers.", .object = &header_filter_schema),            \
        SCHEMA_FIELD(struct http_route_filter, response_headers, "responseHeaderModifier", OBJECT, \
                     "Changes to the response's headers.", .object = &header_filter_schema),       \
        SCHEMA_FIELD(struct http_route_filter, mirror, "requestMirror", OBJECT,                    \
                     "Where to send copies.", .object = &http_route_mirror_schema),                \
        SCHEMA_BARE("extensionRef", ANY, "A filter of another kind.")

static const struct schema_field filter_fields[] = {
    SCHEMA_FIELD(struct http_route_filter, type, "type", ENUM, "What the filter does.",
                 .flags = SCHEMA_REQUIRED, .choices = types, .fallback = SCHEMA_UNSET),
    HEADER_ROWS,
    SCHEMA_FIELD(struct http_route_filter, redirect, "requestRedirect", OBJECT,
                 "Where to redirect.", .object = &redirect_schema),
    SCHEMA_FIELD(struct http_route_filter, rewrite, "urlRewrite", OBJECT, "What the backend sees.",
                 .object = &rewrite_schema),
    SCHEMA_FIELD(struct http_route_filter, cors, "cors", OBJECT, "Cross-origin requests.",
                 .object = &http_route_cors_schema),
    SCHEMA_BARE("externalAuth", ANY, "Who decides."),
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
    if (f->type == HTTP_ROUTE_FILTER_EXTENSION || f->type == HTTP_ROUTE_FILTER_EXTERNAL_AUTH) {
        schema_error(run, node, "type", "%s is not supported yet", types[f->type]);
        return;
    }
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
    const struct http_route_path_modifier *path = f->redirect  ? f->redirect->path
                                                  : f->rewrite ? f->rewrite->path
                                                               : NULL;
    return path && path->type == HTTP_ROUTE_REPLACE_PREFIX;
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
        if (f->type != HTTP_ROUTE_FILTER_MIRROR && seen & 1u << f->type)
            schema_error(run, node, where, "a filter of this type is given twice");
        seen |= 1u << f->type;
        if (needs_prefix(f) && !has_prefix)
            schema_error(run, node, where,
                         "replacePrefixMatch needs exactly one match, of type PathPrefix");
    }
    if (seen & 1u << HTTP_ROUTE_FILTER_REDIRECT && seen & 1u << HTTP_ROUTE_FILTER_REWRITE)
        schema_error(run, node, at, "RequestRedirect and URLRewrite exclude each other");
}
