/* An explanation as lines on a terminal; what becomes of the request stands last. Main thread.
 * Must not know how it was come by.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/explain/explain_print.h"

#include <stdarg.h>
#include <stdio.h>

#include "sidecar/config/backend_tls.h"
#include "filters/filter.h"
#include "sidecar/config/route/match_trace.h"
#include "weftctl/term.h"

enum { LABEL_WIDTH = 13 };

const char *explain_print_protocol(Weft__Config__V1__Protocol p)
{
    static const char *const names[] = {
        "detected from the first bytes", "HTTP/1.1", "HTTP/2", "TCP", "TLS", "HTTP"};
    return (unsigned)p < sizeof(names) / sizeof(names[0]) ? names[p] : "unknown";
}

static void line(const char *label, enum term_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void line(const char *label, enum term_style style, const char *format, ...)
{
    va_list args;
    printf("%s%-*s%s %s", term_begin(stdout, TERM_DIM), LABEL_WIDTH, label, term_end(stdout),
           term_begin(stdout, style));
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("%s\n", term_end(stdout));
}

/* "shop/reviews:9080" of the configuration, in the words of whoever wrote the objects. */
static void print_destination(const struct explain *e)
{
    struct slice name = e->destination, rest = name;
    size_t colon = name.len;
    while (colon > 0 && name.ptr[colon - 1] != ':')
        colon--;
    if (!name.len)
        return;
    rest = slice_sub(name, 0, colon ? colon - 1 : name.len);
    line(e->from.workload.pod ? "destination" : "listener", TERM_BOLD, "%s %.*s port %.*s (%s)",
         e->from.workload.pod ? "Service" : "Gateway", SLICE_ARG(rest),
         SLICE_ARG(slice_sub(name, colon, name.len)), explain_print_protocol(e->protocol));
    if (e->certificate.len)
        line("", TERM_PLAIN, "shows the certificate of %.*s", SLICE_ARG(e->certificate));
}

static void print_from(const struct explain *e)
{
    const struct workload *w = &e->from.workload;
    line("from", TERM_BOLD, "%s%.*s/%.*s", w->pod ? "pod " : "outside, at Gateway ",
         SLICE_ARG(w->namespace_name), SLICE_ARG(w->name));
    if (!w->pod)
        return;
    if (e->from.is_meshed)
        line("", TERM_PLAIN, "as %.*s", SLICE_ARG(e->from.principal));
    else
        line("", TERM_WARN, "it has no sidecar: no routes, and no certificate to show");
}

static void print_chain(struct explain *e, const char *label, const struct filter_chain *chain)
{
    for (uint32_t i = 0; chain && i < chain->count; i++)
        line(i ? "" : label, TERM_PLAIN, "%.*s",
             SLICE_ARG(explain_filters_describe(e, &chain->entries[i])));
}

/* "shop/reviews/split": namespace, object, rule. */
static void print_route_name(struct explain *e, const struct route_conf *r)
{
    struct slice rest = r->name, ns, object;
    struct slice why = match_trace_describe_route(&e->arena, r);
    if (slice_split(&rest, '/', &ns) && slice_split(&rest, '/', &object) && rest.len)
        line("route", TERM_BOLD, "%.*s/%.*s, rule %.*s: %.*s", SLICE_ARG(ns), SLICE_ARG(object),
             SLICE_ARG(rest), SLICE_ARG(why));
    else
        line("route", TERM_BOLD, "%.*s: %.*s", SLICE_ARG(r->name), SLICE_ARG(why));
}

static void print_route(struct explain *e, bool verbose)
{
    const struct route_conf *r = e->route;
    if (!e->is_routed)
        return;
    for (size_t i = 0; verbose && i < e->tried_count; i++)
        line(i ? "" : "not routed by", TERM_DIM, "%.*s: %.*s", SLICE_ARG(e->tried[i].route),
             SLICE_ARG(e->tried[i].why_not));
    if (!r) {
        line("route", TERM_BAD, "none%s", verbose || !e->tried_count ? "" : " (-v: why not)");
        return;
    }
    print_route_name(e, r);
    if (r->timeouts.request_ms)
        line("", TERM_PLAIN, "within %u ms", r->timeouts.request_ms);
    if (r->retry.attempts)
        line("", TERM_PLAIN, "up to %u retries", r->retry.attempts);
    print_chain(e, "filters", r->chain);
}

static void print_verdict(const struct explain_verdict *v, bool verbose)
{
    line("", v->allowed ? TERM_GOOD : TERM_BAD, "    %.*s", SLICE_ARG(v->text));
    for (size_t i = 0; verbose && i < v->rule_count; i++) {
        const struct explain_rule *r = &v->rules[i];
        line("", TERM_DIM, "      %s %.*s rule %u: %.*s", authz_actions[r->action],
             SLICE_ARG(r->policy), r->number,
             SLICE_ARG(r->why_not.len ? r->why_not : SLICE("matches")));
    }
}

/* Who reads tokens there; its policies have the verdict. */
static void print_guard(struct explain *e)
{
    const struct filter_chain *chain = e->gateway ? e->gateway->chain : NULL;
    for (uint32_t i = 0; chain && i < chain->count; i++)
        if (filter_entry_owner(&chain->entries[i]).len)
            line("", TERM_PLAIN, "    %.*s",
                 SLICE_ARG(explain_filters_describe(e, &chain->entries[i])));
}

static void print_endpoint(const struct explain_share *s, const struct explain_endpoint *end,
                           bool verbose)
{
    const struct endpoint_conf *c = end->conf;
    const char *tls = end->is_mutual_tls             ? "mutual TLS"
                      : s->cluster && s->cluster->tls ? "TLS"
                                                      : "plain text";
    line("", c->ready ? TERM_PLAIN : TERM_WARN, "  %.*s %s%.*s%s%.*s, %s%s",
         SLICE_ARG(c->address_text), c->workload.len ? "pod " : "(no pod)",
         SLICE_ARG(c->namespace_name), c->workload.len ? "/" : "", SLICE_ARG(c->workload), tls,
         c->ready ? "" : ", not ready");
    if (end->is_mutual_tls && verbose)
        line("", TERM_DIM, "    must be %.*s", SLICE_ARG(c->spiffe_id));
    for (size_t i = 0; i < end->filter_count; i++)
        line("", TERM_PLAIN, "    %.*s", SLICE_ARG(end->filters[i]));
    print_verdict(&end->verdict, verbose);
}

static void print_share_name(const struct explain_share *s, double percent)
{
    const struct cluster_conf *c = s->cluster;
    if (s->redirect)
        line("to", TERM_BOLD, "%.4g %% redirected", percent);
    else if (!c && !s->count)
        line("to", TERM_BAD, "%.4g %% nowhere: the backend does not exist (500)", percent);
    else if (!c)
        line("to", TERM_BOLD, "the pod itself");
    else if (c->service_name.len)
        line("to", TERM_BOLD, "%.4g %% Service %.*s/%.*s port %u", percent,
             SLICE_ARG(c->service_namespace), SLICE_ARG(c->service_name), c->port);
    else
        line("to", TERM_BOLD, "%.4g %% %.*s", percent, SLICE_ARG(c->name));
}

static void print_shares(struct explain *e, bool verbose)
{
    uint64_t total = 0;
    for (size_t i = 0; i < e->share_count; i++)
        total += e->shares[i].weight;
    for (size_t i = 0; i < e->share_count; i++) {
        const struct explain_share *s = &e->shares[i];
        print_share_name(s, total ? 100.0 * s->weight / (double)total : 0);
        print_chain(e, "  filters", s->chain);
        if (s->cluster && !s->count && !s->redirect)
            line("", TERM_BAD, "  no endpoints (503)");
        for (size_t j = 0; j < s->count; j++)
            print_endpoint(s, &s->endpoints[j], verbose);
    }
}

void explain_print_text(struct explain *e, bool verbose)
{
    struct slice outcome = explain_outcome(e);
    line("request", TERM_BOLD, "%.*s %.*s://%.*s%.*s", SLICE_ARG(e->asked.method),
         SLICE_ARG(e->asked.scheme), SLICE_ARG(e->asked.authority), SLICE_ARG(e->asked.target));
    print_from(e);
    print_destination(e);
    print_guard(e);
    if (e->entry)
        print_verdict(e->entry, verbose);
    print_route(e, verbose);
    print_shares(e, verbose);
    if (e->answer.len && !e->status && e->share_count)
        line("note", TERM_PLAIN, "%.*s", SLICE_ARG(e->answer));
    line("verdict", e->is_delivered ? TERM_GOOD : TERM_BAD, "%.*s", SLICE_ARG(outcome));
}
