/* The one list of filters: a new one is added here and nowhere else.
 * Immutable; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/registry.h"

#include "sidecar/filters/authz.h"
#include "sidecar/filters/cors.h"
#include "sidecar/filters/header_mutation.h"
#include "sidecar/filters/redirect.h"
#include "sidecar/filters/rewrite.h"

const struct filter_ops *const registry_filters[] = {
    &authz_ops, &cors_ops, &header_mutation_ops, &redirect_ops, &rewrite_ops,
};
const size_t registry_count = sizeof(registry_filters) / sizeof(registry_filters[0]);

const struct filter_ops *registry_find(struct slice name)
{
    for (size_t i = 0; i < registry_count; i++) {
        if (slice_eq_cstr(name, registry_filters[i]->name))
            return registry_filters[i];
    }
    return NULL;
}
