/* How many requests of one key are under way, counted for all workers in a rate_table. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/rate/rate_table.h"

/* One more, unless there are `max` already. `evicted`: raised where the count of another key had to
 * go, whose requests under way are forgotten. */
bool in_flight_enter(struct rate_table *t, uint64_t key, uint64_t mono_ms, uint32_t max,
                     unsigned *evicted);
/* One less; once for each that entered. */
void in_flight_leave(struct rate_table *t, uint64_t key, uint64_t mono_ms);
