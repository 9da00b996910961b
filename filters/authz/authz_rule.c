/* Rules of an AuthorizationPolicy over three-valued logic.
 * Pure; worker thread. Must not know what a policy does when a rule of it holds.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/authz/authz_token.h"
#include "filters/authz/authz_trace.h"

#include <stdio.h>

#include "lib/codec/http/host.h"
#include "lib/codec/http/normalize.h"
#include "lib/io/stream.h"

/* ---- facts ---- */

/* spiffe://<trust domain>/ns/<namespace>/sa/<service account>; lib/tls has checked every byte of
 * it. */
static void take_identity(struct authz_facts *f)
{
    static const struct slice scheme = {"spiffe://", 9};
    struct slice id = f->down->tls_peer ? f->down->tls_peer->spiffe_id : SLICE("");
    struct slice rest, domain, ns_word, ns, sa_word;
    if (!slice_starts_with(id, scheme))
        return;
    rest = f->principal = slice_sub(id, scheme.len, id.len);
    if (slice_split(&rest, '/', &domain) && slice_split(&rest, '/', &ns_word) &&
        slice_split(&rest, '/', &ns) && slice_split(&rest, '/', &sa_word) &&
        slice_eq(ns_word, SLICE("ns")) && slice_eq(sa_word, SLICE("sa")))
        f->namespace_name = ns;
}

void authz_facts_take(struct authz_facts *f, const struct downstream_info *down,
                      const struct message *request, struct slice match_path,
                      const struct addr *remote)
{
    *f = (struct authz_facts){
        .down = down, .request = request, .match_path = match_path, .remote = remote};
    f->port = down->original_dst.family ? down->original_dst.port : down->local.port;
    take_identity(f);
}

/* ---- one list against one value ---- */

/* Absent values match nothing but what is inverted. */
static enum truth any_string(const struct authz_strings *list, struct slice value, bool present)
{
    enum truth t = TRUTH_NO;
    for (uint32_t i = 0; i < list->count && t != TRUTH_YES; i++) {
        const struct string_match *m = &list->items[i];
        t = truth_or(t, present ? match_string(m, value) : truth_of(m->invert));
    }
    return t;
}

static enum truth any_cidr(const struct authz_cidrs *list, const struct addr *a)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (cidr_contains(&list->items[i], a))
            return TRUTH_YES;
    }
    return TRUTH_NO;
}

static enum truth any_port(const struct authz_ports *list, uint16_t port)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i] == port)
            return TRUTH_YES;
    }
    return TRUTH_NO;
}

/* ---- a list and its opposite ---- */

static enum truth test_string(const struct authz_facts *f, enum authz_part part,
                              const struct authz_strings *in, const struct authz_strings *not_in,
                              struct slice value)
{
    enum truth t = in->count ? any_string(in, value, value.len > 0) : TRUTH_YES;
    if (not_in->count)
        t = truth_and(t, truth_not(any_string(not_in, value, value.len > 0)));
    if (f->trace && t != TRUTH_YES)
        authz_trace_strings(f->trace, part, in, not_in, value);
    return t;
}

static enum truth test_http(const struct authz_facts *f, enum authz_part part,
                            const struct authz_strings *in, const struct authz_strings *not_in,
                            struct slice value)
{
    if (!f->request && (in->count || not_in->count))
        return TRUTH_UNKNOWN;
    return test_string(f, part, in, not_in, value);
}

/* a: NULL when nobody can tell. */
static enum truth test_cidr(const struct authz_facts *f, enum authz_part part,
                            const struct authz_cidrs *in, const struct authz_cidrs *not_in,
                            const struct addr *a)
{
    if (!in->count && !not_in->count)
        return TRUTH_YES;
    enum truth t = !a ? TRUTH_UNKNOWN : in->count ? any_cidr(in, a) : TRUTH_YES;
    if (not_in->count && a)
        t = truth_and(t, truth_not(any_cidr(not_in, a)));
    if (f->trace)
        authz_trace_cidrs(f->trace, part, in, not_in, a, t);
    return t;
}

static enum truth test_port(const struct authz_facts *f, const struct authz_ports *in,
                            const struct authz_ports *not_in)
{
    enum truth t = in->count ? any_port(in, f->port) : TRUTH_YES;
    if (not_in->count)
        t = truth_and(t, truth_not(any_port(not_in, f->port)));
    if (f->trace && t != TRUTH_YES)
        authz_trace_ports(f->trace, in, not_in, f->port);
    return t;
}

/* A policy's host may be written with or without a port; the one with a port wants exactly that. */
static enum truth any_host(const struct authz_strings *list, const struct authz_facts *f)
{
    struct slice host = host_of_authority(f->request->authority);
    uint16_t port = host_port_of_authority(f->request->authority);
    char text[HOST_MAX + 8];
    int len = snprintf(text, sizeof(text), "%.*s:%u", SLICE_ARG(host), port ? port : f->port);
    if (host.len > HOST_MAX || len < 0)
        return TRUTH_UNKNOWN;
    return truth_or(any_string(list, host, host.len > 0),
                    any_string(list, slice_of(text, (size_t)len), host.len > 0));
}

static enum truth test_hosts(const struct authz_facts *f, const struct authz_strings *in,
                             const struct authz_strings *not_in)
{
    if (!f->request && (in->count || not_in->count))
        return TRUTH_UNKNOWN;
    enum truth t = in->count ? any_host(in, f) : TRUTH_YES;
    if (not_in->count)
        t = truth_and(t, truth_not(any_host(not_in, f)));
    if (f->trace && t != TRUTH_YES)
        authz_trace_strings(f->trace, AUTHZ_PART_HOST, in, not_in,
                            host_of_authority(f->request->authority));
    return t;
}

/* Where the next hop may read another path than the one that we matched, only what holds for all
 * readings is known. */
static enum truth test_paths(const struct authz_facts *f, const struct authz_strings *in,
                             const struct authz_strings *not_in)
{
    enum truth t = test_http(f, AUTHZ_PART_PATH, in, not_in, f->match_path);
    for (uint32_t i = 0; f->other_paths && i < f->other_paths->count; i++) {
        if (test_http(f, AUTHZ_PART_PATH_READING, in, not_in, f->other_paths->paths[i]) != t)
            return TRUTH_UNKNOWN;
    }
    return t;
}

/* ---- headers: several lines, each of which may be a list ---- */

struct header_quest {
    const struct authz_strings *list;
    bool exists; /* one line is enough; else all must */
    bool negate; /* lines must not match */
};

static enum truth test_value(const struct header_quest *q, struct slice value)
{
    enum truth t = any_string(q->list, value, true);
    return q->negate ? truth_not(t) : t;
}

static enum truth combine(const struct header_quest *q, enum truth a, enum truth b)
{
    return q->exists ? truth_or(a, b) : truth_and(a, b);
}

/* Whoever splits the line at its commas sees elements where we saw one value: they are looked at
 * too wherever that can only refuse more. */
static enum truth test_line(const struct header_quest *q, struct slice value)
{
    enum truth t = test_value(q, value);
    struct slice rest = value, element;
    if (q->exists == q->negate || slice_find_byte(value, ',') == value.len)
        return t;
    while (slice_split(&rest, ',', &element))
        t = combine(q, t, test_value(q, slice_trim(element)));
    return t;
}

static enum truth test_lines(const struct header_quest *q, const struct headers *h,
                             struct slice name)
{
    enum truth t = truth_of(q->negate);
    bool seen = false;
    for (uint32_t i = 0; i < h->count; i++) {
        if (!slice_eq(h->items[i].name, name))
            continue;
        enum truth line = test_line(q, h->items[i].value);
        t = seen ? combine(q, t, line) : line;
        seen = true;
    }
    return t;
}

static enum truth test_header(const struct authz_condition *c, const struct authz_facts *f,
                              bool denies)
{
    struct header_quest in = {&c->values, denies, false}, not_in = {&c->not_values, denies, true};
    if (!f->request)
        return TRUTH_UNKNOWN;
    enum truth t = TRUTH_YES;
    if (c->values.count)
        t = test_lines(&in, &f->request->headers, c->header);
    if (c->not_values.count)
        t = truth_and(t, test_lines(&not_in, &f->request->headers, c->header));
    if (f->trace && t != TRUTH_YES)
        authz_trace_header(f->trace, c, &f->request->headers);
    return t;
}

/* ---- the rule ---- */

static enum truth test_condition(const struct authz_condition *c, const struct authz_facts *f,
                                 bool denies)
{
    switch (c->key) {
    case AUTHZ_KEY_HEADER:
        return test_header(c, f, denies);
    case AUTHZ_KEY_SOURCE_IP:
        return test_cidr(f, AUTHZ_PART_SOURCE_IP, &c->ips, &c->not_ips, &f->down->peer);
    case AUTHZ_KEY_REMOTE_IP:
        return test_cidr(f, AUTHZ_PART_REMOTE_IP, &c->ips, &c->not_ips, f->remote);
    case AUTHZ_KEY_SOURCE_NAMESPACE:
        return test_string(f, AUTHZ_PART_NAMESPACE, &c->values, &c->not_values, f->namespace_name);
    case AUTHZ_KEY_SOURCE_PRINCIPAL:
        return test_string(f, AUTHZ_PART_PRINCIPAL, &c->values, &c->not_values, f->principal);
    case AUTHZ_KEY_DESTINATION_IP:
        return test_cidr(f, AUTHZ_PART_DESTINATION_IP, &c->ips, &c->not_ips,
                         f->down->original_dst.family ? &f->down->original_dst : &f->down->local);
    case AUTHZ_KEY_DESTINATION_PORT:
        return test_port(f, &c->ports, &c->not_ports);
    case AUTHZ_KEY_SNI:
        return test_string(f, AUTHZ_PART_SNI, &c->values, &c->not_values, f->down->sni);
    case AUTHZ_KEY_TOKEN_PRINCIPAL:
    case AUTHZ_KEY_TOKEN_AUDIENCES:
    case AUTHZ_KEY_TOKEN_PRESENTER:
    case AUTHZ_KEY_TOKEN_CLAIM:
        return authz_token_test(c, f);
    }
    return TRUTH_UNKNOWN;
}

static enum truth test_source(const struct authz_source *s, const struct authz_facts *f)
{
    enum truth t =
        test_string(f, AUTHZ_PART_PRINCIPAL, &s->principals, &s->not_principals, f->principal);
    t = truth_and(
        t, authz_token_principal(f, &s->request_principals, &s->not_request_principals));
    t = truth_and(t, test_string(f, AUTHZ_PART_NAMESPACE, &s->namespaces, &s->not_namespaces,
                                 f->namespace_name));
    t = truth_and(t, test_cidr(f, AUTHZ_PART_SOURCE_IP, &s->ip_blocks, &s->not_ip_blocks,
                               &f->down->peer));
    return truth_and(t, test_cidr(f, AUTHZ_PART_REMOTE_IP, &s->remote_ip_blocks,
                                  &s->not_remote_ip_blocks, f->remote));
}

static enum truth test_operation(const struct authz_operation *o, const struct authz_facts *f)
{
    struct slice method = f->request ? f->request->method : SLICE("");
    enum truth t = test_port(f, &o->ports, &o->not_ports);
    t = truth_and(t, test_http(f, AUTHZ_PART_METHOD, &o->methods, &o->not_methods, method));
    t = truth_and(t, test_paths(f, &o->paths, &o->not_paths));
    return truth_and(t, test_hosts(f, &o->hosts, &o->not_hosts));
}

/* What of other alternatives did not hold is no reason once one of them holds. */
static void forget_misses(const struct authz_facts *f, enum truth t)
{
    if (f->trace && t == TRUTH_YES)
        f->trace->miss = (struct slice){0};
}

enum truth authz_rule_test(const struct authz_rule *r, const struct authz_facts *f, bool denies)
{
    enum truth from = truth_of(r->source_count == 0), to = truth_of(r->operation_count == 0);
    for (uint32_t i = 0; i < r->source_count && from != TRUTH_YES; i++)
        from = truth_or(from, test_source(&r->sources[i], f));
    forget_misses(f, from);
    if (from == TRUTH_NO)
        return TRUTH_NO;
    for (uint32_t i = 0; i < r->operation_count && to != TRUTH_YES; i++)
        to = truth_or(to, test_operation(&r->operations[i], f));
    enum truth t = truth_and(from, to);
    forget_misses(f, t);
    for (uint32_t i = 0; i < r->condition_count && t != TRUTH_NO; i++)
        t = truth_and(t, test_condition(&r->conditions[i], f, denies));
    return t;
}
