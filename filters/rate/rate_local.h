/* The counters of one filter in this process: exact over all workers. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/rate/rate_ask.h"
#include "filters/rate/rate_table.h"

/* Takes what all of them ask for, or nothing; fills in every verdict. `evicted`: raised by the
 * counters that had to go to make room. True: allowed. */
bool rate_local_take(struct rate_table *t, const struct rate_time *now, struct rate_ask *asks,
                     unsigned count, unsigned *evicted);
/* Counts what was used already. */
void rate_local_charge(struct rate_table *t, const struct rate_time *now,
                       const struct rate_ask *ask, uint32_t cost, unsigned *evicted);
