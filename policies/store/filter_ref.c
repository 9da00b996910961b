/* References between routes and HTTPFilters, both ways. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/store/filter_ref.h"

#include "policies/kinds/gateway.h"
#include "policies/kinds/http_route.h"
#include "policies/kinds/service.h"

enum filter_ref_fault filter_ref_resolve(const struct policy_set *set, const struct object *route,
                                         const struct http_route_extension *ref,
                                         const struct http_filter **out)
{
    if (!slice_eq_cstr(ref->group, KIND_GROUP_WEFT) || !slice_eq_cstr(ref->kind, "HTTPFilter"))
        return FILTER_REF_UNKNOWN_KIND;
    *out = (const void *)policy_index_find(set, KIND_HTTP_FILTER, route->meta.namespace_name,
                                           ref->name);
    if (!*out)
        return FILTER_REF_MISSING;
    return (*out)->object.is_closed ? FILTER_REF_UNREADABLE : FILTER_REF_OK;
}

struct slice filter_ref_explain(struct arena *arena, const struct policy_set *set,
                                const struct object *route, const struct http_route_extension *ref,
                                enum filter_ref_fault fault)
{
    char hint[POLICY_INDEX_HINT_MAX];
    struct slice ns = route->meta.namespace_name;
    if (fault == FILTER_REF_UNKNOWN_KIND)
        return arena_printf(arena, "a filter of kind %.*s in group \"%.*s\" is not known",
                            SLICE_ARG(ref->kind), SLICE_ARG(ref->group));
    if (fault == FILTER_REF_UNREADABLE)
        return arena_printf(arena, "HTTPFilter %.*s/%.*s cannot be read", SLICE_ARG(ns),
                            SLICE_ARG(ref->name));
    return arena_printf(arena, "there is no HTTPFilter %.*s/%.*s%s", SLICE_ARG(ns),
                        SLICE_ARG(ref->name),
                        policy_index_hint(set, KIND_HTTP_FILTER, ns, ref->name, hint));
}

/* ---- targets ---- */

static enum kind_id kind_of(const struct policy_target *t)
{
    static const enum kind_id kinds[] = {KIND_GATEWAY, KIND_HTTP_ROUTE, KIND_GRPC_ROUTE,
                                         KIND_CONSUMER};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (slice_eq_cstr(t->kind, kind_all[kinds[i]]->name))
            return kinds[i];
    return KIND_SERVICE;
}

static bool has_rule(const struct route *route, struct slice name)
{
    for (SCHEMA_EACH(route->spec.rules, struct http_route_rule, rule))
        if (slice_eq(rule->name, name))
            return true;
    return false;
}

static bool has_port(const struct service *s, struct slice name)
{
    for (SCHEMA_EACH(s->spec.ports, struct service_port, port))
        if (slice_eq(port->name, name))
            return true;
    return false;
}

/* NULL: it has the section, or none is asked for. */
static const char *find_missing_section(const struct object *o, struct slice section)
{
    if (!section.len)
        return NULL;
    switch (o->kind->id) {
    case KIND_GATEWAY:
        return gateway_has_listener((const void *)o, section) ? NULL : "listener";
    case KIND_SERVICE:
        return has_port((const void *)o, section) ? NULL : "port";
    default:
        return has_rule((const void *)o, section) ? NULL : "rule";
    }
}

bool filter_ref_target_is_there(const struct policy_set *set, const struct http_filter *filter,
                                const struct policy_target *target, struct arena *arena,
                                struct slice *why)
{
    char hint[POLICY_INDEX_HINT_MAX];
    struct slice ns = filter->object.meta.namespace_name;
    const struct object *o = policy_index_find(set, kind_of(target), ns, target->name);
    const char *section = o ? find_missing_section(o, target->section) : NULL;
    if (o && !section)
        return true;
    *why = o ? arena_printf(arena, "%.*s %.*s/%.*s has no %s %.*s", SLICE_ARG(target->kind),
                            SLICE_ARG(ns), SLICE_ARG(target->name), section,
                            SLICE_ARG(target->section))
             : arena_printf(arena, "there is no %.*s %.*s/%.*s%s", SLICE_ARG(target->kind),
                            SLICE_ARG(ns), SLICE_ARG(target->name),
                            policy_index_hint(set, kind_of(target), ns, target->name, hint));
    return false;
}
