/* The table of a route's parentRefs, and what all references to backends need. Control thread.
 * Must not know which parents and backends exist, nor what is routed.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/route.h"

static const struct schema_field parent_fields[] = {
    SCHEMA_FIELD(struct route_parent, group, "group", STRING,
                 "Group of the parent; \"\" for a Service.", .text = KIND_GROUP_GATEWAY,
                 .max = 253),
    SCHEMA_FIELD(struct route_parent, kind, "kind", STRING, "Gateway, or Service for the mesh.",
                 .text = "Gateway", .min = 1, .max = 63),
    SCHEMA_FIELD(struct route_parent, namespace_name, "namespace", STRING,
                 "Namespace of the parent; the route's when left out.",
                 .format = &schema_format_label_name),
    SCHEMA_FIELD(struct route_parent, name, "name", STRING, "Name of the parent.",
                 .flags = SCHEMA_REQUIRED, .format = &schema_format_name),
    SCHEMA_FIELD(struct route_parent, section, "sectionName", STRING,
                 "One listener of the Gateway, or one port of the Service, by name.",
                 .format = &schema_format_section),
    SCHEMA_FIELD(struct route_parent, port, "port", INT,
                 "The listeners of the Gateway, or the port of the Service, with this number.",
                 .min = 1, .max = 65535),
    {0},
};

static void check_parent(struct schema_run *run, const struct doc *node, void *value)
{
    const struct route_parent *p = value;
    bool is_service = slice_eq_cstr(p->kind, "Service");
    if (is_service && slice_eq_cstr(p->group, KIND_GROUP_GATEWAY))
        schema_error(run, node, "group", "must be \"\" for a Service");
}

const struct schema route_parent_schema = {
    .name = "ParentReference",
    .doc = "What the route belongs to.",
    .size = sizeof(struct route_parent),
    .fields = parent_fields,
    .has_line = true,
    .line_offset = offsetof(struct route_parent, line),
    .check = check_parent,
};

bool route_parent_is_service(const struct route_parent *p)
{
    return slice_eq_cstr(p->kind, "Service") &&
           (slice_is_empty(p->group) || slice_eq_cstr(p->group, "core"));
}

bool route_parent_is_gateway(const struct route_parent *p)
{
    return slice_eq_cstr(p->kind, "Gateway") && slice_eq_cstr(p->group, KIND_GROUP_GATEWAY);
}

bool route_parent_is_listener_set(const struct route_parent *p)
{
    return slice_eq_cstr(p->kind, "ListenerSet") && slice_eq_cstr(p->group, KIND_GROUP_GATEWAY);
}

bool route_backend_is_service(const struct route_backend *b)
{
    return slice_is_empty(b->group) && slice_eq_cstr(b->kind, "Service");
}

bool route_backend_is_external(const struct route_backend *b)
{
    return slice_eq_cstr(b->group, KIND_GROUP_WEFT) && slice_eq_cstr(b->kind, "ExternalService");
}

void route_backend_check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct route_backend *b = value;
    bool needs_port = route_backend_is_service(b) || route_backend_is_external(b);
    if (needs_port && !doc_get(node, SLICE("port")))
        schema_error(run, node, "port", "is required for a %.*s", SLICE_ARG(b->kind));
}
