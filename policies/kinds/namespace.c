/* The table of Namespace: metadata and nothing else. Control thread. Must not know what is in
 * it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/namespace.h"

#include "policies/kinds/selector.h"

/* The API server puts its name on every namespace; selectors count on that in a folder, too. */
static void check(struct schema_run *run, const struct doc *node, void *value)
{
    struct metadata *meta = &((struct namespace *)value)->object.meta;
    struct slice key = SLICE("kubernetes.io/metadata.name");
    struct schema_list *labels = &meta->labels;
    (void)node;
    if (selector_label(labels, key).ptr)
        return;
    struct schema_pair *all = arena_alloc(run->arena, (labels->count + 1) * sizeof *all);
    if (labels->count)
        memcpy(all, labels->items, labels->count * sizeof *all);
    all[labels->count] = (struct schema_pair){key, meta->name};
    *labels = (struct schema_list){all, labels->count + 1, true};
}

static const struct schema_field fields[] = {KIND_FIELDS, {0}};

const struct schema namespace_kind_schema = {
    .name = "Namespace",
    .size = sizeof(struct namespace),
    .fields = fields,
    .is_open = true,
    .check = check,
};
