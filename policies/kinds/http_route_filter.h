/* The filters of an HTTPRoute: header modifiers, redirect, rewrite.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/schema.h"

enum http_route_filter_type {
    HTTP_ROUTE_FILTER_REQUEST_HEADERS,
    HTTP_ROUTE_FILTER_RESPONSE_HEADERS,
    HTTP_ROUTE_FILTER_REDIRECT,
    HTTP_ROUTE_FILTER_REWRITE,
    HTTP_ROUTE_FILTER_KNOWN, /* the ones behind are known, and refused */
};

struct http_route_header {
    struct slice name, value;
};

struct http_route_header_filter {
    struct schema_list set, add; /* struct http_route_header */
    struct schema_list remove;   /* struct slice */
};

enum http_route_replace { HTTP_ROUTE_REPLACE_FULL, HTTP_ROUTE_REPLACE_PREFIX };

struct http_route_path_modifier {
    int type;                  /* enum http_route_replace */
    struct slice full, prefix; /* the one of the type has a ptr */
};

struct http_route_redirect {
    int scheme; /* SCHEMA_UNSET, or index into {"http", "https"} */
    struct slice hostname;
    struct http_route_path_modifier *path;
    int64_t port; /* 0: none given */
    int64_t status;
};

struct http_route_rewrite {
    struct slice hostname;
    struct http_route_path_modifier *path;
};

struct http_route_filter {
    int type; /* enum http_route_filter_type */
    struct http_route_header_filter *request_headers, *response_headers;
    struct http_route_redirect *redirect;
    struct http_route_rewrite *rewrite;
};

extern const struct schema http_route_filter_schema;

/* The filter of that type in a list of them; NULL when there is none. */
const struct http_route_filter *http_route_filter_find(const struct schema_list *filters,
                                                       enum http_route_filter_type type);
/* It replaces the prefix that the rule's match names. */
bool http_route_filter_needs_prefix(const struct http_route_filter *f);
