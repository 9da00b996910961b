/* From a backendRef to the port of a Service. Control thread. Must not know what the backend is
 * called for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/backend.h"

#include "policies/backend_trust.h"
#include "policies/grants.h"
#include "policies/protocol.h"

enum backend_fault backend_resolve(const struct policy_set *set, const struct object *route,
                                   const struct route_backend *ref, enum backend_use use,
                                   struct backend *out)
{
    struct slice own = route->meta.namespace_name;
    struct slice ns = ref->namespace_name.ptr ? ref->namespace_name : own;
    *out = (struct backend){0};
    if (!route_backend_is_service(ref))
        return BACKEND_UNKNOWN_KIND;
    if (use != BACKEND_OF_MESH &&
        !grants_allow(set, route->kind->name, own, "Service", ns, ref->name))
        return BACKEND_NOT_PERMITTED;
    out->service = (const void *)policy_index_find(set, KIND_SERVICE, ns, ref->name);
    if (!out->service)
        return BACKEND_NO_SERVICE;
    out->port = service_find_port(out->service, ref->port);
    if (!out->port || service_is_external(out->service))
        return BACKEND_NO_PORT;
    if (use == BACKEND_OF_GATEWAY || use == BACKEND_OF_STREAM)
        out->tls = backend_trust_find(set, out->service, out->port);
    bool plain = use == BACKEND_OF_GATEWAY && !out->tls;
    return plain && protocol_is_tls(out->port->app_protocol) ? BACKEND_NEEDS_TLS : BACKEND_OK;
}
