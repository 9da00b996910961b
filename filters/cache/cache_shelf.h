/* Where a response of one resource is put, by the exchange that it came in or by one that nobody
 * waits for. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/cache/cache_store.h"

struct cache_shelf {
    struct arena *arena;
    struct cache_store *store;
    const struct cache_rules *rules;
    int64_t max_bytes;
    struct slice key; /* of the resource */
    uint64_t hash;
    const struct headers *asked; /* by the request */
    bool is_personal;
    int64_t unix_ms; /* now, by the wall clock; `now_ms` by the loop's */
    uint64_t now_ms, asked_ms;
    unsigned evicted; /* how many others had to go; counted up */
    bool is_kept;     /* what was put last */
};

/* Is it one to keep? */
enum cache_verdict cache_shelf_judge(const struct cache_shelf *s, uint16_t status,
                                     const struct headers *h, struct cache_times *out);
/* The head of a response as it is kept: with a date (RFC 9110 §6.6.1). Copied. */
void cache_shelf_copy(const struct cache_shelf *s, const struct headers *from, struct headers *to);
/* Takes over the body. With a reference. */
struct cache_entry *cache_shelf_put(struct cache_shelf *s, uint16_t status,
                                    const struct headers *h, const struct cache_times *times,
                                    struct cache_body *body);
/* The backend has said 304 with these fields: what is kept, and that, are one response from now on,
 * which is returned with a reference. */
struct cache_entry *cache_shelf_renew(struct cache_shelf *s, const struct cache_entry *old,
                                      const struct headers *news);
/* It is over with that one. */
void cache_shelf_forget(const struct cache_shelf *s, const struct cache_entry *e);
