/* A response that is kept becomes the answer: whole, a part of it, or the word that the client has
 * it already. The head's texts stay where they are, and so does the body.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_run.h"

#include <inttypes.h>

static const char *const words[] = {
    [CACHE_HIT_EVENT] = "HIT",           [CACHE_MISS_EVENT] = "MISS",
    [CACHE_EXPIRED_EVENT] = "EXPIRED",   [CACHE_STALE_EVENT] = "STALE",
    [CACHE_UPDATING_EVENT] = "UPDATING", [CACHE_REVALIDATED_EVENT] = "REVALIDATED",
    [CACHE_BYPASS_EVENT] = "BYPASS"};

static const char *const rfc9211[] = {
    [CACHE_HIT_EVENT] = "hit",
    [CACHE_MISS_EVENT] = "fwd=uri-miss",
    [CACHE_EXPIRED_EVENT] = "fwd=stale",
    [CACHE_STALE_EVENT] = "hit; detail=stale",
    [CACHE_UPDATING_EVENT] = "hit; detail=updating",
    [CACHE_REVALIDATED_EVENT] = "fwd=stale; fwd-status=304",
    [CACHE_BYPASS_EVENT] = "fwd=bypass"};

void cache_serve_status(struct filter_exchange *x, const struct cache_conf *c,
                        const struct cache_ctx *own, struct message *m)
{
    if (!own->has_status)
        return;
    if (c->status_header.len)
        headers_set(&m->headers, c->status_header, slice_from_cstr(words[own->status]));
    if (!c->says_cache_status)
        return;
    struct slice text = arena_printf(x->arena, "weft; %s", rfc9211[own->status]);
    if (own->entry && own->state == CACHE_SERVED) {
        int64_t left = own->entry->times.fresh_ms -
                       cache_entry_age_ms(own->entry, x->host->now_ms(x));
        text = arena_printf(x->arena, "%.*s; ttl=%" PRId64, SLICE_ARG(text), left / 1000);
    }
    headers_add(&m->headers, SLICE("cache-status"), text);
}

void cache_serve_ask_again(const struct cache_entry *e, struct headers *request)
{
    const struct headers stored = cache_entry_headers(e);
    struct slice tag = headers_get_id(&stored, HEADER_ETAG);
    struct slice date = headers_get_id(&stored, HEADER_LAST_MODIFIED);
    if (tag.len)
        headers_add_id(request, HEADER_IF_NONE_MATCH, tag);
    if (date.len)
        headers_add_id(request, HEADER_IF_MODIFIED_SINCE, date);
}

/* ---- the head ---- */

/* What says something of content that is not sent. */
static bool is_of_content(const struct header *h)
{
    return h->id == HEADER_CONTENT_TYPE || h->id == HEADER_CONTENT_ENCODING ||
           (h->id == HEADER_OTHER && (slice_eq_cstr(h->name, "content-language") ||
                                      slice_eq_cstr(h->name, "content-range")));
}

static void set_length(struct filter_exchange *x, struct message *m, size_t len)
{
    m->content_length = (int64_t)len;
    headers_add_id(&m->headers, HEADER_CONTENT_LENGTH, arena_printf(x->arena, "%zu", len));
}

static struct message *make_head(struct filter_exchange *x, const struct cache_entry *e)
{
    struct message *m = arena_zalloc(x->arena, sizeof(*m));
    message_init(m, x->arena);
    m->version = HTTP_1_1;
    m->status = e->status;
    m->content_length = -1;
    for (uint32_t i = 0; i < e->field_count; i++)
        *headers_add(&m->headers, e->fields[i].name, e->fields[i].value) = e->fields[i];
    int64_t age = cache_entry_age_ms(e, x->host->now_ms(x));
    headers_add_id(&m->headers, HEADER_AGE, arena_printf(x->arena, "%" PRId64, age / 1000));
    return m;
}

/* ---- how much of it ---- */

static void not_modified(struct message *m)
{
    m->status = 304;
    headers_remove_if(&m->headers, is_of_content);
}

static void beyond(struct filter_exchange *x, struct message *m, size_t size)
{
    m->status = 416;
    headers_remove_if(&m->headers, is_of_content);
    headers_add(&m->headers, SLICE("content-range"), arena_printf(x->arena, "bytes */%zu", size));
    set_length(x, m, 0);
}

static void part(struct filter_exchange *x, struct message *m, size_t size, struct cache_range r)
{
    m->status = 206;
    headers_add(&m->headers, SLICE("content-range"),
                arena_printf(x->arena, "bytes %" PRIu64 "-%" PRIu64 "/%zu", r.from,
                             r.from + r.len - 1, size));
    set_length(x, m, (size_t)r.len);
}

static bool has_content(const struct cache_entry *e)
{
    return e->status != 204 && e->status != 304;
}

/* What of the body is sent. */
static struct cache_range shape(struct filter_exchange *x, const struct cache_ctx *own,
                                struct message *m)
{
    const struct cache_entry *e = own->entry;
    const struct headers stored = cache_entry_headers(e);
    struct cache_range whole = {0, e->body ? e->body->len : 0}, some;
    bool is_get = slice_eq_cstr(x->request->method, "GET");
    bool may_differ = e->status == 200 && cache_conditions_are_there(&own->asked);
    if (may_differ && cache_conditions_hold(&own->asked, &stored, x->host->unix_ms(x))) {
        not_modified(m);
        return (struct cache_range){0};
    }
    enum cache_range_verdict v =
        may_differ && is_get ? cache_conditions_range(&own->asked, &stored, whole.len, &some)
                             : CACHE_RANGE_NONE;
    if (v == CACHE_RANGE_BEYOND) {
        beyond(x, m, (size_t)whole.len);
        return (struct cache_range){0};
    }
    if (v == CACHE_RANGE_PART) {
        part(x, m, (size_t)whole.len, some);
        return some;
    }
    if (has_content(e))
        set_length(x, m, (size_t)whole.len);
    return is_get ? whole : (struct cache_range){0};
}

enum filter_verdict cache_serve(struct filter_exchange *x, const struct cache_conf *c,
                                struct cache_ctx *own, enum cache_event status)
{
    struct message *m = make_head(x, own->entry);
    struct buf body;
    buf_init(&body);
    own->state = CACHE_SERVED;
    own->status = status;
    own->has_status = true;
    struct cache_range r = shape(x, own, m);
    if (r.len)
        cache_body_lend(own->entry->body, (size_t)r.from, (size_t)r.len, &body);
    cache_serve_status(x, c, own, m);
    cache_count(x, status);
    x->flag = SLICE("RFCF"); /* as Envoy has it */
    x->host->answer(x, m, &body);
    return FILTER_REPLY;
}
