/* The table of ListenerSet: listeners, and the Gateway that they are for. Control thread. Must not
 * know whether that Gateway exists and wants them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/listener_set.h"

#include "lib/schema/schema_format.h"

static const struct schema_field parent_fields[] = {
    SCHEMA_FIELD(struct listener_set_parent, group, "group", STRING, "Group of the parent.",
                 .text = KIND_GROUP_GATEWAY, .max = 253),
    SCHEMA_FIELD(struct listener_set_parent, kind, "kind", STRING, "Kind of the parent.",
                 .text = "Gateway", .min = 1, .max = 63),
    SCHEMA_FIELD(struct listener_set_parent, namespace_name, "namespace", STRING,
                 "Namespace of the Gateway; the ListenerSet's when left out.",
                 .format = &schema_format_label_name),
    SCHEMA_FIELD(struct listener_set_parent, name, "name", STRING, "Name of the Gateway.",
                 .flags = SCHEMA_REQUIRED, .max = 253, .format = &schema_format_name),
    {0},
};

static const struct schema parent_schema = {
    .name = "ParentGatewayReference",
    .doc = "The Gateway that the listeners are for.",
    .size = sizeof(struct listener_set_parent),
    .fields = parent_fields,
    .has_line = true,
    .line_offset = offsetof(struct listener_set_parent, line),
};

static const struct schema_field listener_element = {.type = SCHEMA_INLINE,
                                                     .object = &gateway_listener_schema};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct listener_set_spec, parent, "parentRef", INLINE,
                 "The Gateway that the listeners are for.", .flags = SCHEMA_REQUIRED,
                 .object = &parent_schema),
    SCHEMA_FIELD(struct listener_set_spec, listeners, "listeners", LIST,
                 "Where else the Gateway accepts traffic.", .flags = SCHEMA_REQUIRED, .min = 1,
                 .max = 64, .element = &listener_element),
    {0},
};

static void check_spec(struct schema_run *run, const struct doc *node, void *value)
{
    const struct listener_set_spec *spec = value;
    gateway_listener_check_all(run, node, &spec->listeners);
}

static const struct schema spec_schema = {
    .name = "ListenerSetSpec",
    .doc = "Listeners, and the Gateway that they are for.",
    .size = sizeof(struct listener_set_spec),
    .fields = spec_fields,
    .check = check_spec,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct listener_set, spec, "spec", INLINE,
                 "Listeners, and the Gateway that they are for.", .flags = SCHEMA_REQUIRED,
                 .object = &spec_schema),
    {0},
};

const struct schema listener_set_kind_schema = {
    .name = "ListenerSet",
    .doc = "Further listeners of a Gateway.",
    .size = sizeof(struct listener_set),
    .fields = fields,
};

bool listener_set_parent_is_gateway(const struct listener_set_parent *p)
{
    return slice_eq_cstr(p->kind, "Gateway") && slice_eq_cstr(p->group, KIND_GROUP_GATEWAY);
}

struct slice listener_set_parent_namespace(const struct listener_set *s)
{
    const struct listener_set_parent *p = &s->spec.parent;
    return p->namespace_name.ptr ? p->namespace_name : s->object.meta.namespace_name;
}
