/* The first route that matches, of the most specific virtual host: a request never falls back to a
 * less specific host (the compiler has merged what has to be). Worker thread. Must not know how a
 * table came about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/route/route_table.h"

#include "lib/codec/http/preflight.h"
#include "lib/codec/http/host.h"
#include "lib/codec/http/match.h"
#include "sidecar/config/route/match_trace.h"
#include "sidecar/config/route/route_hosts.h"

/* Host is not among the headers: it is the authority. */
static bool header_matches(const struct named_match *m, const struct message *request)
{
    if (m->header_id == HEADER_HOST)
        return string_match_test(&m->value, request->authority);
    return match_header(m, &request->headers);
}

/* One request against a table: what all of its routes are asked. */
struct search {
    const struct message *request;
    struct slice match_path;
    const struct doc *claims;
    struct match_trace *trace; /* NULL on the request path */
};

/* Of a request that a preflight announces (NULL: it is there itself) it is enough that it can. */
static bool headers_match(const struct route_conf *r, const struct search *s,
                          const struct preflight *announced)
{
    for (uint16_t i = 0; i < r->header_count; i++) {
        if (header_matches(&r->headers[i], s->request) ||
            (announced && preflight_announces(announced, r->headers[i].name)))
            continue;
        if (s->trace)
            match_trace_header(s->trace, &r->headers[i]);
        return false;
    }
    return true;
}

/* A preflight has no token. It is answered by CORS where the request that it announces may have one
 * that fits, and led nowhere by that. */
static bool claims_match(const struct route_conf *r, const struct search *s,
                         const struct preflight *announced)
{
    for (uint16_t i = 0; i < r->claim_count; i++) {
        const struct claim_match *m = &r->claims[i];
        const struct doc *claim = claim_match_find(s->claims, &m->path);
        if ((announced && r->has_cors) ||
            claim_match_any(&m->value, 1, claim, claim_match_has_words(&m->path)) == TRUTH_YES)
            continue;
        if (s->trace)
            match_trace_claim(s->trace, m);
        return false;
    }
    return true;
}

static bool query_matches(const struct route_conf *r, const struct search *s)
{
    for (uint16_t i = 0; i < r->query_count; i++) {
        if (match_query(&r->query[i], message_query(s->request)))
            continue;
        if (s->trace)
            match_trace_query(s->trace, &r->query[i]);
        return false;
    }
    return true;
}

static bool route_matches(const struct route_conf *r, const struct search *s,
                          const struct preflight *announced)
{
    struct slice method = announced ? announced->method : s->request->method;
    if (match_string(&r->path, s->match_path) != TRUTH_YES) {
        if (s->trace)
            match_trace_path(s->trace, r);
        return false;
    }
    if (r->method.len && !slice_eq(r->method, method)) {
        if (s->trace)
            match_trace_method(s->trace, r);
        return false;
    }
    return headers_match(r, s, announced) && query_matches(r, s) && claims_match(r, s, announced);
}

static void tell(struct match_trace *t, const struct route_conf *r)
{
    t->on_route(t->owner, r, t->miss);
    t->miss = (struct slice){0};
}

static const struct route_conf *find(const struct route_table *t, struct route_range range,
                                     const struct search *s, const struct preflight *announced)
{
    for (uint32_t i = 0; i < range.count; i++) {
        const struct route_conf *r = &t->routes[range.first + i];
        bool matches = route_matches(r, s, announced);
        if (s->trace)
            tell(s->trace, r);
        if (matches)
            return r;
    }
    return NULL;
}

const struct route_conf *route_table_trace(const struct route_table *t,
                                           const struct message *request, struct slice match_path,
                                           const struct doc *claims, struct match_trace *trace)
{
    struct search search = {request, match_path, claims, trace};
    struct route_range range;
    if (match_path.len == 0 ||
        !route_hosts_find(t->hosts, host_of_authority(request->authority), &range))
        return NULL;
    struct preflight preflight;
    const struct route_conf *announced = NULL, *plain;
    if (preflight_read(&preflight, request))
        announced = find(t, range, &search, &preflight);
    if (announced && announced->has_cors)
        return announced;
    /* An app that answers preflights itself; but CORS of another route is not for its requests. */
    plain = find(t, range, &search, NULL);
    return plain && !(plain->has_cors && announced) ? plain : announced;
}

const struct route_conf *route_table_find(const struct route_table *t,
                                          const struct message *request, struct slice match_path,
                                          const struct doc *claims)
{
    return route_table_trace(t, request, match_path, claims, NULL);
}

bool route_table_is_one_route(const struct route_table *t, const struct message *request,
                              const struct normalize_readings *others, const struct doc *claims,
                              const struct route_conf *route)
{
    for (uint32_t i = 0; others && i < others->count; i++) {
        if (route_table_find(t, request, others->paths[i], claims) != route)
            return false;
    }
    return true;
}

const struct backend_conf *route_pick_backend(const struct route_conf *r, uint32_t random)
{
    if (r->total_weight == 0)
        return NULL;
    uint32_t at = (uint32_t)(((uint64_t)random * r->total_weight) >> 32);
    const struct backend_conf *b = r->backends;
    while (at >= b->weight) {
        at -= b->weight;
        b++;
    }
    return b;
}
