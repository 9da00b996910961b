/* What all routes have in common, whatever they route: parents, host names, rules and backends.
 * HTTPRoute, GRPCRoute, TLSRoute and TCPRoute are all `struct route`; only their rules differ.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kind.h"

struct route_parent {
    struct slice group, kind, name;
    struct slice namespace_name; /* NULL ptr: the route's */
    struct slice section;        /* empty: all */
    int64_t port;                /* 0: all */
    unsigned line;
};

struct route_backend {
    struct slice group, kind, name;
    struct slice namespace_name; /* NULL ptr: the route's */
    int64_t port;                /* 0: none given */
    int64_t weight;
    struct schema_list filters; /* HTTPRoute: struct http_route_filter; GRPCRoute alike */
    unsigned line;
};

struct route_spec {
    struct schema_list parents;   /* struct route_parent */
    struct schema_list hostnames; /* struct slice */
    struct schema_list rules;     /* struct http_route_rule, tcp_route_rule, …: by kind */
};

struct route {
    struct object object;
    struct route_spec spec;
};

extern const struct schema route_parent_schema;

/* The parent is a Service: the route is for the mesh. */
bool route_parent_is_service(const struct route_parent *p);
bool route_parent_is_gateway(const struct route_parent *p);
bool route_parent_is_listener_set(const struct route_parent *p);
