/* What HTTPRoutes and GRPCRoutes themselves say of filters: the specifications that their kinds
 * nest (policies/kinds/http_route_filter.c), in the words of the Gateway API. Each is described by
 * the file of its filter. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/shape/path_modifier.h"

/* ---- RequestHeaderModifier, ResponseHeaderModifier ---- */

struct header_filter_value {
    struct slice name, value;
};

struct header_filter {
    struct schema_list set, add; /* struct header_filter_value */
    struct schema_list remove;   /* struct slice */
};

/* Both together are one filter: NULL is nothing to change. */
struct header_mutation_spec {
    const struct header_filter *request, *response;
};

/* ---- RequestRedirect, URLRewrite ---- */

struct redirect_spec {
    int scheme; /* SCHEMA_UNSET, or index into {"http", "https"} */
    struct slice hostname;
    const struct path_modifier_spec *path; /* NULL: the request's */
    int64_t port;                          /* 0: none given */
    int64_t status;
};

struct rewrite_spec {
    struct slice hostname;
    const struct path_modifier_spec *path;
};

/* ---- CORS ---- */

struct cors_spec {
    struct schema_list origins; /* struct slice: "https://a.b", "*" or wildcard hosts */
    struct schema_list methods, headers, expose; /* struct slice */
    bool credentials;
    int64_t max_age; /* seconds */
};

extern const struct schema header_filter_schema, redirect_schema, rewrite_schema, cors_schema;

extern const struct filter filter_header_mutation; /* struct header_mutation_spec */
extern const struct filter filter_redirect;        /* struct redirect_spec */
extern const struct filter filter_rewrite;         /* struct rewrite_spec */
extern const struct filter filter_cors;            /* struct cors_spec */
