/* A backendRef and the cluster that it means; what is wrong with it is noted. Control thread.
 * Must not know of shares and filters.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile_priv.h"

/* What is wrong with it, for people. */
static const char *explain(struct compile *c, const struct object *route,
                           const struct route_backend *ref, enum backend_fault fault)
{
    struct slice own = route->meta.namespace_name;
    struct slice ns = ref->namespace_name.ptr ? ref->namespace_name : own;
    switch (fault) {
    case BACKEND_OK:
        break;
    case BACKEND_UNKNOWN_KIND:
        return compile_build_format(c, "a backend of kind %.*s is not known", SLICE_ARG(ref->kind));
    case BACKEND_NOT_PERMITTED:
        return compile_build_format(c, "no ReferenceGrant in %.*s allows this", SLICE_ARG(ns));
    case BACKEND_NO_SERVICE:
        return compile_build_format(c, "there is no Service %.*s/%.*s", SLICE_ARG(ns),
                                    SLICE_ARG(ref->name));
    case BACKEND_NO_PORT:
        return compile_build_format(c, "Service %.*s/%.*s has no TCP port %d in the cluster",
                                    SLICE_ARG(ns), SLICE_ARG(ref->name), (int)ref->port);
    case BACKEND_NEEDS_TLS:
        return compile_build_format(c,
                                    "Service %.*s/%.*s speaks TLS on port %d, and no "
                                    "BackendTLSPolicy says whom to trust",
                                    SLICE_ARG(ns), SLICE_ARG(ref->name), (int)ref->port);
    }
    return "";
}

char *compile_backends_need(struct compile *c, const struct object *route,
                            const struct route_backend *ref, enum backend_use use, const char *path,
                            const char *comes, struct backend *out)
{
    enum backend_fault fault = backend_resolve(c->set, route, ref, use, out);
    if (fault == BACKEND_OK) {
        char *name = compile_clusters_need(c, out->service, out->port, out->tls);
        if (!name)
            compile_build_note(c, route, ref->line, path, FINDING_BACKEND_TRUST,
                               "its BackendTLSPolicy %.*s cannot be used: %s",
                               SLICE_ARG(out->tls->object.meta.name), comes);
        return name;
    }
    compile_build_note(c, route, ref->line, path, backend_finding(fault), "%s: %s",
                       explain(c, route, ref, fault), comes);
    return NULL;
}
