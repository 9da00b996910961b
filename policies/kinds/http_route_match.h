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
/* A header match whose name begins with this (in any case) is about a claim of the token that a
 * RequestAuthentication of the Gateway has found good. Members of objects stand behind dots, and
 * what a header's name cannot have is escaped: "request.auth.claims.realm_access.roles",
 * "request.auth.claims.https%3A%2F%2Fexample%2Ecom%2Frole". */
#define HTTP_ROUTE_CLAIM "request.auth.claims."
bool http_route_match_is_claim(struct slice header);
/* The names of the claim that such a header is about, in the arena; returns how many. 0: one of
 * them is empty, or has an escape that is none. */
size_t http_route_match_claim(struct slice header, struct arena *arena, struct slice **names);
/* Names of headers know no case, those of claims do. */
bool http_route_match_same_header(struct slice a, struct slice b);
/* A path, exact or a prefix, that requests can have once they are decoded and normalised. */
bool http_route_match_is_plain_path(struct slice path);
