/* What is learned is one word, so that the count and the sum belong together. Who takes it out at
 * the end of a window is the one who sets the limit.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/gradient.h"

#define COUNT_BITS 20
#define COUNT_MASK ((UINT64_C(1) << COUNT_BITS) - 1)
#define TOOK_MAX_US (UINT64_C(60) * 1000000)

static uint32_t clamp(double value, uint32_t min, uint32_t max)
{
    if (value < min)
        return min;
    return value > max ? max : (uint32_t)value;
}

/* Newton's method; a few steps are enough for a head room. */
static double root(double value)
{
    double guess = value > 1 ? value / 2 : 1;
    for (int i = 0; i < 20; i++)
        guess = (guess + value / guess) / 2;
    return guess;
}

uint32_t gradient_limit(const struct gradient *g, const struct gradient_conf *c)
{
    uint32_t limit = atomic_load_explicit(&g->limit, memory_order_relaxed);
    if (limit < c->min)
        return c->min;
    return limit > c->max ? c->max : limit;
}

bool gradient_enter(struct gradient *g, const struct gradient_conf *c)
{
    uint32_t now = atomic_load(&g->in_flight);
    do {
        if (now >= gradient_limit(g, c))
            return false;
    } while (!atomic_compare_exchange_weak(&g->in_flight, &now, now + 1));
    return true;
}

void gradient_leave(struct gradient *g)
{
    atomic_fetch_sub(&g->in_flight, 1);
}

/* ---- learning ---- */

/* Nothing more is added when the count is full: that is a mean already. */
static uint64_t add(struct gradient *g, uint64_t took_us)
{
    uint64_t seen = atomic_load(&g->sample), next;
    do {
        if ((seen & COUNT_MASK) == COUNT_MASK)
            return seen;
        next = seen + 1 + (took_us << COUNT_BITS);
    } while (!atomic_compare_exchange_weak(&g->sample, &seen, next));
    return next;
}

static uint64_t mean_of(uint64_t sample)
{
    uint64_t mean = (sample >> COUNT_BITS) / (sample & COUNT_MASK);
    return mean ? mean : 1;
}

static void begin_window(struct gradient *g, const struct gradient_conf *c, uint64_t now_ms)
{
    atomic_store(&g->sample, 0);
    atomic_store(&g->due_ms, now_ms + c->window_ms);
}

/* Goes on from where the limit was. */
static void set_ideal(struct gradient *g, const struct gradient_conf *c, uint64_t now_ms,
                      uint64_t sample)
{
    uint32_t former = atomic_load(&g->former);
    if (!atomic_compare_exchange_strong(&g->sample, &sample, 0))
        return; /* the next one does it */
    atomic_store(&g->ideal_us, mean_of(sample));
    atomic_store(&g->ideal_due_ms, now_ms + c->ideal_interval_ms);
    begin_window(g, c, now_ms);
    atomic_store(&g->limit, former > c->min ? former : c->min);
}

static void set_limit(struct gradient *g, const struct gradient_conf *c, uint64_t now_ms)
{
    uint64_t due = atomic_load(&g->due_ms);
    if (now_ms < due || !atomic_compare_exchange_strong(&g->due_ms, &due, now_ms + c->window_ms))
        return;
    uint64_t sample = atomic_exchange(&g->sample, 0);
    if (!(sample & COUNT_MASK))
        return;
    if (now_ms >= atomic_load(&g->ideal_due_ms)) {
        atomic_store(&g->former, gradient_limit(g, c));
        atomic_store(&g->limit, 0);
        return;
    }
    double limit = gradient_limit(g, c);
    double ideal = (double)atomic_load(&g->ideal_us) * (100 + c->tolerance_percent) / 100;
    double slope = ideal / (double)mean_of(sample);
    slope = slope < 0.5 ? 0.5 : slope > 2 ? 2 : slope;
    atomic_store(&g->limit, clamp(slope * limit + root(limit), c->min, c->max));
}

void gradient_learn(struct gradient *g, const struct gradient_conf *c, uint64_t now_ms,
                    uint64_t took_us)
{
    uint64_t sample = add(g, took_us < TOOK_MAX_US ? took_us : TOOK_MAX_US);
    if (atomic_load(&g->limit))
        set_limit(g, c, now_ms);
    else if ((sample & COUNT_MASK) >= c->ideal_samples)
        set_ideal(g, c, now_ms, sample);
}
