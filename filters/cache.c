/* cache: responses are kept and sent again (RFC 9111), with the words of nginx for what it did.
 *
 * Its phase is the last one, so that whoever may not have a response has been turned away before it
 * is looked for, and so that what is kept is what the backend has said: the filters of earlier
 * phases see a response that was kept as they see one that just came, and compress or change it for
 * this client.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_refresh.h"

static const char *const events[] = {[CACHE_HIT_EVENT] = "hit",
                                     [CACHE_MISS_EVENT] = "miss",
                                     [CACHE_EXPIRED_EVENT] = "expired",
                                     [CACHE_STALE_EVENT] = "stale",
                                     [CACHE_UPDATING_EVENT] = "updating",
                                     [CACHE_REVALIDATED_EVENT] = "revalidated",
                                     [CACHE_BYPASS_EVENT] = "bypassed",
                                     [CACHE_STORED_EVENT] = "stored",
                                     [CACHE_EVICTED_EVENT] = "evicted",
                                     [CACHE_COLLAPSED_EVENT] = "collapsed",
                                     [CACHE_INVALIDATED_EVENT] = "invalidated",
                                     NULL};

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("cache_only_if_cached"),
     .http_status = 504,
     .grpc_status = 14,
     .flag = FAIL_TEXT("RFCF"),
     .is_public = true,
     .text = FAIL_TEXT("the request wants a stored response, which there is not")},
};

/* ---- what the request is ---- */

static bool is_safe(struct slice method)
{
    static const char *const names[] = {"GET", "HEAD", "OPTIONS", "TRACE"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_eq_cstr(method, names[i]))
            return true;
    return false;
}

static bool is_read(struct slice method)
{
    return slice_eq_cstr(method, "GET") || slice_eq_cstr(method, "HEAD");
}

static void say(struct filter_exchange *x, struct cache_ctx *own, enum cache_event status)
{
    own->status = status;
    own->has_status = true;
    cache_count(x, status);
}

static void read_client(const struct filter_exchange *x, const struct cache_conf *c,
                        struct cache_ctx *own)
{
    const struct headers *h = &x->request->headers;
    const struct header *pragma = headers_find(h, SLICE("pragma"));
    struct cache_control said = cache_control_read(h);
    bool wants_fresh =
        pragma && slice_find(pragma->value, SLICE("no-cache")) < pragma->value.len;
    if (!said.is_there && wants_fresh)
        said.no_cache = said.is_there = true;
    if (c->client == CACHE_BYPASS)
        own->reads = !said.is_there;
    else if (c->client == CACHE_HONOR)
        own->client = said;
    if (c->client == CACHE_HONOR && said.no_store)
        own->reads = own->is_stored = false;
}

static enum cache_state classify(struct filter_exchange *x, const struct cache_conf *c,
                                 struct cache_ctx *own)
{
    const struct message *m = x->request;
    if (!is_safe(m->method))
        return CACHE_CHANGING;
    if (!is_read(m->method) || message_may_switch(m) || message_is_grpc(m) ||
        m->content_length > 0 || cache_conditions_are_origins(&m->headers))
        return CACHE_PASSING;
    if (cache_key_is_bypassed(x, c)) {
        say(x, own, CACHE_BYPASS_EVENT);
        return CACHE_PASSING;
    }
    own->asked = m->headers;
    own->reads = own->is_stored = true;
    if (c->client != CACHE_IGNORE)
        read_client(x, c, own);
    own->is_stored = own->is_stored && slice_eq_cstr(m->method, "GET");
    return CACHE_LOOKING;
}

/* A body may be what a GET is about, and is not in the key: with one it is another matter. False:
 * it is not known yet whether there is one. */
static bool begin(struct filter_exchange *x, const struct cache_conf *c, struct cache_ctx *own)
{
    struct slice body;
    bool is_whole;
    enum cache_state state = classify(x, c, own);
    if (state == CACHE_LOOKING && x->request->content_length < 0) {
        if (!x->host->peek_body(x, 1, &body, &is_whole))
            return false;
        state = body.len || !is_whole ? CACHE_PASSING : state;
    }
    if (state != CACHE_PASSING)
        cache_find_keys(x, c, own);
    own->state = state;
    return true;
}

/* ---- fetching ---- */

/* The request that is sent on asks for all of it, or whether what is kept still holds. */
static void prepare_request(struct filter_exchange *x, struct cache_ctx *own)
{
    struct headers *h = &x->request->headers;
    struct headers own_copy;
    headers_init(&own_copy, x->arena);
    for (uint32_t i = 0; i < h->count; i++)
        *headers_add(&own_copy, h->items[i].name, h->items[i].value) = h->items[i];
    own->asked = own_copy;
    cache_conditions_remove(h);
    if (own->entry)
        cache_serve_ask_again(own->entry, h);
}

static enum filter_verdict fetch(struct filter_exchange *x, const struct cache_conf *c,
                                 struct cache_ctx *own)
{
    bool is_part = headers_find_id(&own->asked, HEADER_RANGE) != NULL;
    bool collapses = own->is_stored && own->reads && !is_part;
    if (own->client.only_if_cached) {
        x->host->fail(x, &fails[0], (struct slice){0});
        return FILTER_REPLY;
    }
    if (collapses && cache_find_waits(x, c, own))
        return FILTER_WAIT;
    say(x, own,
        !own->reads   ? CACHE_BYPASS_EVENT
        : own->entry ? CACHE_EXPIRED_EVENT
                     : CACHE_MISS_EVENT);
    own->state = own->is_stored && !is_part ? CACHE_FETCHING : CACHE_PASSING;
    own->asked_ms = x->host->now_ms(x);
    if (own->state == CACHE_FETCHING)
        prepare_request(x, own);
    return FILTER_NEXT;
}

/* ---- looking ---- */

static int64_t seconds_ms(int64_t seconds, int64_t otherwise)
{
    return seconds == CACHE_CONTROL_NONE ? otherwise : seconds * 1000;
}

/* As the client wants it (RFC 9111 §5.2.1), where that is honoured. */
static bool is_fresh(const struct cache_ctx *own, int64_t age_ms)
{
    const struct cache_control *want = &own->client;
    const struct cache_times *t = &own->entry->times;
    if (!want->is_there)
        return age_ms < t->fresh_ms;
    if (want->no_cache || age_ms > seconds_ms(want->max_age, INT64_MAX))
        return false;
    int64_t margin = seconds_ms(want->min_fresh, 0);
    return age_ms + margin < t->fresh_ms;
}

static enum filter_verdict look(struct filter_exchange *x, const struct cache_conf *c,
                                struct cache_ctx *own)
{
    cache_find_stop_waiting(x, own);
    if (own->reads)
        cache_find(x, c, own);
    int64_t age = own->entry ? cache_entry_age_ms(own->entry, x->host->now_ms(x)) : 0;
    if (own->entry && is_fresh(own, age))
        return cache_serve(x, c, own, CACHE_HIT_EVENT);
    if (own->entry && !own->client.is_there &&
        age < own->entry->times.fresh_ms + own->entry->times.revalidate_ms) {
        enum cache_refresh r = cache_refresh_begin(x, c, own);
        if (r != CACHE_REFRESH_NONE)
            return cache_serve(x, c, own,
                               r == CACHE_REFRESH_BEGUN ? CACHE_STALE_EVENT
                                                        : CACHE_UPDATING_EVENT);
    }
    return fetch(x, c, own);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct cache_conf *c = conf;
    struct cache_ctx *own = ctx;
    if (own->state == CACHE_NEW && !begin(x, c, own))
        return FILTER_WAIT;
    return own->state == CACHE_LOOKING ? look(x, c, own) : FILTER_NEXT;
}

/* ---- what came of it ---- */

static bool is_error(unsigned status)
{
    return status == 500 || status == 502 || status == 503 || status == 504;
}

static bool saves_the_day(struct filter_exchange *x, const struct cache_ctx *own)
{
    if (!own->entry || !is_error(x->response->status))
        return false;
    int64_t age = cache_entry_age_ms(own->entry, x->host->now_ms(x));
    return age < own->entry->times.fresh_ms + own->entry->times.error_ms;
}

static enum filter_verdict take_head(struct filter_exchange *x, const struct cache_conf *c,
                                     struct cache_ctx *own)
{
    if (saves_the_day(x, own)) {
        cache_find_land(x, own, true, true);
        return cache_serve(x, c, own, CACHE_STALE_EVENT);
    }
    if (x->is_answered_here) {
        cache_find_land(x, own, false, true);
        return FILTER_NEXT;
    }
    if (own->entry && x->response->status == 304) {
        cache_fill_refresh(x, c, own);
        return cache_serve(x, c, own, CACHE_REVALIDATED_EVENT);
    }
    cache_fill_begin(x, c, own);
    return FILTER_NEXT;
}

/* What was kept of a resource that was changed may be wrong (RFC 9111 §4.4). */
static void invalidate(struct filter_exchange *x, const struct cache_conf *c,
                       const struct cache_ctx *own)
{
    bool is_done = x->response->status >= 200 && x->response->status < 400;
    if (is_done && !x->is_answered_here && cache_store_remove(c->store, own->key, own->hash))
        cache_count(x, CACHE_INVALIDATED_EVENT);
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct cache_conf *c = conf;
    struct cache_ctx *own = ctx;
    enum filter_verdict verdict = FILTER_NEXT;
    if (own->state == CACHE_CHANGING)
        invalidate(x, c, own);
    if (own->state == CACHE_FETCHING)
        verdict = take_head(x, c, own);
    if (verdict == FILTER_NEXT && own->state != CACHE_SERVED && !x->is_answered_here)
        cache_serve_status(x, c, own, x->response);
    return verdict;
}

static enum filter_verdict on_response_body(struct filter_exchange *x, const void *conf, void *ctx,
                                            struct buf *body, bool end)
{
    cache_fill_take(x, conf, ctx, body, end);
    return FILTER_NEXT;
}

static void on_end(struct filter_exchange *x, const void *conf, void *ctx)
{
    struct cache_ctx *own = ctx;
    cache_find_stop_waiting(x, own);
    cache_fill_drop(conf, own);
    cache_find_land(x, own, false, true);
    cache_entry_drop(own->entry);
    own->entry = NULL;
}

const struct filter filter_cache = {
    .name = "cache",
    .doc = "Keeps responses and sends them again, as RFC 9111 says.",
    .phase = FILTER_PHASE_ANSWER,
    .spec = &cache_spec_schema,
    .conf_size = sizeof(struct cache_conf),
    .ctx_size = sizeof(struct cache_ctx),
    .prepare = cache_conf_prepare,
    .on_request = on_request,
    .on_response = on_response,
    .on_response_body = on_response_body,
    .on_end = on_end,
    .describe = cache_conf_describe,
    .events = events,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
