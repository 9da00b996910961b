/* Filters over a request that nobody sent: what they change is what the next sidecar sees. The
 * changes are made by the filters themselves. Main thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/header_fold.h"
#include "sidecar/filters/authz.h"
#include "sidecar/filters/cors.h"
#include "sidecar/filters/header_mutation.h"
#include "sidecar/filters/redirect.h"
#include "sidecar/filters/rewrite.h"
#include "weftctl/explain/explain.h"

static bool has_odd_names(const struct message *request)
{
    for (uint32_t i = 0; i < request->headers.count; i++) {
        const struct header *h = &request->headers.items[i];
        if (h->id == HEADER_OTHER && header_fold_is_odd(h->name))
            return true;
    }
    return false;
}

const struct filter_entry *explain_filters_apply(struct explain *e,
                                                 const struct filter_chain *chain,
                                                 struct message *request, bool is_preflight)
{
    for (uint32_t i = 0; chain && i < chain->count; i++) {
        const struct filter_entry *entry = &chain->entries[i];
        if (entry->filter == &filter_redirect || (entry->filter == &filter_cors && is_preflight))
            return entry;
        if (entry->filter == &filter_header_mutation)
            header_mutation_request(entry->conf, request, has_odd_names(request));
        else if (entry->filter == &filter_rewrite)
            rewrite_request(entry->conf, request, &e->arena, e->asked.path);
    }
    return NULL;
}

/* ---- in words ---- */

static void add(struct arena *arena, struct slice *to, const char *verb,
                const struct header_mutation_item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        *to = items[i].value.len
                  ? arena_printf(arena, "%.*s%s%s %.*s: %.*s", SLICE_ARG(*to), to->len ? ", " : "",
                                 verb, SLICE_ARG(items[i].name), SLICE_ARG(items[i].value))
                  : arena_printf(arena, "%.*s%s%s %.*s", SLICE_ARG(*to), to->len ? ", " : "", verb,
                                 SLICE_ARG(items[i].name));
}

static struct slice describe_mutation(struct arena *arena, const struct header_mutation *m)
{
    struct slice text = SLICE("");
    add(arena, &text, "remove", m->remove, m->remove_count);
    add(arena, &text, "set", m->set, m->set_count);
    add(arena, &text, "add", m->add, m->add_count);
    return text;
}

static struct slice describe_headers(struct arena *arena, const struct header_mutation_conf *c)
{
    struct slice request = describe_mutation(arena, &c->request);
    struct slice response = describe_mutation(arena, &c->response);
    return arena_printf(arena, "%s%.*s%s%s%.*s", request.len ? "request headers: " : "",
                        SLICE_ARG(request), request.len && response.len ? "; " : "",
                        response.len ? "response headers: " : "", SLICE_ARG(response));
}

static struct slice describe_path(struct arena *arena, const struct path_modifier *m)
{
    switch (m->kind) {
    case PATH_REPLACE_FULL:
        return arena_printf(arena, " path %.*s", SLICE_ARG(m->value));
    case PATH_REPLACE_PREFIX:
        return arena_printf(arena, " path %.*s… to %.*s…", SLICE_ARG(m->prefix),
                            SLICE_ARG(m->value.len ? m->value : SLICE("/")));
    case PATH_KEEP:
        break;
    }
    return SLICE("");
}

static struct slice describe_redirect(struct arena *arena, const struct redirect_conf *c)
{
    struct slice text = arena_printf(arena, "redirect with %u", c->status);
    if (c->scheme.len)
        text = arena_printf(arena, "%.*s to scheme %.*s", SLICE_ARG(text), SLICE_ARG(c->scheme));
    if (c->hostname.len)
        text = arena_printf(arena, "%.*s to host %.*s", SLICE_ARG(text), SLICE_ARG(c->hostname));
    if (c->port)
        text = arena_printf(arena, "%.*s to port %u", SLICE_ARG(text), c->port);
    struct slice path = describe_path(arena, &c->path);
    return arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(text), path.len ? " to" : "",
                        SLICE_ARG(path));
}

static struct slice describe_rewrite(struct arena *arena, const struct rewrite_conf *c)
{
    struct slice path = describe_path(arena, &c->path);
    return arena_printf(arena, "rewrite%s%.*s%s%.*s", c->hostname.len ? " host to " : "",
                        SLICE_ARG(c->hostname), c->hostname.len && path.len ? "," : "",
                        SLICE_ARG(path));
}

static struct slice describe_cors(struct arena *arena, const struct cors_conf *c)
{
    struct slice text = SLICE("CORS for");
    for (uint32_t i = 0; i < c->origin_count; i++)
        text = arena_printf(arena, "%.*s%s %.*s%s%.*s", SLICE_ARG(text), i ? "," : "",
                            SLICE_ARG(c->origins[i].before), c->origins[i].is_wildcard ? "*" : "",
                            SLICE_ARG(c->origins[i].after));
    return c->any_origin ? arena_printf(arena, "%.*s%s any origin", SLICE_ARG(text),
                                        c->origin_count ? "," : "")
                         : text;
}

struct slice explain_filters_describe(struct arena *arena, const struct filter_entry *entry)
{
    if (entry->filter == &filter_header_mutation)
        return describe_headers(arena, entry->conf);
    if (entry->filter == &filter_redirect)
        return describe_redirect(arena, entry->conf);
    if (entry->filter == &filter_rewrite)
        return describe_rewrite(arena, entry->conf);
    if (entry->filter == &filter_cors)
        return describe_cors(arena, entry->conf);
    return slice_from_cstr(entry->filter->name);
}
