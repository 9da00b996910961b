/* The filters of a rule, or of one of its backends, in messages. Control thread. Must not know
 * which requests they are for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/ext_auth.h"
#include "policies/compile/compile_priv.h"

/* Whoever names it does so by what it is: equal filters of all routes are one resource. */
static void push(struct compile *c, const struct filter *f, const void *spec, char ***names,
                 size_t *count)
{
    *names = compile_build_grow(c, *names, *count, sizeof **names);
    (*names)[(*count)++] = compile_chain_filter(c, f, spec, (struct slice){0});
}

/* Headers both ways are one filter. */
static void add_chain(struct compile *c, const struct schema_list *filters, char ***names,
                      size_t *count)
{
    struct header_mutation_spec headers = {0};
    for (SCHEMA_EACH(*filters, struct http_route_filter, f)) {
        if (f->type == HTTP_ROUTE_FILTER_REQUEST_HEADERS)
            headers.request = f->request_headers;
        else if (f->type == HTTP_ROUTE_FILTER_RESPONSE_HEADERS)
            headers.response = f->response_headers;
        else if (f->type == HTTP_ROUTE_FILTER_REDIRECT)
            push(c, &filter_redirect, f->redirect, names, count);
        else if (f->type == HTTP_ROUTE_FILTER_REWRITE)
            push(c, &filter_rewrite, f->rewrite, names, count);
        else if (f->type == HTTP_ROUTE_FILTER_CORS)
            push(c, &filter_cors, f->cors, names, count);
    }
    if (headers.request || headers.response)
        push(c, &filter_header_mutation, &headers, names, count);
}

/* ---- external authorization ---- */

/* Gateway API has no field for the time; the route's own limits hold as well. */
enum { EXTERNAL_AUTH_TIMEOUT_MS = 5000 };

static struct ext_auth_spec spec_of(const struct http_route_external_auth *from,
                                    const struct schema_ref *backend,
                                    struct ext_auth_body_spec *body)
{
    struct ext_auth_spec spec = {.protocol = from->protocol,
                                 .backend = backend,
                                 .timeout_ms = EXTERNAL_AUTH_TIMEOUT_MS,
                                 .status_on_error = 403};
    if (from->grpc)
        spec.allowed_headers = from->grpc->allowed_headers;
    if (from->http) {
        spec.path = from->http->path;
        spec.allowed_headers = from->http->allowed_headers;
        spec.to_backend = from->http->allowed_response_headers;
        spec.all_to_backend = spec.to_backend.count == 0;
    }
    if (from->body && from->body->max) {
        body->max = from->body->max * 1000;
        spec.body = body;
    }
    return spec;
}

/* One whose backend cannot be called closes the rule. */
static void add_external_auth(struct compile *c, const struct compile_route *from,
                              const struct schema_list *filters, enum backend_use use,
                              char ***names, size_t *count)
{
    const struct http_route_filter *f =
        http_route_filter_find(filters, HTTP_ROUTE_FILTER_EXTERNAL_AUTH);
    const struct object *route = &from->route->object;
    struct ext_auth_body_spec body = {0};
    struct backend backend;
    if (!f || !f->external_auth)
        return;
    const struct route_backend *ref = f->external_auth->backend;
    char *cluster =
        compile_backends_need(c, route, ref, use, "spec.rules.filters.externalAuth",
                              "answered 500", &backend);
    struct schema_ref to = {.name = ref->name, .port = ref->port,
                            .value = slice_from_cstr(cluster)};
    struct ext_auth_spec spec = spec_of(f->external_auth, &to, &body);
    if (cluster) {
        push(c, &filter_ext_auth, &spec, names, count);
        return;
    }
    struct slice id = arena_printf(c->arena, "%.*s/%.*s.externalAuth",
                                   SLICE_ARG(route->meta.namespace_name),
                                   SLICE_ARG(route->meta.name));
    *names = compile_build_grow(c, *names, *count, sizeof **names);
    (*names)[(*count)++] =
        compile_chain_broken(c, id, SLICE("the backend of externalAuth cannot be called"));
}

bool compile_filters_redirect(const struct schema_list *filters)
{
    return http_route_filter_find(filters, HTTP_ROUTE_FILTER_REDIRECT) != NULL;
}

/* NULL: its backend cannot be called, so there are no copies. */
static PB(Mirror) * mirror_of(struct compile *c, const struct object *route,
                              const struct http_route_mirror *from, enum backend_use use)
{
    struct backend backend;
    char *cluster =
        compile_backends_need(c, route, from->backend, use, "spec.rules.filters.requestMirror",
                              "no copies are sent", &backend);
    if (!cluster)
        return NULL;
    PB(Mirror) *m = PB_NEW(c, Mirror, mirror);
    m->cluster = cluster;
    if (from->fraction) {
        m->numerator = (uint32_t)from->fraction->numerator;
        m->denominator = (uint32_t)from->fraction->denominator;
    } else if (from->percent != SCHEMA_UNSET) {
        m->numerator = (uint32_t)from->percent;
        m->denominator = 100;
    }
    return m;
}

static void add_mirrors(struct compile *c, const struct compile_route *from,
                        const struct schema_list *filters, enum backend_use use,
                        PB(Mirror) * **items, size_t *count)
{
    for (SCHEMA_EACH(*filters, struct http_route_filter, f)) {
        PB(Mirror) *m = f->type == HTTP_ROUTE_FILTER_MIRROR
                            ? mirror_of(c, &from->route->object, f->mirror, use)
                            : NULL;
        if (!m)
            continue;
        *items = compile_build_grow(c, *items, *count, sizeof **items);
        (*items)[(*count)++] = m;
    }
}

void compile_filters_rule(struct compile *c, const struct compile_route *from, enum backend_use use,
                          PB(Route) * to)
{
    const struct schema_list *filters = &from->rule->filters;
    add_chain(c, filters, &to->filters, &to->n_filters);
    add_external_auth(c, from, filters, use, &to->filters, &to->n_filters);
    add_mirrors(c, from, filters, use, &to->mirrors, &to->n_mirrors);
}

void compile_filters_backend(struct compile *c, const struct compile_route *from,
                             const struct schema_list *filters, enum backend_use use,
                             PB(WeightedCluster) * to)
{
    add_chain(c, filters, &to->filters, &to->n_filters);
    add_external_auth(c, from, filters, use, &to->filters, &to->n_filters);
    add_mirrors(c, from, filters, use, &to->mirrors, &to->n_mirrors);
}
