/* The table of ReferenceGrant. Control thread.
 * Must not know which references exist.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/reference_grant.h"

#include "lib/schema/schema_format.h"

static const struct schema_field from_fields[] = {
    SCHEMA_FIELD(struct reference_grant_from, group, "group", STRING,
                 "Group of the objects that refer.",
                 .flags = SCHEMA_REQUIRED, .max = 253),
    SCHEMA_FIELD(struct reference_grant_from, kind, "kind", STRING,
                 "Kind of the objects that refer.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 63),
    SCHEMA_FIELD(struct reference_grant_from, namespace_name, "namespace", STRING,
                 "Namespace of the objects that refer.", .flags = SCHEMA_REQUIRED,
                 .format = &schema_format_label_name),
    {0},
};

static const struct schema_field to_fields[] = {
    SCHEMA_FIELD(struct reference_grant_to, group, "group", STRING,
                 "Group of what is referred to; empty for core.", .flags = SCHEMA_REQUIRED,
                 .max = 253),
    SCHEMA_FIELD(struct reference_grant_to, kind, "kind", STRING, "Kind of what is referred to.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 63),
    SCHEMA_FIELD(struct reference_grant_to, name, "name", STRING,
                 "Name of what is referred to; without it, all of the kind.",
                 .format = &schema_format_name),
    {0},
};

static const struct schema from_schema = {
    .name = "ReferenceGrantFrom",
    .doc = "Who may refer.",
    .size = sizeof(struct reference_grant_from),
    .fields = from_fields,
};

static const struct schema to_schema = {
    .name = "ReferenceGrantTo",
    .doc = "What may be referred to.",
    .size = sizeof(struct reference_grant_to),
    .fields = to_fields,
};

static const struct schema_field from_element = {.type = SCHEMA_INLINE, .object = &from_schema};
static const struct schema_field to_element = {.type = SCHEMA_INLINE, .object = &to_schema};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct reference_grant_spec, from, "from", LIST, "Who may refer.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 16, .element = &from_element),
    SCHEMA_FIELD(struct reference_grant_spec, to, "to", LIST,
                 "What in this namespace may be referred to.", .flags = SCHEMA_REQUIRED, .min = 1,
                 .max = 16, .element = &to_element),
    {0},
};

static const struct schema spec_schema = {
    .name = "ReferenceGrantSpec",
    .doc = "Who may refer to what.",
    .size = sizeof(struct reference_grant_spec),
    .fields = spec_fields,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    SCHEMA_FIELD(struct reference_grant, spec, "spec", INLINE, "Who may refer to what.",
                 .flags = SCHEMA_REQUIRED, .object = &spec_schema),
    {0},
};

const struct schema reference_grant_kind_schema = {
    .name = "ReferenceGrant",
    .doc = "Lets objects of other namespaces refer to objects of this one.",
    .size = sizeof(struct reference_grant),
    .fields = fields,
};
