/* Several limits of one request: first all are looked at, then all are taken, the last ones given
 * back if one of them was used up in between. So what is refused is counted nowhere.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_local.h"

#include "filters/rate/rate_log.h"
#include "lib/base/map.h"

/* What cannot be counted is not let through; soon there may be room. */
#define NO_ROOM_MS 1000

static bool is_log(const struct rate_ask *a)
{
    return a->limit->algorithm == RATE_SLIDING_LOG;
}

static uint8_t used_of(const struct rate_ask *a)
{
    uint32_t max = a->limit->max, left = a->verdict.remaining;
    return left >= max ? 0 : (uint8_t)((255 * (uint64_t)(max - left) + max - 1) / max);
}

static struct rate_place place_of(struct rate_table *t, const struct rate_time *now,
                                  const struct rate_ask *a, bool make)
{
    return rate_table_find(t, map_hash(a->key), now->mono_ms, rate_window_lifetime_ms(a->limit),
                           make);
}

static void look(struct rate_table *t, const struct rate_time *now, struct rate_ask *a,
                 uint32_t cost)
{
    struct rate_cell none = {0};
    if (is_log(a)) {
        rate_log_look(t, a->limit, map_hash(a->key), now->mono_ms, cost, &a->verdict);
        return;
    }
    struct rate_place p = place_of(t, now, a, false);
    rate_window_look(a->limit, p.cell ? p.cell : &none, now, cost, &a->verdict);
}

static void take(struct rate_table *t, const struct rate_time *now, struct rate_ask *a,
                 unsigned *evicted)
{
    struct rate_place p;
    if (is_log(a)) {
        rate_log_take(t, a->limit, map_hash(a->key), now->mono_ms, a->cost, &a->verdict, evicted);
        return;
    }
    do {
        p = place_of(t, now, a, true);
        *evicted += p.has_evicted;
        a->verdict = (struct rate_verdict){.retry_ms = NO_ROOM_MS};
        if (!p.cell)
            return;
        rate_window_take(a->limit, p.cell, now, a->cost, &a->verdict);
    } while (a->verdict.is_allowed && !rate_table_holds(t, &p));
    rate_table_mark(t, &p, used_of(a));
}

static void give_back(struct rate_table *t, const struct rate_time *now, struct rate_ask *a)
{
    if (is_log(a)) {
        rate_log_give_back(t, a->limit, map_hash(a->key), now->mono_ms, a->cost, &a->verdict);
        return;
    }
    struct rate_place p = place_of(t, now, a, false);
    if (p.cell)
        rate_window_give_back(a->limit, p.cell, a->cost, &a->verdict);
}

static bool have_all_room(struct rate_table *t, const struct rate_time *now, struct rate_ask *asks,
                          unsigned count)
{
    bool fine = true;
    for (unsigned i = 0; i < count; i++) {
        look(t, now, &asks[i], asks[i].cost);
        fine &= asks[i].verdict.is_allowed;
    }
    return fine;
}

static bool take_all(struct rate_table *t, const struct rate_time *now, struct rate_ask *asks,
                     unsigned count, unsigned *evicted)
{
    for (unsigned i = 0; i < count; i++) {
        take(t, now, &asks[i], evicted);
        if (asks[i].verdict.is_allowed)
            continue;
        while (i-- > 0)
            give_back(t, now, &asks[i]);
        return false;
    }
    return true;
}

/* Those that would have had room say what they have without this request. */
static void look_again(struct rate_table *t, const struct rate_time *now, struct rate_ask *asks,
                       unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (!asks[i].verdict.is_allowed)
            continue;
        look(t, now, &asks[i], 0);
        asks[i].verdict.is_allowed = true; /* it is not the one that refuses */
    }
}

bool rate_local_take(struct rate_table *t, const struct rate_time *now, struct rate_ask *asks,
                     unsigned count, unsigned *evicted)
{
    bool allowed = count == 1 || have_all_room(t, now, asks, count);
    if (allowed)
        allowed = take_all(t, now, asks, count, evicted);
    if (!allowed && count > 1)
        look_again(t, now, asks, count);
    return allowed;
}

void rate_local_charge(struct rate_table *t, const struct rate_time *now,
                       const struct rate_ask *ask, uint32_t cost, unsigned *evicted)
{
    struct rate_place p;
    if (is_log(ask)) {
        rate_log_charge(t, ask->limit, map_hash(ask->key), now->mono_ms, cost, evicted);
        return;
    }
    p = place_of(t, now, ask, true);
    *evicted += p.has_evicted;
    if (p.cell)
        rate_window_charge(ask->limit, p.cell, now, cost);
}
