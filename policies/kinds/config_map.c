/* The table of ConfigMap. Control thread. Must not know who refers to it, nor whether what is in
 * it is of use: a ConfigMap is anybody's.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/config_map.h"

#include "policies/kinds/selector.h"

static const struct schema_field value_element = {.type = SCHEMA_STRING, .max = 1 << 20};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    SCHEMA_FIELD(struct config_map, data, "data", MAP, "Values.", .element = &value_element),
    {0},
};

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    struct config_map *m = value;
    (void)run;
    (void)node;
    m->ca_pem = selector_label(&m->data, SLICE("ca.crt"));
}

const struct schema config_map_kind_schema = {
    .name = "ConfigMap",
    .size = sizeof(struct config_map),
    .fields = fields,
    .is_open = true,
    .check = check,
};
