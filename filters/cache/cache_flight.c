/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_flight.h"

static uint64_t name_of(uint64_t hash)
{
    return hash ? hash : 1;
}

struct cache_flight *cache_flight_of(struct cache_flights *f, uint64_t hash)
{
    return &f->all[(hash >> 32) % CACHE_FLIGHTS];
}

enum cache_turn cache_flight_take(struct cache_flight *f, uint64_t hash)
{
    uint64_t name = name_of(hash), there = 0;
    if (atomic_load(&f->declined) == name)
        return CACHE_TURN_ALONE;
    if (atomic_compare_exchange_strong(&f->hash, &there, name))
        return CACHE_TURN_MINE;
    return there == name ? CACHE_TURN_THEIRS : CACHE_TURN_ALONE;
}

bool cache_flight_land(struct cache_flight *f, uint64_t hash, bool is_useful, bool is_broken,
                       bool is_mine)
{
    uint64_t name = name_of(hash), declined = name;
    if (is_useful)
        atomic_compare_exchange_strong(&f->declined, &declined, 0);
    else if (!is_broken)
        atomic_store(&f->declined, name);
    if (!is_mine)
        return false;
    atomic_store(&f->hash, 0);
    return atomic_load(&f->waiting) > 0;
}

/* Counted first and looked then, as the one who lands does the other way round: one of the two sees
 * the other. */
bool cache_flight_wait(struct cache_flight *f, uint64_t hash)
{
    atomic_fetch_add(&f->waiting, 1);
    if (atomic_load(&f->hash) == name_of(hash))
        return true;
    cache_flight_wait_no_more(f);
    return false;
}

void cache_flight_wait_no_more(struct cache_flight *f)
{
    atomic_fetch_sub(&f->waiting, 1);
}
