/* Peak-EWMA of one endpoint's latency: a slow answer counts at once, a fast one over time, and
 * without answers the estimate fades, so that an endpoint that was slow is tried again. For choice
 * of two.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#define EWMA_DECAY_NS 10000000000u /* after so long an old estimate weighs 1/e */
#define EWMA_DEFAULT_NS 30000000u  /* assumed until the first answer */

struct ewma {
    double estimate_ns; /* as of `at_ns`; negative before the first answer */
    uint64_t at_ns;
};

void ewma_init(struct ewma *e, uint64_t now_ns);
/* An answer took rtt_ns. Times are monotonic; one from before the last call counts as the same
 * moment. */
void ewma_observe(struct ewma *e, uint64_t now_ns, uint64_t rtt_ns);
/* What one more request would wait for: estimate times (in_flight + 1). Smaller is better. */
double ewma_load(const struct ewma *e, uint64_t now_ns, uint32_t in_flight);
