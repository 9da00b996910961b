/* What all routes have in common, whatever they route: parents, host names, rules and backends.
 * HTTPRoute, GRPCRoute, TLSRoute and TCPRoute are all `struct route`; only their rules differ.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"
#include "lib/schema/schema_format.h"

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

/* Rows for tables: what a reference to a backend says, and its share of the traffic. */
#define ROUTE_BACKEND_FIELDS                                                                    \
    SCHEMA_FIELD(struct route_backend, group, "group", STRING,                                  \
                 "Group of the backend; empty for core.", .text = "", .max = 253),              \
        SCHEMA_FIELD(struct route_backend, kind, "kind", STRING, "Kind of the backend.",        \
                     .text = "Service", .min = 1, .max = 63),                                   \
        SCHEMA_FIELD(struct route_backend, name, "name", STRING, "Name of the backend.",        \
                     .flags = SCHEMA_REQUIRED, .format = &schema_format_name),                  \
        SCHEMA_FIELD(struct route_backend, namespace_name, "namespace", STRING,                 \
                     "Namespace of the backend; the route's when left out.",                    \
                     .format = &schema_format_label_name),                                      \
        SCHEMA_FIELD(struct route_backend, port, "port", INT, "Port of the Service.", .min = 1, \
                     .max = 65535)
#define ROUTE_WEIGHT_FIELD                                                                  \
    SCHEMA_FIELD(struct route_backend, weight, "weight", INT,                               \
                 "Its share of the traffic, against the other weights; 0: none.", .min = 0, \
                 .max = 1000000, .fallback = 1)
/* A Service or ExternalService needs a port. For the check of such a table. */
void route_backend_check(struct schema_run *run, const struct doc *node, void *value);

/* The parent is a Service: the route is for the mesh. */
bool route_parent_is_service(const struct route_parent *p);
bool route_parent_is_gateway(const struct route_parent *p);
bool route_parent_is_listener_set(const struct route_parent *p);
bool route_backend_is_service(const struct route_backend *b);
bool route_backend_is_external(const struct route_backend *b); /* an ExternalService */
