/* A retry budget over two windows of ten seconds, which all workers count in without a lock. At a
 * window's end workers whose clocks are a moment apart count in different ones, which is as good.
 * Must not know why somebody retries.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/retry.h"

#define WINDOW_MS 10000u
#define NUMBER_SHIFT 32

static uint32_t window_at(uint64_t now_ms)
{
    return (uint32_t)(now_ms / WINDOW_MS);
}

static uint32_t count_of(const _Atomic uint64_t *counts, uint32_t window)
{
    uint64_t value = atomic_load_explicit(&counts[window & 1], memory_order_relaxed);
    return value >> NUMBER_SHIFT == window ? (uint32_t)value : 0;
}

/* One more in that window, if it has `seen` now. */
static bool add_to(_Atomic uint64_t *counts, uint32_t window, uint32_t seen)
{
    _Atomic uint64_t *at = &counts[window & 1];
    uint64_t old = atomic_load_explicit(at, memory_order_relaxed);
    if ((old >> NUMBER_SHIFT == window ? (uint32_t)old : 0) != seen)
        return false;
    uint64_t made = (uint64_t)window << NUMBER_SHIFT | (seen + 1);
    return atomic_compare_exchange_strong_explicit(at, &old, made, memory_order_relaxed,
                                                   memory_order_relaxed);
}

void retry_budget_request(struct retry_budget *b, uint64_t now_ms)
{
    uint32_t window = window_at(now_ms);
    _Atomic uint64_t *at = &b->requests[window & 1];
    /* In the steady state one addition. */
    if (atomic_load_explicit(at, memory_order_relaxed) >> NUMBER_SHIFT == window)
        atomic_fetch_add_explicit(at, 1, memory_order_relaxed);
    else
        while (!add_to(b->requests, window, count_of(b->requests, window)))
            ;
}

/* The window before counts by the part of it that still lies within the last ten seconds. */
static double last_ten_seconds(const _Atomic uint64_t *counts, uint64_t now_ms)
{
    uint32_t window = window_at(now_ms);
    double part = 1.0 - (double)(now_ms % WINDOW_MS) / WINDOW_MS;
    return count_of(counts, window) + count_of(counts, window - 1) * part;
}

bool retry_budget_take(struct retry_budget *b, uint64_t now_ms, const struct retry_conf *conf)
{
    uint32_t window = window_at(now_ms), seen;
    do {
        seen = count_of(b->retries, window);
        double allowed =
            last_ten_seconds(b->requests, now_ms) * conf->budget_percent / 100.0 +
            (double)conf->budget_min_per_second * (WINDOW_MS / 1000);
        if (last_ten_seconds(b->retries, now_ms) + 1 > allowed)
            return false;
    } while (!add_to(b->retries, window, seen));
    return true;
}
