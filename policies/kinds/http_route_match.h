/* What requests an HTTPRoute's rule is for; calls of a GRPCRoute's are brought into the same form.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

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
    size_t grpc_service_len, grpc_method_len; /* GRPCRoute: how narrow it is */
};

extern const struct schema http_route_match_schema;
/* Of one struct http_route_value_match. */
extern const struct schema http_route_match_header_schema;
extern const char *const http_route_match_methods[]; /* NULL-terminated */

/* For checks: the text at `sub` must be a regular expression. */
void http_route_match_check_regex(struct schema_run *run, const struct doc *node, const char *sub,
                                  struct slice pattern);
/* A path, exact or a prefix, that requests can have once they are decoded and normalised. */
bool http_route_match_is_plain_path(struct slice path);
