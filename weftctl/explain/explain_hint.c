/* A destination that is none of the mesh, and what may have been meant: most often a name was
 * mistyped, or the port is another. Main thread. Must not know how requests are routed.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/similar.h"
#include "policies/kinds/service.h"
#include "policies/store/policy_addresses.h"
#include "policies/store/policy_index.h"
#include "weftctl/explain/explain.h"

#define PASSED_ON "the connection is passed on as it is"

static struct slice list_ports(struct explain *e, const struct service *s)
{
    struct slice text = SLICE("");
    for (SCHEMA_EACH(s->spec.ports, struct service_port, p))
        text = arena_printf(&e->arena, "%.*s%s%lld", SLICE_ARG(text), text.len ? ", " : "",
                            (long long)p->port);
    return text;
}

static struct slice other_port(struct explain *e, const struct service *s)
{
    const struct metadata *meta = &s->object.meta;
    if (service_find_port(s, e->asked.port))
        return arena_printf(&e->arena,
                            "Service %.*s/%.*s is not one that the mesh routes to: " PASSED_ON,
                            SLICE_ARG(meta->namespace_name), SLICE_ARG(meta->name));
    if (!s->spec.ports.count)
        return arena_printf(&e->arena, "Service %.*s/%.*s has no ports: " PASSED_ON,
                            SLICE_ARG(meta->namespace_name), SLICE_ARG(meta->name));
    return arena_printf(&e->arena, "Service %.*s/%.*s has port %.*s, not %u: " PASSED_ON,
                        SLICE_ARG(meta->namespace_name), SLICE_ARG(meta->name),
                        SLICE_ARG(list_ports(e, s)), e->asked.port);
}

/* Of the names in that namespace the nearest; else the namespace that has the very name. */
static struct slice no_service(struct explain *e, struct slice name, struct slice ns)
{
    const struct object_list *all = &e->set->all[KIND_SERVICE];
    struct similar near = similar_to(name);
    struct slice elsewhere = {NULL, 0};
    for (size_t i = 0; i < all->count; i++) {
        const struct metadata *meta = &all->items[i]->meta;
        if (slice_eq(meta->namespace_name, ns))
            similar_try(&near, meta->name);
        else if (slice_eq(meta->name, name))
            elsewhere = meta->namespace_name;
    }
    struct slice none =
        arena_printf(&e->arena, "there is no Service %.*s in namespace %.*s", SLICE_ARG(name),
                     SLICE_ARG(ns));
    if (near.best.ptr)
        return arena_printf(&e->arena, "%.*s; did you mean %.*s? As it is, " PASSED_ON,
                            SLICE_ARG(none), SLICE_ARG(near.best));
    if (elsewhere.ptr)
        return arena_printf(&e->arena, "%.*s; did you mean %.*s.%.*s? As it is, " PASSED_ON,
                            SLICE_ARG(none), SLICE_ARG(name), SLICE_ARG(elsewhere));
    return arena_printf(&e->arena, "%.*s: " PASSED_ON, SLICE_ARG(none));
}

static bool is_namespace(const struct explain *e, struct slice name)
{
    const struct object_list *all = &e->set->all[KIND_SERVICE];
    for (size_t i = 0; i < all->count; i++)
        if (slice_eq(all->items[i]->meta.namespace_name, name))
            return true;
    return false;
}

struct slice explain_hint(struct explain *e)
{
    struct addr address;
    struct slice rest = e->asked.host, name, ns = e->from.workload.namespace_name, svc = {NULL, 0};
    const struct service *s = policy_addresses_service(e->set, rest);
    if (s)
        return other_port(e, s);
    if (addr_parse(rest, &address) == ERR_OK)
        return SLICE("no Service or pod of the mesh is there: " PASSED_ON);
    bool is_short = slice_find_byte(rest, '.') == rest.len;
    (void)slice_split(&rest, '.', &name);
    if (!is_short)
        (void)slice_split(&rest, '.', &ns);
    bool is_long = rest.len && slice_split(&rest, '.', &svc);
    s = (const void *)policy_index_find(e->set, KIND_SERVICE, ns, name);
    if (s)
        return other_port(e, s);
    if (is_short || slice_eq(svc, SLICE("svc")) || (!is_long && is_namespace(e, ns)))
        return no_service(e, name, ns);
    return arena_printf(&e->arena, "%.*s is no Service of the mesh: " PASSED_ON,
                        SLICE_ARG(e->asked.host));
}
