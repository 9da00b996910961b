/* Matches in words, for whoever asks why a route does not match.
 * Not on the request path. Must not decide whether anything matches.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/route/match_trace.h"

static void add(struct arena *arena, struct slice *to, const char *what, struct slice name,
                struct slice value)
{
    *to = arena_printf(arena, "%.*s%s%s%s%.*s %.*s", SLICE_ARG(*to), to->len ? ", " : "", what,
                       name.len ? " " : "", SLICE_ARG(name), SLICE_ARG(value));
}

struct slice match_trace_describe_route(struct arena *arena, const struct route_conf *r)
{
    struct slice text = SLICE("");
    if (r->path.kind != MATCH_ANY)
        add(arena, &text, "path", SLICE(""), match_describe(arena, &r->path));
    if (r->method.len)
        add(arena, &text, "method", SLICE(""), r->method);
    for (uint16_t i = 0; i < r->header_count; i++)
        add(arena, &text, "header", r->headers[i].name,
            match_describe(arena, &r->headers[i].value));
    for (uint16_t i = 0; i < r->claim_count; i++)
        add(arena, &text, "claim", r->claims[i].text, match_describe(arena, &r->claims[i].value));
    for (uint16_t i = 0; i < r->query_count; i++)
        add(arena, &text, "query", r->query[i].name,
            match_describe(arena, &r->query[i].value));
    return text.len ? text : SLICE("every request");
}

static void miss(struct match_trace *t, const char *what, struct slice name, struct slice wanted)
{
    if (!t->miss.len)
        t->miss = arena_printf(t->arena, "%s%s%.*s is not %.*s", what, name.len ? " " : "",
                               SLICE_ARG(name), SLICE_ARG(wanted));
}

void match_trace_path(struct match_trace *t, const struct route_conf *r)
{
    miss(t, "the path", SLICE(""), match_describe(t->arena, &r->path));
}

void match_trace_method(struct match_trace *t, const struct route_conf *r)
{
    miss(t, "the method", SLICE(""), r->method);
}

void match_trace_header(struct match_trace *t, const struct named_match *m)
{
    miss(t, "header", m->name, match_describe(t->arena, &m->value));
}

void match_trace_claim(struct match_trace *t, const struct claim_match *m)
{
    miss(t, "the token's claim", m->text, match_describe(t->arena, &m->value));
}

void match_trace_query(struct match_trace *t, const struct named_match *m)
{
    miss(t, "query parameter", m->name, match_describe(t->arena, &m->value));
}
