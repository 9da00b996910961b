/* How much of a cluster is in use at this moment, by all workers together: what circuit breakers
 * and retry budgets count. Like struct endpoint_health it is shared by all workers and atomic;
 * there is no lock. Lives with the cluster's slot, across snapshots.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Two windows of ten seconds by turns, each with its number in the upper half and a count in the
 * lower. */
struct retry_budget {
    _Atomic uint64_t requests[2], retries[2];
};

struct cluster_usage {
    _Atomic uint32_t requests, connections, pending;
    _Atomic uint32_t starved; /* pools that have no connection and may make none */
    struct retry_budget budget;
};

/* One more, unless there are `limit` already: never more, whoever asks at the same time. */
static inline bool cluster_usage_take(_Atomic uint32_t *count, uint32_t limit)
{
    uint32_t now = atomic_load_explicit(count, memory_order_relaxed);
    do {
        if (now >= limit)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(count, &now, now + 1, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

static inline void cluster_usage_give_back(_Atomic uint32_t *count)
{
    atomic_fetch_sub_explicit(count, 1, memory_order_relaxed);
}
