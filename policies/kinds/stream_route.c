/* The tables of rules without matches and filters. Control thread. Must not know which backends
 * exist.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/stream_route.h"

#include "lib/schema/schema_format.h"

static const struct schema_field backend_fields[] = {
    SCHEMA_FIELD(struct route_backend, group, "group", STRING,
                 "Group of the backend; empty for core.", .text = "", .max = 253),
    SCHEMA_FIELD(struct route_backend, kind, "kind", STRING, "Kind of the backend.",
                 .text = "Service", .min = 1, .max = 63),
    SCHEMA_FIELD(struct route_backend, name, "name", STRING, "Name of the backend.",
                 .flags = SCHEMA_REQUIRED, .format = &schema_format_name),
    SCHEMA_FIELD(struct route_backend, namespace_name, "namespace", STRING,
                 "Namespace of the backend; the route's when left out.",
                 .format = &schema_format_label_name),
    SCHEMA_FIELD(struct route_backend, port, "port", INT, "Port of the Service.", .min = 1,
                 .max = 65535),
    SCHEMA_FIELD(struct route_backend, weight, "weight", INT,
                 "Its share of the connections, against the other weights; 0: none.", .min = 0,
                 .max = 1000000, .fallback = 1),
    {0},
};

static const struct schema backend_schema = {
    .name = "BackendRef",
    .doc = "Where connections go.",
    .size = sizeof(struct route_backend),
    .fields = backend_fields,
    .has_line = true,
    .line_offset = offsetof(struct route_backend, line),
    .check = route_backend_check,
};

static const struct schema_field backend_element = {.type = SCHEMA_INLINE,
                                                    .object = &backend_schema};

static const struct schema_field rule_fields[] = {
    SCHEMA_FIELD(struct stream_route_rule, name, "name", STRING, "Name of the rule.",
                 .format = &schema_format_section),
    SCHEMA_FIELD(struct stream_route_rule, backends, "backendRefs", LIST,
                 "Where connections go, by weight.", .flags = SCHEMA_REQUIRED, .min = 1, .max = 16,
                 .element = &backend_element),
    {0},
};

const struct schema stream_route_rule_schema = {
    .name = "StreamRouteRule",
    .doc = "Where connections go.",
    .size = sizeof(struct stream_route_rule),
    .fields = rule_fields,
    .has_line = true,
    .line_offset = offsetof(struct stream_route_rule, line),
};

const struct schema_field stream_route_rule_element = {.type = SCHEMA_INLINE,
                                                       .object = &stream_route_rule_schema};
const struct schema_field stream_route_parent_element = {.type = SCHEMA_INLINE,
                                                         .object = &route_parent_schema};
