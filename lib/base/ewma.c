/* Peak-EWMA arithmetic. Owned by one worker; times are handed in. Must not know what an endpoint
 * is, and never sees failures: their caller decides what they weigh.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/ewma.h"

#include <math.h>

/* e^(-elapsed / decay). */
static double fade(const struct ewma *e, uint64_t now_ns)
{
    double x = now_ns > e->at_ns ? (double)(now_ns - e->at_ns) / (double)EWMA_DECAY_NS : 0;
    /* Asked several times per request; this close to zero two terms are exact to 2e-7. */
    return x < 0.01 ? 1 - x + x * x / 2 : exp(-x);
}

static double estimate(const struct ewma *e)
{
    return e->estimate_ns < 0 ? (double)EWMA_DEFAULT_NS : e->estimate_ns;
}

void ewma_init(struct ewma *e, uint64_t now_ns)
{
    e->estimate_ns = -1;
    e->at_ns = now_ns;
}

void ewma_observe(struct ewma *e, uint64_t now_ns, uint64_t rtt_ns)
{
    double rtt = (double)rtt_ns, weight = fade(e, now_ns);
    /* The default is a guess: the first answer replaces it. */
    if (e->estimate_ns < 0 || rtt > e->estimate_ns)
        e->estimate_ns = rtt;
    else
        e->estimate_ns = e->estimate_ns * weight + rtt * (1 - weight);
    if (now_ns > e->at_ns)
        e->at_ns = now_ns;
}

double ewma_load(const struct ewma *e, uint64_t now_ns, uint32_t in_flight)
{
    return estimate(e) * fade(e, now_ns) * ((double)in_flight + 1);
}
