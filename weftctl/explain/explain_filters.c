/* Filters over a request that nobody sent: what they change is what the next sidecar sees. It is
 * their own hooks that run, but not those of filters that go by more than the request (chance,
 * time, the answers of others). Main thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/header_fold.h"
#include "weftctl/explain/explain.h"

struct rehearsal {
    struct filter_exchange x; /* first */
    struct message response;
};

static struct message *reply(struct filter_exchange *x, unsigned status, struct slice body)
{
    struct rehearsal *r = (struct rehearsal *)(void *)x;
    (void)body;
    message_init(&r->response, x->arena);
    r->response.status = (uint16_t)status;
    x->response = &r->response;
    return x->response;
}

static struct message *fail(struct filter_exchange *x, const struct fail_info *why,
                            struct slice detail)
{
    return reply(x, why->http_status, detail);
}

static void no_wake(struct filter_exchange *x)
{
    (void)x;
}

static void no_wake_after(struct filter_exchange *x, uint32_t ms)
{
    (void)x;
    (void)ms;
}

static uint64_t no_time(const struct filter_exchange *x)
{
    (void)x;
    return 0;
}

static int64_t no_date(const struct filter_exchange *x)
{
    (void)x;
    return 0;
}

static uint64_t no_chance(struct filter_exchange *x)
{
    (void)x;
    return 0;
}

static void no_count(struct filter_exchange *x, const struct filter *f, unsigned event)
{
    (void)x;
    (void)f;
    (void)event;
}

/* Nobody sent one. */
static bool no_body(struct filter_exchange *x, size_t max, struct slice *out, bool *is_whole)
{
    (void)x;
    (void)max;
    *out = SLICE("");
    return *is_whole = true;
}

static void no_other_body(struct filter_exchange *x, struct slice body)
{
    (void)x;
    (void)body;
}

static const struct filter_host host = {
    .reply = reply,
    .fail = fail,
    .wake = no_wake,
    .wake_after = no_wake_after,
    .now_ms = no_time,
    .now_us = no_time,
    .unix_ms = no_date,
    .random = no_chance,
    .peek_body = no_body,
    .replace_body = no_other_body,
    .count = no_count,
};

static bool has_odd_names(const struct message *request)
{
    for (uint32_t i = 0; i < request->headers.count; i++) {
        const struct header *h = &request->headers.items[i];
        if (h->id == HEADER_OTHER && header_fold_is_odd(h->name))
            return true;
    }
    return false;
}

static void begin(struct rehearsal *r, struct explain *e, struct message *request,
                  const struct downstream_info *down)
{
    *r = (struct rehearsal){.x = {.host = &host,
                                  .arena = &e->arena,
                                  .request = request,
                                  .original_path = e->asked.target,
                                  .match_path = e->asked.path,
                                  .other_paths = e->asked.other_paths,
                                  .downstream = down,
                                  .client = &e->client,
                                  .consumers = snapshot_consumers(e->snapshot),
                                  .has_odd_names = has_odd_names(request)}};
    if (!e->route)
        return;
    r->x.route = e->route->name;
    r->x.matched_prefix = e->route->matched_prefix;
    r->x.listener_port = e->route->listener_port;
}

const struct filter_entry *explain_filters_apply(struct explain *e,
                                                 const struct filter_chain *chain,
                                                 struct message *request, unsigned *status)
{
    struct downstream_info down = {.is_tls = slice_eq(e->asked.scheme, SLICE("https"))};
    struct rehearsal r;
    begin(&r, e, request, &down);
    for (uint32_t i = 0; chain && i < chain->count; i++) {
        const struct filter *f = chain->entries[i].filter;
        void *ctx = f->ctx_size ? arena_zalloc(&e->arena, f->ctx_size) : NULL;
        if (!f->is_pure || !f->on_request ||
            f->on_request(&r.x, chain->entries[i].conf, ctx) != FILTER_REPLY)
            continue;
        *status = r.x.response->status;
        return &chain->entries[i];
    }
    return NULL;
}

struct slice explain_filters_describe(struct explain *e, const struct filter_entry *entry)
{
    const struct filter *f = entry->filter;
    struct slice prefix = e->route ? e->route->matched_prefix : SLICE("");
    struct slice text =
        f->describe ? f->describe(&e->arena, entry->conf, prefix) : slice_from_cstr(f->name);
    struct slice owner = filter_entry_owner(entry);
    return owner.len ? arena_printf(&e->arena, "HTTPFilter %.*s: %.*s", SLICE_ARG(owner),
                                    SLICE_ARG(text))
                     : text;
}
