/* Whether a failed attempt may be tried again: the retry budget of a cluster. Worker thread; the
 * budget is per worker.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sidecar/config/snapshot.h"

/* Retries may be at most a share of the requests of the last ten seconds, plus a small rate that
 * lets a quiet client retry at all: without it, a failing service is hit harder the worse it gets.
 */
struct retry_budget {
    uint64_t window_ms;   /* start of the current window */
    uint32_t requests[2]; /* current and previous window */
    uint32_t retries[2];
};

void retry_budget_init(struct retry_budget *b);
void retry_budget_request(struct retry_budget *b, uint64_t now_ms);
/* True and counted, or false. */
bool retry_budget_take(struct retry_budget *b, uint64_t now_ms, const struct retry_conf *conf);
