/* The table of Node: metadata and nothing else, since its status changes all the time. Control
 * thread. Must not know what runs on it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/node.h"

static const struct schema_field fields[] = {KIND_FIELDS, {0}};

static const struct schema schema = {
    .name = "Node",
    .size = sizeof(struct node),
    .fields = fields,
    .is_open = true,
};

const struct kind node_kind = {
    .id = KIND_NODE,
    .name = "Node",
    .group = "",
    .versions = {"v1"},
    .is_cluster_scoped = true,
    .schema = &schema,
};
