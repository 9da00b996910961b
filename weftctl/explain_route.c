/* Walking the routes of a virtual host in their order, as data planes do, and keeping the reasons.
 * Main thread. Must not know where requests go then.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/explain_route.h"

#include "lib/codec/preflight.h"
#include "weftctl/holds.h"

typedef Weft__Config__V1__VirtualHost virtual_host;
typedef Weft__Config__V1__Route route;
typedef Weft__Config__V1__NamedMatch named_match;

/* How well a name covers the host: 0 not at all. */
static size_t rank_of(const char *name, struct slice host)
{
    struct slice text = slice_from_cstr(name);
    if (slice_eq(text, SLICE("*")))
        return 1;
    if (slice_starts_with(text, SLICE("*."))) {
        struct slice suffix = slice_sub(text, 1, text.len);
        return host.len > suffix.len && slice_ends_with(host, suffix) ? 1 + suffix.len : 0;
    }
    return slice_eq(text, host) ? SIZE_MAX : 0;
}

static const virtual_host *choose_host(virtual_host *const *hosts, size_t count, struct slice host,
                                       const char **name)
{
    const virtual_host *best = NULL;
    size_t best_rank = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < hosts[i]->n_hosts; j++) {
            size_t rank = rank_of(hosts[i]->hosts[j], host);
            if (rank > best_rank) {
                best_rank = rank;
                best = hosts[i];
                *name = hosts[i]->hosts[j];
            }
        }
    }
    return best;
}

/* ---- one part of a match each: empty when it holds, else why not ---- */

static struct slice judge_path(struct arena *arena, const Weft__Config__V1__RouteMatch *m,
                               const struct asked *asked)
{
    if (!m->path || holds_string(m->path, asked->path) == HOLDS_YES)
        return SLICE("");
    return arena_printf(arena, "the path is not %.*s", SLICE_ARG(holds_describe(arena, m->path)));
}

static struct slice judge_header(struct arena *arena, const named_match *m,
                                 const struct asked *asked)
{
    struct slice name = slice_from_cstr(m->name), value;
    enum holds any = HOLDS_NO;
    size_t at = 0;
    if (slice_eq(name, SLICE("host")))
        any = holds_upright(m->value, asked->authority);
    while ((value = asked_next_header(asked, name, &at)).ptr)
        any = holds_or(any, holds_upright(m->value, value));
    if ((m->value->invert ? holds_not(any) : any) == HOLDS_YES)
        return SLICE("");
    return arena_printf(arena, "header %s is not %.*s", m->name,
                        SLICE_ARG(holds_describe(arena, m->value)));
}

static struct slice judge_query(struct arena *arena, const named_match *m,
                                const struct asked *asked)
{
    struct slice value = asked_query(asked, arena, slice_from_cstr(m->name));
    enum holds h = value.ptr ? holds_upright(m->value, value) : HOLDS_NO;
    if ((m->value->invert ? holds_not(h) : h) == HOLDS_YES)
        return SLICE("");
    return arena_printf(arena, "query parameter %s is not %.*s", m->name,
                        SLICE_ARG(holds_describe(arena, m->value)));
}

/* Why the route does not match; empty when it does. */
static struct slice judge(struct arena *arena, const route *r, const struct asked *asked,
                          const struct preflight *announced)
{
    const Weft__Config__V1__RouteMatch *m = r->match;
    struct slice why = SLICE(""), method = announced ? announced->method : asked->method;
    if (!m)
        return why;
    why = judge_path(arena, m, asked);
    if (!why.len && *m->method && !slice_eq_cstr(method, m->method))
        why = arena_printf(arena, "the method is not %s", m->method);
    for (size_t i = 0; i < m->n_headers && !why.len; i++)
        if (!announced || !preflight_announces(announced, slice_from_cstr(m->headers[i]->name)))
            why = judge_header(arena, m->headers[i], asked);
    for (size_t i = 0; i < m->n_query && !why.len; i++)
        why = judge_query(arena, m->query[i], asked);
    return why;
}

/* ---- what did match ---- */

static void add_words(struct arena *arena, struct slice *to, const char *what, const char *name,
                      struct slice words)
{
    *to = arena_printf(arena, "%.*s%s%s%s%s %.*s", SLICE_ARG(*to), to->len ? ", " : "", what,
                       *name ? " " : "", name, SLICE_ARG(words));
}

static struct slice describe(struct arena *arena, const route *r)
{
    const Weft__Config__V1__RouteMatch *m = r->match;
    struct slice text = SLICE("");
    if (m && m->path)
        add_words(arena, &text, "path", "", holds_describe(arena, m->path));
    if (m && *m->method)
        add_words(arena, &text, "method", "", slice_from_cstr(m->method));
    for (size_t i = 0; m && i < m->n_headers; i++)
        add_words(arena, &text, "header", m->headers[i]->name,
                  holds_describe(arena, m->headers[i]->value));
    for (size_t i = 0; m && i < m->n_query; i++)
        add_words(arena, &text, "query", m->query[i]->name,
                  holds_describe(arena, m->query[i]->value));
    return text.len ? text : SLICE("every request");
}

static const route *walk(struct arena *arena, const virtual_host *vh, const struct asked *asked,
                         const struct preflight *announced, struct explain_route *out)
{
    out->tried_count = 0;
    for (size_t i = 0; i < vh->n_routes; i++) {
        struct slice why = judge(arena, vh->routes[i], asked, announced);
        if (!why.len)
            return vh->routes[i];
        out->tried[out->tried_count++] = (struct explain_tried){vh->routes[i]->name, why};
    }
    return NULL;
}

static bool read_preflight(struct arena *arena, const struct asked *asked, struct preflight *out)
{
    struct message *m = arena_alloc(arena, sizeof(*m));
    message_init(m, arena);
    m->method = asked->method;
    for (size_t i = 0; i < asked->header_count; i++)
        headers_add(&m->headers, asked->headers[i].name, asked->headers[i].value);
    return preflight_read(out, m);
}

/* The order of route_table_find. */
static const route *choose_route(struct arena *arena, const virtual_host *vh,
                                 const struct asked *asked, struct explain_route *out)
{
    struct preflight preflight;
    const route *announced = NULL;
    out->is_preflight = read_preflight(arena, asked, &preflight);
    if (out->is_preflight)
        announced = walk(arena, vh, asked, &preflight, out);
    if (announced && announced->cors)
        return announced;
    const route *plain = walk(arena, vh, asked, NULL, out);
    return plain && !(plain->cors && announced) ? plain : announced;
}

void explain_route_find(struct arena *arena, virtual_host *const *hosts, size_t count,
                        const struct asked *asked, struct explain_route *out)
{
    *out = (struct explain_route){0};
    const virtual_host *vh = choose_host(hosts, count, asked->host, &out->host);
    if (!vh)
        return;
    out->tried = arena_alloc(arena, (vh->n_routes + 1) * sizeof(*out->tried));
    out->route = choose_route(arena, vh, asked, out);
    if (out->route)
        out->why = describe(arena, out->route);
}
