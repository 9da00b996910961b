/* What the limits of a filter are asked about one request: may it take so many units of each? All
 * are taken, or none. The store answers: rate_local.h keeps the counters in this process.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/rate/rate_window.h"
#include "lib/base/slice.h"

enum { RATE_ASKS_MAX = 16 };

/* Lies in the exchange's arena, as its key does. */
struct rate_ask {
    const struct rate_limit *limit;
    struct slice key; /* whom it counts: "minute/ip=10.1.2.3"; with the filter's id it is unique.
                       * Its first part names the limit and stays as it is while `max` changes. It
                       * may hold what clients sent, credentials among it: never show it, and store
                       * a digest where others can read */
    uint32_t cost;    /* in units; 0: is anything left? */
    struct rate_verdict verdict;
};
