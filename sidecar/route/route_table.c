/* The first route that matches, of the most specific virtual host: a request never falls back to a
 * less specific host (the compiler has merged what has to be). Worker thread. Must not know how a
 * table came about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/route/route_table.h"

#include "lib/codec/preflight.h"
#include "sidecar/route/host.h"
#include "sidecar/route/match.h"
#include "sidecar/route/route_hosts.h"

/* Host is not among the headers: it is the authority. */
static bool header_matches(const struct named_match *m, const struct message *request)
{
    if (m->header_id == HEADER_HOST)
        return string_match_test(&m->value, request->authority);
    return match_header(m, &request->headers);
}

/* Of a request that a preflight announces (NULL: it is there itself) it is enough that it can. */
static bool headers_match(const struct route_conf *r, const struct message *request,
                          const struct preflight *announced)
{
    for (uint16_t i = 0; i < r->header_count; i++) {
        if (!header_matches(&r->headers[i], request) &&
            !(announced && preflight_announces(announced, r->headers[i].name)))
            return false;
    }
    return true;
}

static bool query_matches(const struct route_conf *r, const struct message *request)
{
    for (uint16_t i = 0; i < r->query_count; i++) {
        if (!match_query(&r->query[i], message_query(request)))
            return false;
    }
    return true;
}

static bool route_matches(const struct route_conf *r, const struct message *request,
                          struct slice match_path, const struct preflight *announced)
{
    struct slice method = announced ? announced->method : request->method;
    if (match_string(&r->path, match_path) != TRUTH_YES)
        return false;
    if (r->method.len && !slice_eq(r->method, method))
        return false;
    return headers_match(r, request, announced) && query_matches(r, request);
}

static const struct route_conf *find(const struct route_table *t, struct route_range range,
                                     const struct message *request, struct slice match_path,
                                     const struct preflight *announced)
{
    for (uint32_t i = 0; i < range.count; i++) {
        const struct route_conf *r = &t->routes[range.first + i];
        if (route_matches(r, request, match_path, announced))
            return r;
    }
    return NULL;
}

const struct route_conf *route_table_find(const struct route_table *t,
                                          const struct message *request, struct slice match_path)
{
    struct route_range range;
    if (match_path.len == 0 ||
        !route_hosts_find(t->hosts, host_of_authority(request->authority), &range))
        return NULL;
    struct preflight preflight;
    const struct route_conf *announced = NULL, *plain;
    if (preflight_read(&preflight, request))
        announced = find(t, range, request, match_path, &preflight);
    if (announced && announced->has_cors)
        return announced;
    /* An app that answers preflights itself; but CORS of another route is not for its requests. */
    plain = find(t, range, request, match_path, NULL);
    return plain && !(plain->has_cors && announced) ? plain : announced;
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
