/* The filters of HTTPRoutes and GRPCRoutes: header modifiers, mirrors, redirect, rewrite, CORS,
 * external authorization.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/route_filters.h"
#include "policies/kinds/http_route_external_auth.h"
#include "policies/kinds/http_route_mirror.h"
#include "lib/schema/schema.h"

enum http_route_filter_type {
    HTTP_ROUTE_FILTER_REQUEST_HEADERS,
    HTTP_ROUTE_FILTER_RESPONSE_HEADERS,
    HTTP_ROUTE_FILTER_MIRROR,    /* may be given several times */
    HTTP_ROUTE_FILTER_EXTENSION, /* may be given several times */
    HTTP_ROUTE_FILTER_GRPC,      /* the ones before are a GRPCRoute's too */
    HTTP_ROUTE_FILTER_REDIRECT = HTTP_ROUTE_FILTER_GRPC,
    HTTP_ROUTE_FILTER_REWRITE,
    HTTP_ROUTE_FILTER_CORS,
    HTTP_ROUTE_FILTER_EXTERNAL_AUTH,
    HTTP_ROUTE_FILTER_COUNT,
};

/* An object of the route's own namespace. */
struct http_route_extension {
    struct slice group, kind, name;
    unsigned line;
};

struct http_route_filter {
    int type; /* enum http_route_filter_type */
    struct header_filter *request_headers, *response_headers;
    struct redirect_spec *redirect;
    struct rewrite_spec *rewrite;
    struct http_route_mirror *mirror;
    struct cors_spec *cors;
    struct http_route_extension *extension;
    struct http_route_external_auth *external_auth;
};

extern const struct schema http_route_filter_schema, http_route_filter_grpc_schema;

/* The filter of that type in a list of them; NULL when there is none. */
const struct http_route_filter *http_route_filter_find(const struct schema_list *filters,
                                                       enum http_route_filter_type type);
/* What a list of filters must not have: the same twice, redirect beside rewrite, a prefix to
 * replace where there is not exactly one. at: the path of the list below node
 * ("backendRefs[1].filters").
 */
void http_route_filter_check_list(struct schema_run *run, const struct doc *node, const char *at,
                                  const struct schema_list *filters, bool has_prefix);
