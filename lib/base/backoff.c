/* Exponential backoff with jitter. Pure but for the caller's random state; any thread. Must not
 * know what is being retried, nor count attempts.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/backoff.h"

uint64_t backoff_delay(unsigned attempt, uint64_t base, uint64_t max, struct rand_state *r)
{
    uint64_t full = base < max ? base : max;
    for (unsigned i = 0; i < attempt && full < max; i++)
        full = full > max / 2 ? max : full * 2;
    uint64_t half = full / 2, spread = full - half;
    return half + (uint64_t)(rand_unit(r) * (double)spread);
}
