/* From a backendRef to the port of a Service. Control thread. Must not know what the backend is
 * called for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/backend.h"

#include "policies/compile/backend_trust.h"
#include "policies/store/grants.h"
#include "policies/store/policy_index.h"
#include "policies/compile/protocol.h"

static const struct kind *kind_of(const struct route_backend *ref)
{
    return kind_all[route_backend_is_external(ref) ? KIND_EXTERNAL_SERVICE : KIND_SERVICE];
}

/* What a route sends to: the number alone does not say which port it is. */
static int protocol_of(const struct object *route)
{
    return route->kind->id == KIND_UDP_ROUTE ? SERVICE_UDP : SERVICE_TCP;
}

enum backend_fault backend_resolve(const struct policy_set *set, const struct object *route,
                                   const struct route_backend *ref, enum backend_use use,
                                   struct backend *out)
{
    struct slice own = route->meta.namespace_name;
    struct slice ns = ref->namespace_name.ptr ? ref->namespace_name : own;
    *out = (struct backend){0};
    if (!route_backend_is_service(ref) && !route_backend_is_external(ref))
        return BACKEND_UNKNOWN_KIND;
    const struct kind *kind = kind_of(ref);
    if (use != BACKEND_OF_MESH &&
        !grants_allow(set, route->kind->name, own, kind->name, ns, ref->name))
        return BACKEND_NOT_PERMITTED;
    out->service = (const void *)policy_index_find(set, kind->id, ns, ref->name);
    if (!out->service)
        return BACKEND_NO_SERVICE;
    out->port = service_find_port_of(out->service, protocol_of(route), ref->port);
    if (!out->port || service_is_external(out->service))
        return BACKEND_NO_PORT;
    if (external_service_is(out->service))
        return BACKEND_OK; /* it says itself whether it speaks TLS */
    if (use == BACKEND_OF_GATEWAY || use == BACKEND_OF_STREAM)
        out->tls = backend_trust_find(set, out->service, out->port);
    bool plain = use == BACKEND_OF_GATEWAY && !out->tls;
    return plain && protocol_is_tls(out->port->app_protocol) ? BACKEND_NEEDS_TLS : BACKEND_OK;
}

enum finding backend_finding(enum backend_fault fault)
{
    switch (fault) {
    case BACKEND_OK:
        break;
    case BACKEND_UNKNOWN_KIND:
        return FINDING_BACKEND_KIND;
    case BACKEND_NOT_PERMITTED:
        return FINDING_GRANT_MISSING;
    case BACKEND_NO_SERVICE:
        return FINDING_BACKEND_MISSING;
    case BACKEND_NO_PORT:
        return FINDING_BACKEND_PORT;
    case BACKEND_NEEDS_TLS:
        return FINDING_BACKEND_TRUST;
    }
    return FINDING_NONE;
}

/* " (it has 80, 9090)"; empty: none. */
static struct slice list_ports(struct arena *arena, const struct service *s, int protocol)
{
    struct slice list = SLICE("");
    for (SCHEMA_EACH(s->spec.ports, struct service_port, p))
        if (p->protocol == protocol)
            list = arena_printf(arena, "%.*s%s%d", SLICE_ARG(list), list.len ? ", " : "",
                                (int)p->port);
    if (!list.len || service_is_external(s))
        return SLICE("");
    return arena_printf(arena, " (it has %.*s)", SLICE_ARG(list));
}

struct slice backend_explain(struct arena *arena, const struct policy_set *set,
                             const struct object *route, const struct route_backend *ref,
                             enum backend_fault fault)
{
    struct slice own = route->meta.namespace_name;
    struct slice ns = ref->namespace_name.ptr ? ref->namespace_name : own;
    struct slice ports = SLICE("");
    const struct kind *kind = kind_of(ref);
    char hint[POLICY_INDEX_HINT_MAX];
    switch (fault) {
    case BACKEND_OK:
        break;
    case BACKEND_UNKNOWN_KIND:
        return arena_printf(arena, "a backend of kind %.*s is not known", SLICE_ARG(ref->kind));
    case BACKEND_NOT_PERMITTED:
        return arena_printf(arena, "no ReferenceGrant in %.*s lets a %s of %.*s refer to %.*s",
                            SLICE_ARG(ns), route->kind->name, SLICE_ARG(own),
                            SLICE_ARG(ref->name));
    case BACKEND_NO_SERVICE:
        return arena_printf(arena, "there is no %s %.*s/%.*s%s", kind->name, SLICE_ARG(ns),
                            SLICE_ARG(ref->name),
                            policy_index_hint(set, kind->id, ns, ref->name, hint));
    case BACKEND_NO_PORT: {
        const struct object *s = policy_index_find(set, kind->id, ns, ref->name);
        if (s)
            ports = list_ports(arena, (const struct service *)(const void *)s, protocol_of(route));
        return arena_printf(arena, "%s %.*s/%.*s has no %s port %d%s%.*s", kind->name,
                            SLICE_ARG(ns), SLICE_ARG(ref->name),
                            service_protocols[protocol_of(route)], (int)ref->port,
                            kind->id == KIND_SERVICE ? " in the cluster" : "", SLICE_ARG(ports));
    }
    case BACKEND_NEEDS_TLS:
        return arena_printf(arena,
                            "Service %.*s/%.*s speaks TLS on port %d, and no BackendTLSPolicy says "
                            "whom to trust",
                            SLICE_ARG(ns), SLICE_ARG(ref->name), (int)ref->port);
    }
    return SLICE("");
}
