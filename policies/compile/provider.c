/* Providers. SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/provider.h"

#include "policies/compile/material.h"

const struct http_filter *provider_resolve(const struct policy_set *set,
                                           const struct authorization_policy *policy,
                                           struct arena *arena, const struct ext_auth_spec **spec,
                                           struct slice *why)
{
    char hint[POLICY_INDEX_HINT_MAX];
    struct slice ns = policy->object.meta.namespace_name, name = policy->spec.provider->name;
    const struct http_filter *o = (const void *)policy_index_find(set, KIND_HTTP_FILTER, ns, name);
    const void *found;
    if (!o)
        *why = arena_printf(arena, "there is no HTTPFilter %.*s/%.*s%s", SLICE_ARG(ns),
                            SLICE_ARG(name),
                            policy_index_hint(set, KIND_HTTP_FILTER, ns, name, hint));
    else if (o->object.is_closed)
        *why = arena_printf(arena, "%.*s cannot be read", SLICE_ARG(o->object.text));
    else if (http_filter_chosen(o, &found) != &filter_ext_auth)
        *why = arena_printf(arena, "%.*s is not an extAuth", SLICE_ARG(o->object.text));
    else if (!material_check(set, &o->object, &ext_auth_schema, found, arena, why)) {
        *spec = found;
        return o;
    }
    return NULL;
}
