/* A log of the moments at which units were taken: exact over any window of that length. It needs a
 * word for each unit of the limit, so it lies in as many cells as that takes, each found by a key
 * of its own, and is for small limits. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/rate/rate_table.h"

#define RATE_LOG_MAX 1000u /* units */

/* As the functions of rate_window.h; `evicted`: raised by the counters that had to go. */
void rate_log_take(struct rate_table *t, const struct rate_limit *l, uint64_t key,
                   uint64_t mono_ms, uint32_t cost, struct rate_verdict *v, unsigned *evicted);
void rate_log_look(struct rate_table *t, const struct rate_limit *l, uint64_t key,
                   uint64_t mono_ms, uint32_t cost, struct rate_verdict *v);
/* What there is no room for is forgotten: a log has no debts. */
void rate_log_charge(struct rate_table *t, const struct rate_limit *l, uint64_t key,
                     uint64_t mono_ms, uint32_t cost, unsigned *evicted);
void rate_log_give_back(struct rate_table *t, const struct rate_limit *l, uint64_t key,
                        uint64_t mono_ms, uint32_t cost, const struct rate_verdict *v);
