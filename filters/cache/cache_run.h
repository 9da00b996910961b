/* How a request goes through a cache: what is looked up, served, fetched and kept. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/cache/cache_conditions.h"
#include "filters/cache/cache_key.h"
#include "filters/cache/cache_shelf.h"

enum cache_event {
    CACHE_HIT_EVENT,
    CACHE_MISS_EVENT,
    CACHE_EXPIRED_EVENT,
    CACHE_STALE_EVENT,
    CACHE_UPDATING_EVENT,
    CACHE_REVALIDATED_EVENT,
    CACHE_BYPASS_EVENT,
    CACHE_STORED_EVENT,
    CACHE_EVICTED_EVENT,
    CACHE_COLLAPSED_EVENT,
    CACHE_INVALIDATED_EVENT,
};

enum cache_state {
    CACHE_NEW,
    CACHE_LOOKING,  /* or waiting for what another one fetches */
    CACHE_FETCHING, /* what comes is judged, and kept if it may be */
    CACHE_PASSING,  /* nothing of it is kept */
    CACHE_CHANGING, /* the method is one that changes the resource */
    CACHE_SERVED,   /* from what is kept */
};

struct cache_ctx {
    enum cache_state state;
    enum cache_event status; /* which word the client reads */
    bool has_status;
    bool reads, is_stored;   /* it may get what is kept; what comes for it is kept */
    struct cache_control client; /* what it asks for, where that is honoured */
    struct slice key;
    uint64_t hash;
    struct slice variant; /* the key of its variant, where responses vary; else `key` */
    uint64_t variant_hash;
    struct headers asked;      /* the request's, before conditions were ours */
    struct cache_entry *entry; /* held until the end */
    uint64_t asked_ms;         /* the backend, by the loop's clock */

    struct cache_flight *flight; /* of which it has a turn, or which it waits for */
    bool is_mine, waits, has_waited;
    uint64_t due_ms;

    struct cache_times times; /* of what is coming in */
    struct cache_body *filling;
    struct headers coming; /* the head of it */
    int64_t content_length;
    uint16_t coming_status;
    size_t room;
    int64_t reserved;
};

extern const struct filter filter_cache;

static inline void cache_count(struct filter_exchange *x, enum cache_event e)
{
    x->host->count(x, &filter_cache, e);
}

/* ---- cache_find.c: keys, and turns ---- */
void cache_find_keys(struct filter_exchange *x, const struct cache_conf *c, struct cache_ctx *own);
/* own->entry is what is kept for the request, or NULL. */
void cache_find(struct filter_exchange *x, const struct cache_conf *c, struct cache_ctx *own);
/* True: another one fetches it, and the exchange waits. False: it is ours to fetch. */
bool cache_find_waits(struct filter_exchange *x, const struct cache_conf *c,
                      struct cache_ctx *own);
void cache_find_stop_waiting(struct filter_exchange *x, struct cache_ctx *own);
/* Those who wait go on. */
void cache_find_land(struct filter_exchange *x, struct cache_ctx *own, bool is_useful,
                     bool is_broken);

/* ---- cache_serve.c ---- */
/* Answers with own->entry. */
enum filter_verdict cache_serve(struct filter_exchange *x, const struct cache_conf *c,
                                struct cache_ctx *own, enum cache_event status);
/* Puts what `e` is known by into a request, so that the backend can say that it still holds. */
void cache_serve_ask_again(const struct cache_entry *e, struct headers *request);
/* The words for the client. */
void cache_serve_status(struct filter_exchange *x, const struct cache_conf *c,
                        const struct cache_ctx *own, struct message *m);

/* ---- cache_fill.c ---- */
/* The backend may have answered for this caller alone. */
bool cache_fill_is_personal(const struct filter_exchange *x, const struct cache_conf *c,
                            const struct cache_ctx *own);
/* The backend's head: is it one to keep? Then the body is collected. */
void cache_fill_begin(struct filter_exchange *x, const struct cache_conf *c,
                      struct cache_ctx *own);
void cache_fill_take(struct filter_exchange *x, const struct cache_conf *c, struct cache_ctx *own,
                     const struct buf *body, bool end);
void cache_fill_drop(const struct cache_conf *c, struct cache_ctx *own);
/* The backend says that own->entry still holds: it becomes what the two say together. */
void cache_fill_refresh(struct filter_exchange *x, const struct cache_conf *c,
                        struct cache_ctx *own);
