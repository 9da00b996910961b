/* A response on its way to the client is kept: copied as it passes, and put into the store when it
 * has come whole. SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_run.h"

#include "lib/base/mem.h"

enum { ROOM_FIRST = 16384 }; /* where nobody says how long it will be */

bool cache_fill_is_personal(const struct filter_exchange *x, const struct cache_conf *c,
                            const struct cache_ctx *own)
{
    bool is_known = x->was_authenticated && !(x->caller && x->caller->is_anonymous);
    bool is_told_apart = c->by_consumer && cache_key_has_caller(x);
    return !is_told_apart && (is_known || headers_find_id(&own->asked, HEADER_AUTHORIZATION));
}

static struct cache_shelf shelf_of(struct filter_exchange *x, const struct cache_conf *c,
                                   const struct cache_ctx *own)
{
    return (struct cache_shelf){.arena = x->arena,
                                .store = c->store,
                                .rules = &c->rules,
                                .max_bytes = c->max_bytes,
                                .key = own->key,
                                .hash = own->hash,
                                .asked = &own->asked,
                                .is_personal = cache_fill_is_personal(x, c, own),
                                .unix_ms = x->host->unix_ms(x),
                                .now_ms = x->host->now_ms(x),
                                .asked_ms = own->asked_ms};
}

static void count_shelf(struct filter_exchange *x, const struct cache_shelf *s)
{
    for (unsigned i = 0; i < s->evicted; i++)
        cache_count(x, CACHE_EVICTED_EVENT);
    if (s->is_kept)
        cache_count(x, CACHE_STORED_EVENT);
}

void cache_fill_drop(const struct cache_conf *c, struct cache_ctx *own)
{
    cache_body_drop(own->filling);
    own->filling = NULL;
    cache_store_end(c->store, own->reserved);
    own->reserved = 0;
}

static bool reserve(const struct cache_conf *c, struct cache_ctx *own, size_t room)
{
    int64_t more = (int64_t)room - own->reserved;
    if (!cache_store_begin(c->store, more, c->max_bytes))
        return false;
    own->reserved += more;
    own->room = room;
    return true;
}

/* ---- the head ---- */

void cache_fill_begin(struct filter_exchange *x, const struct cache_conf *c, struct cache_ctx *own)
{
    const struct message *m = x->response;
    struct cache_shelf s = shelf_of(x, c, own);
    enum cache_verdict v = cache_shelf_judge(&s, m->status, &m->headers, &own->times);
    if (v != CACHE_STORE || m->content_length > (int64_t)c->object_max) {
        if (m->status < 500)
            cache_shelf_forget(&s, own->entry);
        cache_find_land(x, own, false, m->status >= 500);
        return;
    }
    size_t first = c->object_max < ROOM_FIRST ? c->object_max : ROOM_FIRST;
    if (!reserve(c, own, m->content_length >= 0 ? (size_t)m->content_length : first)) {
        cache_find_land(x, own, false, true);
        return;
    }
    cache_shelf_copy(&s, &m->headers, &own->coming);
    own->coming_status = m->status;
    own->content_length = m->content_length;
    own->filling = cache_body_create(own->room);
    if (m->content_length == 0 || m->status == 204)
        cache_fill_take(x, c, own, NULL, true);
}

/* ---- the body ---- */

static bool grow(const struct cache_conf *c, struct cache_ctx *own, size_t want)
{
    size_t room = own->room * 2 > want ? own->room * 2 : want;
    room = room < c->object_max ? room : c->object_max;
    if (want > c->object_max || !reserve(c, own, room))
        return false;
    own->filling = mem_realloc(own->filling, sizeof(*own->filling) + room);
    return true;
}

/* It came whole. What it was given too much goes back. */
static void finish(struct filter_exchange *x, const struct cache_conf *c, struct cache_ctx *own)
{
    struct cache_shelf s = shelf_of(x, c, own);
    struct cache_body *body = own->filling;
    own->filling = NULL;
    if (body->len < own->room)
        body = mem_realloc(body, sizeof(*body) + body->len);
    cache_entry_drop(cache_shelf_put(&s, own->coming_status, &own->coming, &own->times, body));
    count_shelf(x, &s);
    cache_fill_drop(c, own);
    cache_find_land(x, own, s.is_kept, !s.is_kept);
}

void cache_fill_take(struct filter_exchange *x, const struct cache_conf *c, struct cache_ctx *own,
                     const struct buf *body, bool end)
{
    struct cache_body *to = own->filling;
    size_t len = body ? body->len : 0;
    if (!to)
        return;
    bool is_short = end && own->content_length >= 0 &&
                    to->len + len != (size_t)own->content_length;
    if (is_short || (to->len + len > own->room && !grow(c, own, to->len + len))) {
        cache_fill_drop(c, own);
        cache_find_land(x, own, false, is_short);
        return;
    }
    to = own->filling;
    if (len)
        buf_copy_out(body, to->bytes + to->len, len);
    to->len += len;
    if (end)
        finish(x, c, own);
}

void cache_fill_refresh(struct filter_exchange *x, const struct cache_conf *c,
                        struct cache_ctx *own)
{
    struct cache_shelf s = shelf_of(x, c, own);
    struct cache_entry *old = own->entry;
    own->entry = cache_shelf_renew(&s, old, &x->response->headers);
    cache_entry_drop(old);
    count_shelf(x, &s);
    cache_find_land(x, own, s.is_kept, !s.is_kept);
}
