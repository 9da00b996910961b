/* HTTPRoute (Gateway API): which request goes where.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kind.h"
#include "policies/kinds/http_route_filter.h"
#include "policies/kinds/http_route_match.h"

struct http_route_parent {
    struct slice group, kind, name;
    struct slice namespace_name; /* NULL ptr: the route's */
    struct slice section;        /* empty: all */
    int64_t port;                /* 0: all */
    unsigned line;
};

struct http_route_backend {
    struct slice group, kind, name;
    struct slice namespace_name; /* NULL ptr: the route's */
    int64_t port;                /* 0: none given */
    int64_t weight;
    struct schema_list filters; /* struct http_route_filter */
    unsigned line;
};

struct http_route_timeouts { /* milliseconds; SCHEMA_UNSET: not said; 0: none */
    int64_t request, backend_request;
};

struct http_route_retry {
    struct schema_list codes; /* int64_t */
    int64_t attempts;         /* SCHEMA_UNSET: not said */
    int64_t backoff;          /* milliseconds; SCHEMA_UNSET: not said */
};

struct http_route_rule {
    struct slice name;
    struct schema_list matches;  /* struct http_route_match; none: everything */
    struct schema_list filters;  /* struct http_route_filter */
    struct schema_list backends; /* struct http_route_backend */
    struct http_route_timeouts *timeouts;
    struct http_route_retry *retry;
    unsigned line;
};

struct http_route_spec {
    struct schema_list parents;   /* struct http_route_parent */
    struct schema_list hostnames; /* struct slice */
    struct schema_list rules;     /* struct http_route_rule */
};

struct http_route {
    struct object object;
    struct http_route_spec spec;
};

extern const struct kind http_route_kind;

/* The parent is a Service: the route is for the mesh. */
bool http_route_parent_is_service(const struct http_route_parent *p);
bool http_route_parent_is_gateway(const struct http_route_parent *p);
