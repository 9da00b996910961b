/* The table of ConfigMap. Control thread. Must not know who refers to it, nor whether what is in
 * it is of use: a ConfigMap is anybody's, and never wrong.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/config_map.h"

static const struct schema_field data_fields[] = {
    SCHEMA_FIELD(struct config_map_data, ca_pem, "ca.crt", STRING,
                 "Certificates of authorities, in PEM.", .max = 1 << 20),
    {0},
};

static const struct schema data_schema = {
    .name = "ConfigMapData",
    .size = sizeof(struct config_map_data),
    .fields = data_fields,
    .is_open = true,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    SCHEMA_FIELD(struct config_map, data, "data", INLINE, "Values.", .object = &data_schema),
    {0},
};

const struct schema config_map_kind_schema = {
    .name = "ConfigMap",
    .size = sizeof(struct config_map),
    .fields = fields,
    .is_open = true,
};
