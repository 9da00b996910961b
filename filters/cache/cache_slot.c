/* An entry that lies in a place has PRESENT in its count, so that what is given back cannot end it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_slot.h"

#include <stdlib.h>

#define PRESENT (INT64_C(1) << 40)
#define ONE (UINT64_C(1) << 48)
#define SETTLE_ABOVE 0x4000u

static struct cache_entry *entry_of(uint64_t word)
{
    return (struct cache_entry *)(uintptr_t)(word & (ONE - 1));
}

static uint64_t word_of(const struct cache_entry *e)
{
    uint64_t word = (uint64_t)(uintptr_t)e;
    if (word >= ONE)
        abort(); /* no system that we know gives a process such addresses */
    return word;
}

static void add(struct cache_entry *e, int64_t n)
{
    if (n > 0)
        atomic_fetch_add_explicit(&e->refs, n, memory_order_relaxed);
    else
        atomic_fetch_sub_explicit(&e->refs, -n, memory_order_acq_rel);
}

/* The place's count has 16 bits: now and then it goes over to the entry. Whoever does so has a
 * reference himself; where another was faster it is for the next one. */
static void settle(struct cache_slot *s, struct cache_entry *e, uint64_t word)
{
    int64_t taken = (int64_t)(word / ONE);
    add(e, taken);
    if (!atomic_compare_exchange_strong_explicit(&s->word, &word, word_of(e),
                                                 memory_order_acq_rel, memory_order_relaxed))
        add(e, -taken);
}

struct cache_entry *cache_slot_take(struct cache_slot *s)
{
    uint64_t word = atomic_load_explicit(&s->word, memory_order_acquire);
    while (entry_of(word)) {
        if (!atomic_compare_exchange_weak_explicit(&s->word, &word, word + ONE,
                                                   memory_order_acq_rel, memory_order_acquire))
            continue;
        word += ONE;
        if (word / ONE > SETTLE_ABOVE)
            settle(s, entry_of(word), word);
        return entry_of(word);
    }
    return NULL;
}

bool cache_slot_replace(struct cache_slot *s, struct cache_entry *old, struct cache_entry *next)
{
    uint64_t word = atomic_load_explicit(&s->word, memory_order_acquire);
    if (next)
        add(next, PRESENT);
    while (entry_of(word) == old) {
        if (!atomic_compare_exchange_weak_explicit(&s->word, &word, next ? word_of(next) : 0,
                                                   memory_order_acq_rel, memory_order_acquire))
            continue;
        if (old)
            add(old, (int64_t)(word / ONE) - PRESENT);
        return true;
    }
    if (next)
        add(next, -PRESENT);
    return false;
}
