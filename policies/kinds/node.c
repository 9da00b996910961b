/* The table of Node: metadata and nothing else, since its status changes all the time. Control
 * thread. Must not know what runs on it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/node.h"

static const struct schema_field fields[] = {KIND_FIELDS, {0}};

const struct schema node_kind_schema = {
    .name = "Node",
    .size = sizeof(struct node),
    .fields = fields,
    .is_open = true,
};
