/* A retry budget over two sliding windows of ten seconds. Worker thread; each worker has its own.
 * Must not know why somebody retries.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/retry.h"

#define WINDOW_MS 10000u

void retry_budget_init(struct retry_budget *b)
{
    *b = (struct retry_budget){0};
}

static void roll(struct retry_budget *b, uint64_t now_ms)
{
    uint64_t elapsed = now_ms - b->window_ms;
    if (elapsed < WINDOW_MS)
        return;
    bool adjacent = elapsed < 2 * WINDOW_MS;
    b->requests[1] = adjacent ? b->requests[0] : 0;
    b->retries[1] = adjacent ? b->retries[0] : 0;
    b->requests[0] = b->retries[0] = 0;
    b->window_ms = adjacent ? b->window_ms + WINDOW_MS : now_ms;
}

void retry_budget_request(struct retry_budget *b, uint64_t now_ms)
{
    roll(b, now_ms);
    b->requests[0]++;
}

bool retry_budget_take(struct retry_budget *b, uint64_t now_ms, const struct retry_conf *conf)
{
    roll(b, now_ms);
    /* The previous window counts by the part of it that still lies within the last ten seconds. */
    double previous = 1.0 - (double)(now_ms - b->window_ms) / WINDOW_MS;
    double requests = b->requests[0] + b->requests[1] * previous;
    double retries = b->retries[0] + b->retries[1] * previous;
    double allowed = requests * conf->budget_percent / 100.0 +
                     (double)conf->budget_min_per_second * (WINDOW_MS / 1000);
    if (retries + 1 > allowed)
        return false;
    b->retries[0]++;
    return true;
}
