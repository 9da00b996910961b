/* The arithmetic of rate limits: how much of a limit is used, and whether there is room for more.
 * A counter is one cell of atomic words, all zero at first, which any number of threads may use at
 * once: each function decides and takes in one compare-and-swap, so that never more than the limit
 * is let through. Time comes in as an argument. No locks, no memory of its own. Any thread.
 *
 * FIXED_WINDOW    calendar windows in UTC: a second, a minute, … a year; by the wall clock
 * SLIDING_COUNTER two windows, of which the last counts for as much as is left of it:
 *                 refused when last * (1 - progress) + current >= max; by the monotonic clock
 * SLIDING_LOG     the moment of every unit is kept for the window's time (rate_log.h)
 * TOKEN_BUCKET    `max` units at most, of which one comes back each per_unit_ns
 * LEAKY_BUCKET    the same seen from the other side, as nginx's limit_req: max = burst + 1; with
 *                 `delays` what comes too early waits for its turn
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum rate_algorithm {
    RATE_FIXED_WINDOW,
    RATE_SLIDING_COUNTER,
    RATE_SLIDING_LOG,
    RATE_TOKEN_BUCKET,
    RATE_LEAKY_BUCKET,
};

enum rate_period {
    RATE_SECOND,
    RATE_MINUTE,
    RATE_HOUR,
    RATE_DAY,
    RATE_MONTH,
    RATE_YEAR,
    RATE_PERIODS,
};

/* Immutable. */
struct rate_limit {
    enum rate_algorithm algorithm;
    enum rate_period period; /* FIXED_WINDOW */
    uint32_t max;            /* units, from 1 */
    uint64_t window_ms;      /* SLIDING_* */
    uint64_t per_unit_ns;    /* *_BUCKET */
    bool delays;             /* LEAKY_BUCKET */
};

struct rate_time {
    int64_t unix_ms;  /* the wall clock, which may step */
    uint64_t mono_ms; /* the loop's, which never goes back */
};

enum { RATE_CELL_WORDS = 6 };

struct rate_cell {
    _Atomic uint64_t words[RATE_CELL_WORDS];
};

/* What a limit says of one request. */
struct rate_verdict {
    bool is_allowed;
    uint32_t remaining; /* units, after this request */
    uint64_t reset_ms;  /* until the window begins anew, or the bucket is full again */
    uint64_t retry_ms;  /* refused: until there may be room; UINT64_MAX: never, it costs too much */
    uint64_t delay_ms;  /* allowed, and has to wait for so long */
    uint64_t mark;      /* for rate_window_give_back */
};

/* Takes `cost` units if there is room for them, and nothing if not. A cost of 0 takes nothing, and
 * is allowed while there is room for one. */
void rate_window_take(const struct rate_limit *l, struct rate_cell *c, const struct rate_time *now,
                      uint32_t cost, struct rate_verdict *v);
/* What rate_window_take would say, without taking. */
void rate_window_look(const struct rate_limit *l, struct rate_cell *c, const struct rate_time *now,
                      uint32_t cost, struct rate_verdict *v);
/* Counts what was used already, whether there is room or not: the limit stays reached until that
 * has passed or come back. */
void rate_window_charge(const struct rate_limit *l, struct rate_cell *c,
                        const struct rate_time *now, uint32_t cost);
/* As if what was allowed had never been asked. */
void rate_window_give_back(const struct rate_limit *l, struct rate_cell *c, uint32_t cost,
                           const struct rate_verdict *v);

/* How long a window is, of a month and a year the longest; or how long a bucket takes to fill. */
uint64_t rate_window_length_ms(const struct rate_limit *l);
/* How long a cell that nobody uses still means something. */
uint64_t rate_window_lifetime_ms(const struct rate_limit *l);
/* "Minute": how the window is called in the names of headers; NULL: it is not of the calendar. */
const char *rate_window_name(const struct rate_limit *l);
/* Which of the windows of FIXED_WINDOW that moment is in, counted from 1970, and when it ends. */
uint32_t rate_window_number(enum rate_period period, int64_t unix_ms);
int64_t rate_window_end_ms(enum rate_period period, uint32_t number);
