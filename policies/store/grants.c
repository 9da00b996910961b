/* ReferenceGrants: may an object of one namespace refer to one of another? Control thread. Must
 * not know what the reference is for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/store/grants.h"

#include "policies/kinds/reference_grant.h"

static bool allows_from(const struct reference_grant *g, const char *group, const char *kind,
                        struct slice from)
{
    for (SCHEMA_EACH(g->spec.from, struct reference_grant_from, f))
        if (slice_eq_cstr(f->group, group) && slice_eq_cstr(f->kind, kind) &&
            slice_eq(f->namespace_name, from))
            return true;
    return false;
}

/* Of what can be referred to. */
static const char *group_of(const char *kind)
{
    return strcmp(kind, "ExternalService") == 0 ? KIND_GROUP_WEFT : KIND_GROUP_CORE;
}

static bool allows_to(const struct reference_grant *g, const char *kind, struct slice name)
{
    for (SCHEMA_EACH(g->spec.to, struct reference_grant_to, t))
        if (slice_eq_cstr(t->group, group_of(kind)) && slice_eq_cstr(t->kind, kind) &&
            (slice_is_empty(t->name) || slice_eq(t->name, name)))
            return true;
    return false;
}

static bool allow(const struct policy_set *set, const char *group, const char *kind,
                  struct slice from, const char *to_kind, struct slice to_namespace,
                  struct slice to_name)
{
    if (slice_eq(from, to_namespace))
        return true;
    const struct object_list *grants =
        policy_index_group(set, POLICY_GROUP_GRANTS, to_namespace, SLICE(""));
    for (size_t i = 0; i < grants->count; i++) {
        const struct reference_grant *g = POLICY_AT(grants, struct reference_grant, i);
        if (allows_from(g, group, kind, from) && allows_to(g, to_kind, to_name))
            return true;
    }
    return false;
}

bool grants_allow(const struct policy_set *set, const char *kind, struct slice from,
                  const char *to_kind, struct slice to_namespace, struct slice to_name)
{
    return allow(set, KIND_GROUP_GATEWAY, kind, from, to_kind, to_namespace, to_name);
}

bool grants_allow_object(const struct policy_set *set, const struct object *from,
                         const char *to_kind, struct slice to_namespace, struct slice to_name)
{
    return allow(set, from->kind->group, from->kind->name, from->meta.namespace_name, to_kind,
                 to_namespace, to_name);
}
