/* A response that was kept: its head, and its body, which several of the same resource share. Never
 * changes, but for the counts of those who look at it, so threads share it without a lock.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>

#include "filters/cache/cache_fresh.h"
#include "lib/base/buf.h"

struct cache_body {
    _Atomic uint32_t refs;
    size_t len;
    char bytes[];
};

struct cache_body *cache_body_create(size_t room);
/* NULL is allowed. */
void cache_body_drop(struct cache_body *b);
/* A view of it for the end of `to`, which keeps it alive until its last byte has left. */
void cache_body_lend(struct cache_body *b, size_t from, size_t len, struct buf *to);

struct cache_entry {
    _Atomic int64_t refs;  /* see cache_slot.h */
    _Atomic bool was_used; /* since somebody looked for one to drop */
    _Atomic bool is_refreshing;
    uint64_t hash;
    struct slice key;
    struct cache_times times;
    int64_t born_ms; /* when it came, by the loops' clock */
    uint16_t status; /* 0: no response, but what responses for this key vary by, `vary` */
    uint64_t edition; /* of such: part of the keys of responses */
    struct slice vary;
    const struct header *fields;
    uint32_t field_count;
    struct cache_body *body; /* NULL: none */
    size_t size;             /* what it counts as */
};

struct cache_entry_draft {
    struct slice key;
    uint64_t hash;
    struct cache_times times;
    int64_t born_ms;
    uint16_t status;
    const struct headers *headers; /* NULL: none. What may not be kept is left out */
    struct slice vary;
    uint64_t edition;
    struct cache_body *body; /* a reference is taken over */
};

/* All copied. One reference, the caller's. */
struct cache_entry *cache_entry_create(const struct cache_entry_draft *d);
void cache_entry_drop(struct cache_entry *e);
/* As a list without an arena, which must not grow. */
struct headers cache_entry_headers(const struct cache_entry *e);
int64_t cache_entry_age_ms(const struct cache_entry *e, uint64_t now_ms);
/* What its body's length counts as with it, before there is one. */
size_t cache_entry_size(const struct cache_entry_draft *d, size_t body_len);
