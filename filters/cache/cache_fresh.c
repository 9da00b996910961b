/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_fresh.h"

#include "lib/codec/http/http_date.h"

/* A year: whoever says more means for ever. */
#define FRESH_MAX_MS (INT64_C(365) * 86400000)

/* ---- how old it is ---- */

/* The first of several counts, and what is no number is not there (RFC 9111 §5.1). */
static int64_t said_age_ms(const struct headers *h)
{
    struct slice rest = headers_get_id(h, HEADER_AGE), first = SLICE("");
    int64_t seconds;
    slice_split(&rest, ',', &first);
    return cache_control_seconds(slice_trim(first), &seconds) ? seconds * 1000 : 0;
}

static int64_t age_ms(const struct cache_question *q)
{
    const struct headers *h = &q->response->headers;
    int64_t date, apparent = 0, said = said_age_ms(h) + q->delay_ms;
    if (!http_date_read_any(headers_get_id(h, HEADER_DATE), q->now_ms, &date) && date < q->now_ms)
        apparent = q->now_ms - date;
    return apparent > said ? apparent : said;
}

/* ---- for how long ---- */

static int64_t capped(int64_t ms)
{
    return ms < 0 ? 0 : ms < FRESH_MAX_MS ? ms : FRESH_MAX_MS;
}

static int64_t seconds_or(int64_t seconds, int64_t ms)
{
    return seconds == CACHE_CONTROL_NONE ? ms : capped(seconds * 1000);
}

/* Expires, which what is no date, or there twice, has passed (RFC 9111 §5.3). */
static int64_t until_expiry_ms(const struct cache_question *q)
{
    const struct headers *h = &q->response->headers;
    int64_t expires, date = q->now_ms;
    unsigned count = 0;
    for (uint32_t i = 0; i < h->count; i++)
        count += h->items[i].id == HEADER_EXPIRES;
    if (count > 1 ||
        http_date_read_any(headers_get_id(h, HEADER_EXPIRES), q->now_ms, &expires))
        return 0;
    if (http_date_read_any(headers_get_id(h, HEADER_DATE), q->now_ms, &date))
        date = q->now_ms;
    return capped(expires - date);
}

/* CACHE_CONTROL_NONE: nobody says. */
static int64_t ttl_ms(const struct cache_rules *r, unsigned status)
{
    for (uint32_t i = 0; i < r->ttl_count; i++)
        if (status >= r->ttls[i].from && status <= r->ttls[i].to)
            return r->ttls[i].fresh_ms;
    return CACHE_CONTROL_NONE;
}

static int64_t fresh_ms(const struct cache_rules *r, const struct cache_question *q,
                        const struct cache_control *c)
{
    if (!r->ignores_origin) {
        if (c->no_cache)
            return 0;
        if (c->s_maxage != CACHE_CONTROL_NONE || c->max_age != CACHE_CONTROL_NONE)
            return seconds_or(c->s_maxage, seconds_or(c->max_age, 0));
        if (headers_find_id(&q->response->headers, HEADER_EXPIRES))
            return until_expiry_ms(q);
    }
    return ttl_ms(r, q->response->status);
}

/* What must be checked with the backend is of no use without it (RFC 9111 §4.2.4). */
static void take_grace(const struct cache_rules *r, const struct cache_control *c,
                       struct cache_times *out)
{
    bool is_strict = !r->ignores_origin &&
                     (c->must_revalidate || c->proxy_revalidate || c->no_cache ||
                      c->s_maxage != CACHE_CONTROL_NONE);
    bool asks = !r->ignores_origin;
    if (is_strict)
        return;
    out->revalidate_ms =
        asks ? seconds_or(c->stale_while_revalidate, r->revalidate_ms) : r->revalidate_ms;
    out->error_ms = asks ? seconds_or(c->stale_if_error, r->error_ms) : r->error_ms;
}

/* ---- may it be kept ---- */

bool cache_fresh_can_be_checked(const struct headers *h)
{
    return headers_get_id(h, HEADER_ETAG).len || headers_get_id(h, HEADER_LAST_MODIFIED).len;
}

static bool varies_by_anything(const struct headers *h)
{
    for (uint32_t i = 0; i < h->count; i++) {
        struct slice rest = h->items[i].value, one;
        while (h->items[i].id == HEADER_VARY && slice_split(&rest, ',', &one))
            if (slice_eq_cstr(slice_trim(one), "*"))
                return true;
    }
    return false;
}

/* Parts, answers to conditions, and what a sidecar says by itself are not what was asked for. */
static bool is_whole(const struct message *m)
{
    return m->status >= 200 && m->status != 206 && m->status != 304 && m->status != 416 &&
           !headers_find_id(&m->headers, HEADER_WEFT_REASON);
}

/* Statuses whose meaning a cache knows (RFC 9110 §15). */
static bool is_understood(unsigned status)
{
    return (status >= 200 && status <= 204) || (status >= 300 && status <= 308) ||
           (status >= 400 && status <= 417) || status == 421 || status == 422 || status == 426 ||
           (status >= 500 && status <= 505);
}

static bool origin_refuses(const struct cache_question *q, const struct cache_control *c)
{
    bool shares = c->is_public || c->must_revalidate || c->s_maxage != CACHE_CONTROL_NONE;
    if (c->must_understand ? !is_understood(q->response->status) : c->no_store)
        return true;
    return c->is_private || (q->is_personal && !shares);
}

enum cache_verdict cache_fresh_judge(const struct cache_rules *r, const struct cache_question *q,
                                     struct cache_times *out)
{
    const struct headers *h = &q->response->headers;
    struct cache_control c = cache_control_read(h);
    *out = (struct cache_times){0};
    if (!is_whole(q->response) || varies_by_anything(h) ||
        headers_find_id(h, HEADER_SET_COOKIE) ||
        (r->ignores_origin ? q->is_personal : origin_refuses(q, &c)))
        return CACHE_REFUSE;
    out->fresh_ms = fresh_ms(r, q, &c);
    if (out->fresh_ms == CACHE_CONTROL_NONE)
        return CACHE_SHORT;
    out->age_ms = age_ms(q);
    take_grace(r, &c, out);
    /* What is stale when it comes is of use only if the backend can be asked whether it holds. */
    return out->age_ms < out->fresh_ms || cache_fresh_can_be_checked(h) ? CACHE_STORE : CACHE_SHORT;
}
