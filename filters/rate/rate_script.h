/* The arithmetic of rate_window.h and rate_log.h as a Lua script that a Redis server runs, for
 * limits that several gateways share: by the server's clock, several limits in one step, all of
 * them or none.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/redis.h"

/* KEYS: one for each limit. ARGV: "take" or "charge"; "" or, for tests, the time in milliseconds
 * since 1970; then RATE_SCRIPT_ARGS for each limit: its enum rate_algorithm, the cost, `max`, its
 * enum rate_period, window_ms or per_unit_ns, and 1 where it delays. The reply is a list of
 * RATE_SCRIPT_RESULTS for each limit: allowed, remaining, reset_ms, retry_ms (-1: never) and
 * delay_ms. */
enum { RATE_SCRIPT_ARGS = 5, RATE_SCRIPT_RESULTS = 5 };
extern struct filter_redis_script rate_script;
