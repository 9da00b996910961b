/* The table of Namespace: metadata and nothing else. Control thread. Must not know what is in
 * it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/namespace.h"

static const struct schema_field fields[] = {KIND_FIELDS, {0}};

static const struct schema schema = {
    .name = "Namespace",
    .size = sizeof(struct namespace),
    .fields = fields,
    .is_open = true,
};

const struct kind namespace_kind = {
    .id = KIND_NAMESPACE,
    .name = "Namespace",
    .group = "",
    .versions = {"v1"},
    .is_cluster_scoped = true,
    .schema = &schema,
};
