/* The first word of a cell. A cell whose count is 0 is marked as unused, so that it makes room
 * without a loss.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/in_flight.h"

/* For longer than anything is under way. */
#define KEEP_MS (UINT64_C(30) * 86400000)
#define USED 255

static bool raise_count(_Atomic uint64_t *word, uint32_t max)
{
    uint64_t count = atomic_load(word);
    do {
        if (count >= max)
            return false;
    } while (!atomic_compare_exchange_weak(word, &count, count + 1));
    return true;
}

bool in_flight_enter(struct rate_table *t, uint64_t key, uint64_t mono_ms, uint32_t max,
                     unsigned *evicted)
{
    struct rate_place p;
    do {
        p = rate_table_find(t, key, mono_ms, KEEP_MS, true);
        *evicted += p.has_evicted;
        if (!p.cell || !raise_count(&p.cell->words[0], max))
            return false;
        rate_table_mark(t, &p, USED);
    } while (!rate_table_holds(t, &p));
    return true;
}

void in_flight_leave(struct rate_table *t, uint64_t key, uint64_t mono_ms)
{
    struct rate_place p = rate_table_find(t, key, mono_ms, KEEP_MS, false);
    if (!p.cell)
        return; /* it had to make room */
    uint64_t count = atomic_load(&p.cell->words[0]), left;
    do {
        if (!count)
            return;
        left = count - 1;
    } while (!atomic_compare_exchange_weak(&p.cell->words[0], &count, left));
    if (left)
        return;
    rate_table_mark(t, &p, 0);
    if (atomic_load(&p.cell->words[0])) /* somebody has come meanwhile */
        rate_table_mark(t, &p, USED);
}
