/* Endpoints take turns; in its turn each takes the next slot of its own order that is free. One
 * that weighs less than the heaviest passes in some of its turns.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/hash_table.h"

#include <stdlib.h>

#include "lib/base/mem.h"

/* Primes, so that every step leads through all slots. The small one is made within a millisecond.
 */
enum { SLOTS = 65537, SLOTS_SMALL = 4093, NOBODY = UINT16_MAX };

struct order {
    uint32_t at, step;
    uint64_t hash;
    uint64_t due, share; /* it takes a slot when its shares add up to the heaviest's weight */
    uint16_t endpoint;
};

size_t hash_maglev_size(bool is_small)
{
    return (is_small ? SLOTS_SMALL : SLOTS) * sizeof(uint16_t);
}

static int by_hash(const void *left, const void *right)
{
    const struct order *a = left, *b = right;
    return (a->hash > b->hash) - (a->hash < b->hash);
}

/* In an order of turns that says nothing of the list. */
static uint32_t begin_orders(struct order *orders, uint64_t *most,
                             const struct endpoint_conf *endpoints, uint32_t count, uint32_t slots)
{
    uint32_t n = 0;
    *most = 1;
    for (uint32_t i = 0; i < count && i < NOBODY; i++) {
        uint64_t hash = hash_table_mix(endpoints[i].address_hash);
        if (!hash_table_has(&endpoints[i]))
            continue;
        orders[n++] = (struct order){.at = (uint32_t)((hash >> 32) % slots),
                                     .step = (uint32_t)(hash & UINT32_MAX) % (slots - 1) + 1,
                                     .hash = hash,
                                     .share = endpoints[i].weight,
                                     .endpoint = (uint16_t)i};
        if (endpoints[i].weight > *most)
            *most = endpoints[i].weight;
    }
    qsort(orders, n, sizeof(*orders), by_hash);
    return n;
}

static void take_slot(struct order *o, uint16_t *taken, uint32_t slots)
{
    while (taken[o->at] != NOBODY)
        o->at = (o->at + o->step) % slots;
    taken[o->at] = o->endpoint;
}

static void deal(struct order *orders, uint32_t n, uint64_t most, struct hash_table *t,
                 uint32_t slots)
{
    for (uint32_t filled = 0; filled < slots;) {
        for (uint32_t i = 0; i < n && filled < slots; i++) {
            orders[i].due += orders[i].share;
            if (orders[i].due < most)
                continue;
            orders[i].due -= most;
            take_slot(&orders[i], t->slots, slots);
            filled++;
        }
    }
    t->count = slots;
}

void hash_maglev_make(struct hash_table *t, const struct endpoint_conf *endpoints, uint32_t count,
                      bool is_small)
{
    uint32_t slots = is_small ? SLOTS_SMALL : SLOTS;
    uint64_t most;
    struct order *orders = mem_zalloc((count + 1) * sizeof(*orders));
    uint32_t n = begin_orders(orders, &most, endpoints, count, slots);
    for (uint32_t i = 0; n && i < slots; i++)
        t->slots[i] = NOBODY;
    if (n)
        deal(orders, n, most, t, slots);
    mem_free(orders);
}

uint32_t hash_maglev_find(const struct hash_table *t, uint64_t key)
{
    return t->count ? t->slots[hash_table_mix(key) % t->count] : HASH_TABLE_NONE;
}
