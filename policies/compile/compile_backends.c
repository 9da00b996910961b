/* A backendRef and the cluster that it means; what is wrong with it is noted. Control thread.
 * Must not know of shares and filters.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_priv.h"

char *compile_backends_need(struct compile *c, const struct object *route,
                            const struct route_backend *ref, enum backend_use use, const char *path,
                            const char *comes, struct backend *out)
{
    enum backend_fault fault = backend_resolve(c->set, route, ref, use, out);
    if (fault == BACKEND_OK) {
        char *name = compile_clusters_need(c, out->service, out->port, out->tls);
        if (!name)
            compile_build_note(c, route, ref->line, path, FINDING_BACKEND_TRUST,
                               "its %.*s cannot be used: %s",
                               SLICE_ARG(out->tls ? out->tls->object.text
                                                  : out->service->object.text),
                               comes);
        return name;
    }
    compile_build_note(c, route, ref->line, path, backend_finding(fault), "%.*s: %s",
                       SLICE_ARG(backend_explain(c->arena, c->set, route, ref, fault)), comes);
    return NULL;
}
