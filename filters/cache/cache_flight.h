/* Which resources are being fetched, so that one request asks the backend and others wait for what
 * it gets. And which were found to be of no use to others, so that nobody waits for those in vain.
 * Bounded: two resources that fall into one place are not told apart, and the second does not
 * collapse. Any thread, without a lock.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CACHE_FLIGHTS 1024u

struct cache_flight {
    _Atomic uint64_t hash;     /* what is fetched; 0: nothing */
    _Atomic uint64_t declined; /* what was of no use to others, the last time */
    _Atomic uint32_t waiting;  /* exchanges */
};

struct cache_flights {
    struct cache_flight all[CACHE_FLIGHTS];
};

enum cache_turn {
    CACHE_TURN_MINE,   /* fetch, and call cache_flight_land */
    CACHE_TURN_THEIRS, /* wait: cache_flight_wait */
    CACHE_TURN_ALONE,  /* fetch; nobody waits for it */
};

/* The place of that hash. */
struct cache_flight *cache_flight_of(struct cache_flights *f, uint64_t hash);
enum cache_turn cache_flight_take(struct cache_flight *f, uint64_t hash);
/* For every turn: it is over. is_useful: others may use what came; false also where nothing came,
 * unless `is_broken`: then the next one may try. True: somebody waits, and is to be woken. */
bool cache_flight_land(struct cache_flight *f, uint64_t hash, bool is_useful, bool is_broken,
                       bool is_mine);
/* From now on it is waited for. False: it has landed meanwhile. */
bool cache_flight_wait(struct cache_flight *f, uint64_t hash);
void cache_flight_wait_no_more(struct cache_flight *f);
