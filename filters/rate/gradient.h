/* A limit on how many requests may be under way that finds itself: as long as responses come about
 * as fast as they do when little is going on, it rises; when they take longer, it falls in
 * proportion. The rule is that of Envoy's adaptive concurrency ("gradient controller"):
 *
 *   gradient = clamp(ideal * (1 + tolerance) / mean of this window, 0.5, 2)
 *   limit    = clamp(gradient * limit + sqrt(limit), min, max)
 *
 * The ideal is measured now and then, with no more than `min` at once. Shared by all workers;
 * atomic, without locks. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Immutable. */
struct gradient_conf {
    uint32_t min, max;          /* of the limit */
    uint32_t window_ms;         /* after which the limit is set anew */
    uint32_t ideal_interval_ms; /* after which the ideal is measured anew */
    uint32_t ideal_samples;     /* responses of which it is the mean */
    uint32_t tolerance_percent; /* by which responses may take longer */
};

/* All zero: nothing is known yet. */
struct gradient {
    _Atomic uint32_t in_flight, limit; /* limit 0: the ideal is being measured */
    _Atomic uint64_t sample;           /* mean so far: how many (20 bits), microseconds in all */
    _Atomic uint64_t due_ms;           /* when the window ends */
    _Atomic uint64_t ideal_us, ideal_due_ms;
    _Atomic uint32_t former; /* the limit before the ideal was measured */
};

/* One more, if the limit allows it. */
bool gradient_enter(struct gradient *g, const struct gradient_conf *c);
/* One that entered is over. */
void gradient_leave(struct gradient *g);
/* How long a response took that says something of the backend. */
void gradient_learn(struct gradient *g, const struct gradient_conf *c, uint64_t now_ms,
                    uint64_t took_us);
/* The limit in force. */
uint32_t gradient_limit(const struct gradient *g, const struct gradient_conf *c);
