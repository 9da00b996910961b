/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_shelf.h"

#include "filters/cache/cache_key.h"
#include "lib/base/map.h"
#include "lib/codec/http/http_date.h"

/* ---- judging ---- */

enum cache_verdict cache_shelf_judge(const struct cache_shelf *s, uint16_t status,
                                     const struct headers *h, struct cache_times *out)
{
    struct message m = {.status = status, .headers = *h, .content_length = -1};
    struct cache_question q = {
        .response = &m,
        .is_personal = s->is_personal,
        .now_ms = s->unix_ms,
        .delay_ms = s->now_ms > s->asked_ms ? (int64_t)(s->now_ms - s->asked_ms) : 0};
    return cache_fresh_judge(s->rules, &q, out);
}

static void add_date(const struct cache_shelf *s, struct headers *h)
{
    char text[HTTP_DATE_SIZE];
    if (headers_find_id(h, HEADER_DATE))
        return;
    http_date_write(s->unix_ms, text);
    headers_add_id(h, HEADER_DATE, arena_copy(s->arena, slice_from_cstr(text)));
}

void cache_shelf_copy(const struct cache_shelf *s, const struct headers *from, struct headers *to)
{
    headers_init(to, s->arena);
    headers_copy(to, from);
    add_date(s, to);
}

/* ---- putting ---- */

static bool put(struct cache_shelf *s, struct cache_entry *e)
{
    bool is_kept;
    s->evicted += cache_store_put(s->store, e, s->max_bytes, &is_kept);
    return is_kept;
}

/* The edition of those that vary so: theirs if it is known already, else a new one. 0: there is no
 * room for that. */
static uint64_t edition_of(struct cache_shelf *s, struct slice vary)
{
    struct cache_entry *e = cache_store_find(s->store, s->key, s->hash);
    if (!e || e->status || !slice_eq(e->vary, vary)) {
        struct cache_entry_draft d = {.key = s->key,
                                      .hash = s->hash,
                                      .vary = vary,
                                      .edition = atomic_fetch_add(&s->store->editions, 1) + 1};
        cache_entry_drop(e);
        e = cache_entry_create(&d);
        if (!put(s, e)) {
            cache_entry_drop(e);
            return 0;
        }
    }
    uint64_t edition = e->edition;
    cache_entry_drop(e);
    return edition;
}

struct cache_entry *cache_shelf_put(struct cache_shelf *s, uint16_t status,
                                    const struct headers *h, const struct cache_times *times,
                                    struct cache_body *body)
{
    struct slice vary = cache_key_vary(s->arena, h);
    uint64_t edition = vary.len ? edition_of(s, vary) : 0;
    struct cache_entry_draft d = {.key = s->key,
                                  .hash = s->hash,
                                  .times = *times,
                                  .born_ms = (int64_t)s->now_ms,
                                  .status = status,
                                  .headers = h,
                                  .body = body};
    if (vary.len) {
        d.key = cache_key_variant(s->arena, s->key, edition, vary, s->asked);
        d.hash = map_hash(d.key);
    }
    struct cache_entry *e = cache_entry_create(&d);
    s->is_kept = (!vary.len || edition) && put(s, e);
    return e;
}

void cache_shelf_forget(const struct cache_shelf *s, const struct cache_entry *e)
{
    if (e)
        cache_store_remove(s->store, e->key, e->hash);
}

/* ---- 304 ---- */

/* Of the content, which the 304 does not have (RFC 9111 §3.2). */
static bool is_of_content(const struct header *h)
{
    return h->id == HEADER_CONTENT_LENGTH || h->id == HEADER_CONTENT_ENCODING ||
           h->id == HEADER_CONTENT_TYPE || slice_eq_cstr(h->name, "content-range");
}

/* Where the 304 says no date, it is of now. */
static void merge(const struct cache_shelf *s, const struct headers *old,
                  const struct headers *news, struct headers *to)
{
    headers_init(to, s->arena);
    for (uint32_t i = 0; i < old->count; i++) {
        const struct header *h = &old->items[i];
        bool is_new = h->id == HEADER_DATE ||
                      (!is_of_content(h) && headers_find(news, h->name) != NULL);
        if (!is_new)
            *headers_add(to, h->name, h->value) = *h;
    }
    for (uint32_t i = 0; i < news->count; i++)
        if (!is_of_content(&news->items[i]))
            *headers_add(to, news->items[i].name, news->items[i].value) = news->items[i];
    add_date(s, to);
}

struct cache_entry *cache_shelf_renew(struct cache_shelf *s, const struct cache_entry *old,
                                      const struct headers *news)
{
    const struct headers kept = cache_entry_headers(old);
    struct headers h;
    struct cache_times times;
    merge(s, &kept, news, &h);
    enum cache_verdict v = cache_shelf_judge(s, old->status, &h, &times);
    if (old->body)
        atomic_fetch_add_explicit(&old->body->refs, 1, memory_order_relaxed);
    if (v == CACHE_STORE)
        return cache_shelf_put(s, old->status, &h, &times, old->body);
    s->is_kept = false;
    cache_shelf_forget(s, old);
    struct cache_entry_draft d = {.key = old->key,
                                  .hash = old->hash,
                                  .times = times,
                                  .born_ms = (int64_t)s->now_ms,
                                  .status = old->status,
                                  .headers = &h,
                                  .body = old->body};
    return cache_entry_create(&d);
}
