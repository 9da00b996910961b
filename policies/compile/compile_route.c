/* One match of one rule as a Route message: what it matches, its filters, its backends with
 * their shares. Control thread. Must not know of order.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_priv.h"

/* The only backend's own policies: they may complete what the route says. */
struct backends {
    size_t usable;
    uint64_t weight;
    struct traffic only;
};

static void add_backend(struct compile *c, const struct compile_route *from,
                        const struct route_backend *ref, enum backend_use use, PB(Route) * to,
                        struct backends *sum)
{
    struct backend b = {0};
    bool redirects = compile_filters_redirect(&ref->filters);
    PB(WeightedCluster) *w = PB_NEW(c, WeightedCluster, weighted_cluster);
    w->weight = (uint32_t)ref->weight;
    sum->weight += w->weight;
    compile_filters_backend(c, from, &ref->filters, use, w);
    compile_chain_share(c, from, &ref->filters, w);
    char *cluster = compile_backends_need(
        c, &from->route->object, ref, use, "spec.rules.backendRefs",
        redirects ? "it is only good for its redirect" : "its share gets 500", &b);
    if (cluster) {
        w->cluster = cluster;
        sum->only = compile_traffic_of_service(c, b.service, b.port);
    }
    /* A redirect needs nobody to be called. */
    sum->usable += cluster || redirects;
    PB_PUSH(c, to, clusters, w);
}

static struct backends apply_backends(struct compile *c, const struct compile_route *from,
                                      enum backend_use use, PB(Route) * to)
{
    struct backends sum = {0};
    for (SCHEMA_EACH(from->rule->backends, struct route_backend, b))
        add_backend(c, from, b, use, to, &sum);
    if (compile_filters_redirect(&from->rule->filters))
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

static const struct session_persistence *session_of(const struct traffic *t)
{
    return t->balancing ? t->balancing->session : NULL;
}

/* Several backends of which each has its own say nothing for the rule as a whole. */
static void apply_session(struct compile *c, const struct compile_route *from,
                          const struct traffic *parent, PB(Route) * to)
{
    struct traffic own = compile_traffic_of_route(c, from->route, from->rule->name);
    const struct session_persistence *session = from->rule->session;
    if (!session)
        session = session_of(&own);
    if (!session && parent)
        session = session_of(parent);
    if (session)
        to->session_persistence = compile_balancing_session(c, session, &from->route->object);
}

PB(Route) * compile_route_one(struct compile *c, const struct compile_route *from,
                              const struct compile_parent *parent)
{
    const struct metadata *meta = &from->route->object.meta;
    PB(Route) *to = PB_NEW(c, Route, route);
    if (from->rule->name.len)
        to->name = compile_build_format(c, "%.*s/%.*s/%.*s", SLICE_ARG(meta->namespace_name),
                                        SLICE_ARG(meta->name), SLICE_ARG(from->rule->name));
    else
        to->name = compile_build_format(c, "%.*s/%.*s/%zu", SLICE_ARG(meta->namespace_name),
                                        SLICE_ARG(meta->name), from->rule_index);
    enum backend_use use = parent->traffic ? BACKEND_OF_MESH : BACKEND_OF_GATEWAY;
    char *prefix = compile_match_prefix(c, from->match);
    to->match = compile_match(c, from->match, from->route->object.kind->id == KIND_GRPC_ROUTE);
    if (to->match && to->match->n_claims && !c->reads_tokens)
        compile_build_note(c, &from->route->object, 0, "spec.rules.matches", FINDING_CLAIM_UNREAD,
                           "a match asks for a claim, and no RequestAuthentication is for the "
                           "%s: it is never true",
                           parent->gateway ? "Gateway" : "callers of a Service");
    if (prefix)
        to->matched_prefix = prefix;
    compile_filters_rule(c, from, use, to);
    compile_chain_route(c, from, parent, to);
    struct backends backends = apply_backends(c, from, use, to);
    apply_traffic(c, from, parent->traffic, &backends.only, to);
    apply_session(c, from, parent->traffic, to);
    return to;
}
