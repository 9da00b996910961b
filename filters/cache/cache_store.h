/* The responses that one filter keeps, in memory, shared by all workers without a lock: a table of
 * places that are found by a hash of the key. Bounded in bytes and in responses. What was used
 * since the last look stays when room is needed, and what came last is the first to be looked at
 * otherwise (as SIEVE does, with the table as its queue), so that a scan does not push out what is
 * asked for often. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/cache/cache_flight.h"
#include "filters/cache/cache_slot.h"
#include "filters/keep.h"

/* Responses of a filter. */
#define CACHE_STORE_CELLS 65536u

struct cache_cell;

struct cache_store {
    struct filter_keep keep; /* first */
    struct cache_cell *cells;
    _Atomic int64_t bytes;   /* of what is in the table */
    _Atomic int64_t filling; /* of what is on its way into it */
    _Atomic uint32_t hand;   /* where the next look for what may go begins */
    _Atomic uint64_t editions;
    struct cache_flights flights;
};

/* For filter_keep. */
void cache_store_init(struct filter_keep *keep);
void cache_store_dispose(struct filter_keep *keep);

/* With a reference; NULL: there is none. hash: map_hash of the key. */
struct cache_entry *cache_store_find(struct cache_store *s, struct slice key, uint64_t hash);
/* In place of what has the same key. max: bytes that there may be. The number of others that had to
 * go; *is_kept: false where there was no room all the same. The caller keeps its reference. */
unsigned cache_store_put(struct cache_store *s, struct cache_entry *e, int64_t max, bool *is_kept);
bool cache_store_remove(struct cache_store *s, struct slice key, uint64_t hash);
/* All that `is` says yes to; how many. */
unsigned cache_store_purge(struct cache_store *s, bool (*is)(const struct cache_entry *, void *),
                           void *arg);
/* For a response that is being received. False: there are too many of those. */
bool cache_store_begin(struct cache_store *s, int64_t bytes, int64_t max);
void cache_store_end(struct cache_store *s, int64_t bytes);
