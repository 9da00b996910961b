/* What requests an HTTPRoute's rule is for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/schema.h"

enum http_route_path { HTTP_ROUTE_EXACT, HTTP_ROUTE_PREFIX, HTTP_ROUTE_REGEX };
enum http_route_value { HTTP_ROUTE_VALUE_EXACT, HTTP_ROUTE_VALUE_REGEX };

struct http_route_path_match {
    int type; /* enum http_route_path */
    struct slice value;
};

struct http_route_value_match { /* of a header or query parameter */
    int type;                   /* enum http_route_value */
    struct slice name, value;
};

struct http_route_match {
    struct http_route_path_match path;
    struct schema_list headers, query; /* struct http_route_value_match */
    int method;                        /* index into http_route_match_methods; SCHEMA_UNSET: any */
};

extern const struct schema http_route_match_schema;
extern const char *const http_route_match_methods[]; /* NULL-terminated */
