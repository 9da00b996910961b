/* One match of one rule as a Route message: what it matches, its filters, its backends with
 * their shares. Control thread. Must not know of order.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile_priv.h"
#include "policies/grants.h"

/* ---- match ---- */

static struct slice without_slash(struct slice prefix)
{
    bool slash = prefix.len > 1 && prefix.ptr[prefix.len - 1] == '/';
    return slice_sub(prefix, 0, prefix.len - slash);
}

static PB(StringMatch) * path_of(struct compile *c, const struct http_route_path_match *from)
{
    PB(StringMatch) *m = PB_NEW(c, StringMatch, string_match);
    if (from->type == HTTP_ROUTE_EXACT) {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT;
        m->exact = compile_build_text(c, from->value);
    } else if (from->type == HTTP_ROUTE_REGEX) {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_REGEX;
        m->regex = compile_build_text(c, from->value);
    } else if (slice_eq_cstr(from->value, "/")) {
        return NULL;
    } else {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_PATH_PREFIX;
        m->path_prefix = compile_build_text(c, without_slash(from->value));
    }
    return m;
}

static PB(NamedMatch) *
    value_of(struct compile *c, const struct http_route_value_match *from, bool is_header)
{
    PB(NamedMatch) *m = PB_NEW(c, NamedMatch, named_match);
    PB(StringMatch) *value = PB_NEW(c, StringMatch, string_match);
    m->name = is_header ? compile_build_lower(c, from->name) : compile_build_text(c, from->name);
    m->value = value;
    if (from->type == HTTP_ROUTE_VALUE_REGEX) {
        value->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_REGEX;
        value->regex = compile_build_text(c, from->value);
    } else {
        value->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT;
        value->exact = compile_build_text(c, from->value);
    }
    return m;
}

/* Of several entries for one header only the first counts, whatever the case of its name. */
static bool is_repeated(const struct schema_list *headers, const struct http_route_value_match *h)
{
    for (SCHEMA_EACH(*headers, struct http_route_value_match, before)) {
        if (before == h)
            return false;
        if (slice_eq_nocase(before->name, h->name))
            return true;
    }
    return false;
}

static PB(RouteMatch) * match_of(struct compile *c, const struct http_route_match *from)
{
    if (!from)
        return NULL;
    PB(RouteMatch) *m = PB_NEW(c, RouteMatch, route_match);
    m->path = path_of(c, &from->path);
    for (SCHEMA_EACH(from->headers, struct http_route_value_match, h))
        if (!is_repeated(&from->headers, h))
            PB_PUSH(c, m, headers, value_of(c, h, true));
    for (SCHEMA_EACH(from->query, struct http_route_value_match, q))
        PB_PUSH(c, m, query, value_of(c, q, false));
    if (from->method != SCHEMA_UNSET)
        m->method = compile_build_text(c, slice_from_cstr(http_route_match_methods[from->method]));
    return m;
}

/* ---- filters ---- */

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

static void apply_filters(struct compile *c, const struct schema_list *filters, PB(Route) * to)
{
    const struct http_route_filter *redirect =
        http_route_filter_find(filters, HTTP_ROUTE_FILTER_REDIRECT);
    const struct http_route_filter *rewrite =
        http_route_filter_find(filters, HTTP_ROUTE_FILTER_REWRITE);
    to->request_headers = mutation_of(c, filters, HTTP_ROUTE_FILTER_REQUEST_HEADERS);
    to->response_headers = mutation_of(c, filters, HTTP_ROUTE_FILTER_RESPONSE_HEADERS);
    if (redirect)
        to->redirect = redirect_of(c, redirect->redirect);
    if (rewrite) {
        to->rewrite = PB_NEW(c, Rewrite, rewrite);
        to->rewrite->hostname = compile_build_text(c, rewrite->rewrite->hostname);
        to->rewrite->path = modifier_of(c, rewrite->rewrite->path);
    }
}

/* ---- backends ---- */

struct backend {
    const struct service *service;
    const struct service_port *port;
};

static bool resolve(struct compile *c, const struct route *route, const struct route_backend *b,
                    bool needs_grant, struct backend *out)
{
    const struct object *o = &route->object;
    struct slice own = o->meta.namespace_name;
    struct slice ns = b->namespace_name.ptr ? b->namespace_name : own;
    const char *path = "spec.rules.backendRefs";
    if (!slice_is_empty(b->group) || !slice_eq_cstr(b->kind, "Service")) {
        compile_build_note(c, o, b->line, path,
                           "a backend of kind %.*s is not known: its share "
                           "gets 500",
                           SLICE_ARG(b->kind));
        return false;
    }
    if (needs_grant && !grants_allow(c->set, "HTTPRoute", own, "Service", ns, b->name)) {
        compile_build_note(c, o, b->line, path,
                           "no ReferenceGrant in %.*s allows this: its share gets 500",
                           SLICE_ARG(ns));
        return false;
    }
    out->service = (const void *)policy_index_find(c->set, KIND_SERVICE, ns, b->name);
    out->port = out->service ? service_find_port(out->service, b->port) : NULL;
    if (out->port && !service_is_external(out->service))
        return true;
    if (!out->service)
        compile_build_note(c, o, b->line, path, "there is no Service %.*s/%.*s: its share gets 500",
                           SLICE_ARG(ns), SLICE_ARG(b->name));
    else
        compile_build_note(
            c, o, b->line, path,
            "Service %.*s/%.*s has no TCP port %d in the cluster: its share gets 500",
            SLICE_ARG(ns), SLICE_ARG(b->name), (int)b->port);
    return false;
}

/* The only backend's own policies: they may complete what the route says. */
struct backends {
    size_t usable;
    uint64_t weight;
    struct traffic only;
};

static void add_backend(struct compile *c, const struct route *route,
                        const struct route_backend *from, bool needs_grant, PB(Route) * to,
                        struct backends *sum)
{
    struct backend b = {0};
    bool usable = resolve(c, route, from, needs_grant, &b);
    PB(WeightedCluster) *w = PB_NEW(c, WeightedCluster, weighted_cluster);
    w->weight = (uint32_t)from->weight;
    sum->weight += w->weight;
    if (usable) {
        w->cluster = compile_clusters_need(c, b.service, b.port);
        sum->usable++;
        sum->only = compile_traffic_of_service(c, b.service, b.port);
    }
    w->request_headers = mutation_of(c, &from->filters, HTTP_ROUTE_FILTER_REQUEST_HEADERS);
    w->response_headers = mutation_of(c, &from->filters, HTTP_ROUTE_FILTER_RESPONSE_HEADERS);
    PB_PUSH(c, to, clusters, w);
}

static struct backends apply_backends(struct compile *c, const struct compile_route *from,
                                      bool needs_grant, PB(Route) * to)
{
    struct backends sum = {0};
    for (SCHEMA_EACH(from->rule->backends, struct route_backend, b))
        add_backend(c, from->route, b, needs_grant, to, &sum);
    if (to->redirect)
        return sum;
    if (sum.usable == 0 || sum.weight == 0) {
        to->direct_status = 500;
        to->n_clusters = 0;
        to->clusters = NULL;
    }
    if (from->rule->backends.count != 1)
        sum.only = (struct traffic){0};
    return sum;
}

/* What neither the rule nor its policies say, the Service that was called says (at a Gateway: the
 * only backend), and then the mesh. */
static void apply_traffic(struct compile *c, const struct compile_route *from,
                          const struct traffic *parent, const struct traffic *only, PB(Route) * to)
{
    const struct http_route_rule *rule = from->rule;
    const struct traffic *mesh = compile_traffic_defaults(c);
    struct traffic own = compile_traffic_of_route(c, from->route, rule->name);
    if (!parent)
        parent = only;
    const struct traffic_timeouts *timeouts[] = {own.timeouts, parent->timeouts, only->timeouts,
                                                 mesh->timeouts};
    const struct traffic_retries *retries[] = {own.retries, parent->retries, only->retries,
                                               mesh->retries};
    if (rule->timeouts || own.timeouts || parent->timeouts)
        to->timeouts = compile_traffic_timeouts(c, rule->timeouts, timeouts, 4);
    if (rule->retry || own.retries || parent->retries)
        to->retry = compile_traffic_retry(c, rule->retry, retries, 4);
}

PB(Route) * compile_route_one(struct compile *c, const struct compile_route *from,
                              const struct traffic *parent)
{
    const struct metadata *meta = &from->route->object.meta;
    PB(Route) *to = PB_NEW(c, Route, route);
    if (from->rule->name.len)
        to->name = compile_build_format(c, "%.*s/%.*s/%.*s", SLICE_ARG(meta->namespace_name),
                                        SLICE_ARG(meta->name), SLICE_ARG(from->rule->name));
    else
        to->name = compile_build_format(c, "%.*s/%.*s/%zu", SLICE_ARG(meta->namespace_name),
                                        SLICE_ARG(meta->name), from->rule_index);
    to->match = match_of(c, from->match);
    if (!from->match)
        to->matched_prefix = compile_build_text(c, SLICE("/"));
    else if (from->match->path.type == HTTP_ROUTE_PREFIX)
        to->matched_prefix = compile_build_text(c, without_slash(from->match->path.value));
    apply_filters(c, &from->rule->filters, to);
    struct backends backends = apply_backends(c, from, parent == NULL, to);
    apply_traffic(c, from, parent, &backends.only, to);
    return to;
}
