/* An explanation as lines on a terminal. Main thread.
 * Must not know how it was come by.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/explain_print.h"

#include <stdarg.h>
#include <stdio.h>

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

static void print_from(const struct explain *e)
{
    const struct workload *w = &e->from.workload;
    line("from", TERM_BOLD, "%s%.*s/%.*s", w->pod ? "" : "outside, at Gateway ",
         SLICE_ARG(w->namespace_name), SLICE_ARG(w->name));
    if (!w->pod)
        return;
    if (e->from.is_meshed)
        line("", TERM_PLAIN, "as %.*s", SLICE_ARG(e->from.principal));
    else
        line("", TERM_WARN, "it has no sidecar: no routes, and no certificate to show");
}

static void print_route(const struct explain *e, bool verbose)
{
    const struct explain_route *r = &e->route;
    if (!e->is_routed)
        return;
    for (size_t i = 0; verbose && i < r->tried_count; i++)
        line(i ? "" : "not routed by", TERM_DIM, "%s: %.*s", r->tried[i].route,
             SLICE_ARG(r->tried[i].why));
    if (r->route)
        line("route", TERM_BOLD, "%s (%.*s)", r->route->name, SLICE_ARG(r->why));
    else
        line("route", TERM_BAD, "none%s", verbose || !r->tried_count ? "" : " (-v: why not)");
    if (r->route && r->route->timeouts && r->route->timeouts->request_ms)
        line("", TERM_PLAIN, "within %u ms", r->route->timeouts->request_ms);
    if (r->route && r->route->retry && r->route->retry->attempts)
        line("", TERM_PLAIN, "up to %u retries", r->route->retry->attempts);
}

static void print_verdict(const struct explain_verdict *v, bool verbose)
{
    line("", v->allowed ? TERM_GOOD : TERM_BAD, "    %.*s", SLICE_ARG(v->text));
    for (size_t i = 0; verbose && i < v->rule_count; i++) {
        const struct explain_rule *r = &v->rules[i];
        line("", TERM_DIM, "      %s %s rule %zu: %.*s", explain_authz_action(r->action), r->policy,
             r->number, SLICE_ARG(r->why_not.len ? r->why_not : SLICE("matches")));
    }
}

static void print_endpoint(const struct explain_endpoint *end, bool verbose)
{
    const Weft__Config__V1__Endpoint *p = end->endpoint;
    line("", p->ready ? TERM_PLAIN : TERM_WARN, "  %s %s%s%s, %s%s", p->address, p->namespace_,
         *p->namespace_ ? "/" : "", *p->workload ? p->workload : "(no pod)",
         end->is_mutual_tls ? "mutual TLS" : "plain text", p->ready ? "" : ", not ready");
    print_verdict(&end->verdict, verbose);
}

static void print_shares(const struct explain *e, bool verbose)
{
    uint64_t total = 0;
    for (size_t i = 0; i < e->share_count; i++)
        total += e->shares[i].weight;
    for (size_t i = 0; i < e->share_count; i++) {
        const struct explain_share *s = &e->shares[i];
        double percent = total ? 100.0 * s->weight / (double)total : 0;
        if (s->redirect)
            line("to", TERM_BOLD, "%.4g %% redirected", percent);
        else if (!s->cluster && !s->count)
            line("to", TERM_BAD, "%.4g %% nowhere: the backend does not resolve (500)", percent);
        else
            line("to", TERM_BOLD, "%.4g %% %s", percent, s->cluster_name);
        if (s->cluster && !s->count)
            line("", TERM_BAD, "  no endpoints (503)");
        for (size_t j = 0; j < s->count; j++)
            print_endpoint(&s->endpoints[j], verbose);
    }
}

void explain_print_text(const struct explain *e, bool verbose)
{
    print_from(e);
    line("asks", TERM_BOLD, "%.*s %.*s://%.*s%.*s", SLICE_ARG(e->asked.method),
         SLICE_ARG(e->asked.scheme), SLICE_ARG(e->asked.authority), SLICE_ARG(e->asked.target));
    if (e->destination)
        line("destination", TERM_BOLD, "%s (%s)", e->destination,
             explain_print_protocol(e->protocol));
    if (e->entry)
        print_verdict(e->entry, verbose);
    print_route(e, verbose);
    print_shares(e, verbose);
    if (e->status)
        line("answer", TERM_BAD, "%u: %.*s", e->status, SLICE_ARG(e->answer));
    else if (e->answer.len)
        line("remark", TERM_PLAIN, "%.*s", SLICE_ARG(e->answer));
}
