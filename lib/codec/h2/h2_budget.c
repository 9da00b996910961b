/* The token bucket behind the abuse limits of HTTP/2. Part of one struct h2, on its thread. Must
 * not know what it is charged for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2_budget.h"

void h2_budget_init(struct h2_budget *b, uint32_t burst, uint64_t now_ms)
{
    b->burst = burst;
    b->milli = (uint64_t)burst * 1000;
    b->last_ms = now_ms;
}

static void refill(struct h2_budget *b, uint64_t now_ms)
{
    uint64_t full = (uint64_t)b->burst * 1000;
    if (now_ms <= b->last_ms)
        return;
    uint64_t passed = now_ms - b->last_ms;
    b->last_ms = now_ms;
    /* A tenth of the burst in 1000 ms is burst/10 thousandths a millisecond; full after ten
     * seconds. */
    if (passed >= 10000) {
        b->milli = full;
        return;
    }
    b->milli += (uint64_t)b->burst * passed / 10;
    if (b->milli > full)
        b->milli = full;
}

bool h2_budget_charge(struct h2_budget *b, uint64_t now_ms)
{
    refill(b, now_ms);
    if (b->milli < 1000)
        return false;
    b->milli -= 1000;
    return true;
}
