/* The first route that matches, of the most specific virtual host: a request never falls back to a
 * less specific host (the compiler has merged what has to be). Worker thread. Must not know how a
 * table came about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/route/route_table.h"

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

static bool headers_match(const struct route_conf *r, const struct message *request)
{
    for (uint16_t i = 0; i < r->header_count; i++) {
        if (!header_matches(&r->headers[i], request))
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
                          struct slice match_path)
{
    if (match_string(&r->path, match_path) != TRUTH_YES)
        return false;
    if (r->method.len && !slice_eq(r->method, request->method))
        return false;
    return headers_match(r, request) && query_matches(r, request);
}

const struct route_conf *route_table_find(const struct route_table *t,
                                          const struct message *request, struct slice match_path)
{
    struct route_range range;
    if (match_path.len == 0 ||
        !route_hosts_find(t->hosts, host_of_authority(request->authority), &range))
        return NULL;
    for (uint32_t i = 0; i < range.count; i++) {
        const struct route_conf *r = &t->routes[range.first + i];
        if (route_matches(r, request, match_path))
            return r;
    }
    return NULL;
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
