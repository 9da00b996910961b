/* The filters of a rule, or of one of its backends, in messages. Control thread. Must not know
 * which requests they are for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_priv.h"

static PB(HeaderValue) * header_of(struct compile *c, const struct http_route_header *from)
{
    PB(HeaderValue) *h = PB_NEW(c, HeaderValue, header_value);
    h->name = compile_build_lower(c, from->name);
    h->value = compile_build_text(c, from->value);
    return h;
}

static PB(HeaderMutation) * mutation_of(struct compile *c, const struct schema_list *filters,
                                        enum http_route_filter_type type)
{
    const struct http_route_filter *f = http_route_filter_find(filters, type);
    const struct http_route_header_filter *from = !f ? NULL
                                                  : type == HTTP_ROUTE_FILTER_REQUEST_HEADERS
                                                      ? f->request_headers
                                                      : f->response_headers;
    if (!from)
        return NULL;
    PB(HeaderMutation) *m = PB_NEW(c, HeaderMutation, header_mutation);
    for (SCHEMA_EACH(from->set, struct http_route_header, h))
        PB_PUSH(c, m, set, header_of(c, h));
    for (SCHEMA_EACH(from->add, struct http_route_header, h))
        PB_PUSH(c, m, add, header_of(c, h));
    for (SCHEMA_EACH(from->remove, struct slice, name))
        PB_PUSH(c, m, remove, compile_build_lower(c, *name));
    return m;
}

static PB(PathModifier) *
    modifier_of(struct compile *c, const struct http_route_path_modifier *from)
{
    if (!from)
        return NULL;
    PB(PathModifier) *m = PB_NEW(c, PathModifier, path_modifier);
    if (from->type == HTTP_ROUTE_REPLACE_FULL) {
        m->kind_case = WEFT__CONFIG__V1__PATH_MODIFIER__KIND_REPLACE_FULL;
        m->replace_full = compile_build_text(c, from->full);
    } else {
        m->kind_case = WEFT__CONFIG__V1__PATH_MODIFIER__KIND_REPLACE_PREFIX;
        m->replace_prefix = compile_build_text(c, from->prefix);
    }
    return m;
}

static PB(Redirect) * redirect_of(struct compile *c, const struct http_route_redirect *from)
{
    PB(Redirect) *r = PB_NEW(c, Redirect, redirect);
    if (from->scheme != SCHEMA_UNSET)
        r->scheme = compile_build_text(c, from->scheme ? SLICE("https") : SLICE("http"));
    r->hostname = compile_build_text(c, from->hostname);
    r->port = (uint32_t)from->port;
    r->path = modifier_of(c, from->path);
    r->status = (uint32_t)from->status;
    return r;
}

static PB(Redirect) * find_redirect(struct compile *c, const struct schema_list *filters)
{
    const struct http_route_filter *f = http_route_filter_find(filters, HTTP_ROUTE_FILTER_REDIRECT);
    return f ? redirect_of(c, f->redirect) : NULL;
}

static PB(Rewrite) * find_rewrite(struct compile *c, const struct schema_list *filters)
{
    const struct http_route_filter *f = http_route_filter_find(filters, HTTP_ROUTE_FILTER_REWRITE);
    if (!f)
        return NULL;
    PB(Rewrite) *r = PB_NEW(c, Rewrite, rewrite);
    r->hostname = compile_build_text(c, f->rewrite->hostname);
    r->path = modifier_of(c, f->rewrite->path);
    return r;
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

static void add_texts(struct compile *c, const struct schema_list *from, bool lower, char ***items,
                      size_t *count)
{
    for (SCHEMA_EACH(*from, struct slice, text)) {
        *items = compile_build_grow(c, *items, *count, sizeof **items);
        (*items)[(*count)++] = lower ? compile_build_lower(c, *text) : compile_build_text(c, *text);
    }
}

static PB(Cors) * find_cors(struct compile *c, const struct schema_list *filters)
{
    const struct http_route_filter *f = http_route_filter_find(filters, HTTP_ROUTE_FILTER_CORS);
    if (!f)
        return NULL;
    const struct http_route_cors *from = f->cors;
    PB(Cors) *to = PB_NEW(c, Cors, cors);
    add_texts(c, &from->origins, true, &to->allow_origins, &to->n_allow_origins);
    add_texts(c, &from->methods, false, &to->allow_methods, &to->n_allow_methods);
    add_texts(c, &from->headers, true, &to->allow_headers, &to->n_allow_headers);
    add_texts(c, &from->expose, true, &to->expose_headers, &to->n_expose_headers);
    to->allow_credentials = from->credentials;
    to->max_age_s = (uint32_t)from->max_age;
    return to;
}

void compile_filters_rule(struct compile *c, const struct compile_route *from, enum backend_use use,
                          PB(Route) * to)
{
    const struct schema_list *filters = &from->rule->filters;
    to->request_headers = mutation_of(c, filters, HTTP_ROUTE_FILTER_REQUEST_HEADERS);
    to->response_headers = mutation_of(c, filters, HTTP_ROUTE_FILTER_RESPONSE_HEADERS);
    to->redirect = find_redirect(c, filters);
    to->rewrite = find_rewrite(c, filters);
    to->cors = find_cors(c, filters);
    add_mirrors(c, from, filters, use, &to->mirrors, &to->n_mirrors);
}

void compile_filters_backend(struct compile *c, const struct compile_route *from,
                             const struct schema_list *filters, enum backend_use use,
                             PB(WeightedCluster) * to)
{
    to->request_headers = mutation_of(c, filters, HTTP_ROUTE_FILTER_REQUEST_HEADERS);
    to->response_headers = mutation_of(c, filters, HTTP_ROUTE_FILTER_RESPONSE_HEADERS);
    to->redirect = find_redirect(c, filters);
    to->rewrite = find_rewrite(c, filters);
    add_mirrors(c, from, filters, use, &to->mirrors, &to->n_mirrors);
}
