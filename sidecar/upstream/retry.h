/* Whether a failed attempt may be tried again: the retry budget of a cluster, which is one for all
 * workers (sidecar/config/cluster_usage.h). Any worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sidecar/config/cluster_usage.h"
#include "sidecar/config/snapshot.h"

/* Retries may be at most a share of the requests of the last ten seconds, plus a small rate that
 * lets a quiet client retry at all: without it, a failing service is hit harder the worse it gets.
 * now_ms: loop_now_ms. */
void retry_budget_request(struct retry_budget *b, uint64_t now_ms);
/* True and counted, or false. */
bool retry_budget_take(struct retry_budget *b, uint64_t now_ms, const struct retry_conf *conf);
