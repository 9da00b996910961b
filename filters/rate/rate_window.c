/* One word for each counter wherever that is enough, so that one compare-and-swap decides. Who
 * fails to swap looks again: somebody else got on.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_window.h"

#include <stddef.h>

#include "lib/base/civil.h"

/* How far the wall clocks that two workers have read may lie apart. What is farther ahead was
 * written before the clock was set back. */
#define SKEW_MS 1000
#define NS_PER_MS 1000000u
#define DAY_MS INT64_C(86400000)

typedef _Atomic uint64_t word_t;

static uint64_t pack(uint32_t high, uint32_t low)
{
    return (uint64_t)high << 32 | low;
}

static uint32_t high_of(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static uint32_t low_of(uint64_t word)
{
    return (uint32_t)word;
}

static uint32_t add_up(uint32_t count, uint32_t cost)
{
    return cost > UINT32_MAX - count ? UINT32_MAX : count + cost;
}

static uint32_t at_least_one(uint32_t cost)
{
    return cost ? cost : 1;
}

/* ---- windows of the calendar ---- */

static const int64_t period_ms[] = {
    [RATE_SECOND] = 1000, [RATE_MINUTE] = 60000, [RATE_HOUR] = 3600000, [RATE_DAY] = DAY_MS};

uint32_t rate_window_number(enum rate_period period, int64_t unix_ms)
{
    struct civil day;
    if (unix_ms < 0)
        return 0;
    if (period < RATE_MONTH)
        return (uint32_t)(unix_ms / period_ms[period]);
    civil_from_ms(unix_ms, &day);
    uint32_t year = day.year - 1970;
    return period == RATE_YEAR ? year : year * 12 + day.month - 1;
}

int64_t rate_window_end_ms(enum rate_period period, uint32_t number)
{
    int64_t next = (int64_t)number + 1;
    if (period < RATE_MONTH)
        return next * period_ms[period];
    if (period == RATE_YEAR)
        next *= 12;
    struct civil first = {
        .year = 1970 + (unsigned)(next / 12), .month = 1 + (unsigned)(next % 12), .day = 1};
    return civil_to_ms(&first);
}

/* The word is the window's number and what was counted in it. One from ahead is another worker's
 * whose clock is read a little later. One from far ahead is from before the clock was set back: the
 * count stays, so that the gate does not open, and is the present window's, so that it does not
 * stay shut. */
static uint64_t fixed_now(const struct rate_limit *l, uint64_t word, int64_t unix_ms)
{
    uint32_t number = rate_window_number(l->period, unix_ms), seen = high_of(word);
    if (seen < number)
        return pack(number, 0);
    if (seen > rate_window_number(l->period, unix_ms + SKEW_MS))
        return pack(number, low_of(word));
    return word;
}

static void fixed_judge(const struct rate_limit *l, uint64_t word, int64_t unix_ms, uint32_t cost,
                        struct rate_verdict *v)
{
    uint32_t count = low_of(word), room = count < l->max ? l->max - count : 0;
    int64_t left = rate_window_end_ms(l->period, high_of(word)) - unix_ms;
    *v = (struct rate_verdict){.is_allowed = at_least_one(cost) <= room,
                               .remaining = room,
                               .reset_ms = left > 0 ? (uint64_t)left : 0,
                               .mark = high_of(word)};
    if (v->is_allowed)
        v->remaining -= cost;
    else
        v->retry_ms = cost > l->max ? UINT64_MAX : v->reset_ms;
}

static void fixed_take(const struct rate_limit *l, struct rate_cell *c, const struct rate_time *now,
                       uint32_t cost, bool takes, struct rate_verdict *v)
{
    uint64_t seen = atomic_load(&c->words[0]), next;
    do {
        uint64_t word = fixed_now(l, seen, now->unix_ms);
        bool was_set_back = high_of(word) < high_of(seen);
        fixed_judge(l, word, now->unix_ms, cost, v);
        if (!takes || ((!v->is_allowed || !cost) && !was_set_back))
            return;
        next = v->is_allowed ? word + cost : word;
    } while (!atomic_compare_exchange_weak(&c->words[0], &seen, next));
}

static void fixed_charge(const struct rate_limit *l, struct rate_cell *c,
                         const struct rate_time *now, uint32_t cost)
{
    uint64_t seen = atomic_load(&c->words[0]), word;
    do
        word = fixed_now(l, seen, now->unix_ms);
    while (!atomic_compare_exchange_weak(&c->words[0], &seen,
                                         pack(high_of(word), add_up(low_of(word), cost))));
}

/* Of a word whose upper half is still what it was when something was taken. */
static void count_down(word_t *word, uint32_t upper, uint32_t cost)
{
    uint64_t seen = atomic_load(word), next;
    do {
        if (high_of(seen) != upper)
            return; /* that window is over */
        next = pack(upper, low_of(seen) > cost ? low_of(seen) - cost : 0);
    } while (!atomic_compare_exchange_weak(word, &seen, next));
}

/* ---- two windows ---- */

/* A window of even number is in one word, one of odd number in the other: its number, whether it
 * is closed, its count. Whoever comes to a new window closes the one before: nothing is added to
 * that from then on, so what was read of it stays true. */
struct slide {
    uint32_t number;
    uint64_t window_ms, elapsed_ms;
    uint32_t last; /* the count of the window before */
    word_t *word;  /* the present one's */
    uint64_t seen;
};

static uint32_t stamp(uint32_t number, bool closed)
{
    return number << 1 | closed;
}

/* The number of the window that is open, as far as this word knows. */
static uint32_t open_by(uint64_t word)
{
    return (high_of(word) >> 1) + (high_of(word) & 1);
}

static bool close_window(word_t *word, uint32_t number, uint32_t *count)
{
    uint64_t seen = atomic_load(word), closed;
    do {
        uint32_t there = high_of(seen) >> 1;
        if (there > number)
            return false; /* others are in later windows */
        closed = pack(stamp(number, true), there == number ? low_of(seen) : 0);
        *count = low_of(closed);
    } while (seen != closed && !atomic_compare_exchange_weak(word, &seen, closed));
    return true;
}

static bool try_enter(struct slide *s, const struct rate_limit *l, struct rate_cell *c,
                      uint64_t mono_ms)
{
    uint32_t even = open_by(atomic_load(&c->words[0])), odd = open_by(atomic_load(&c->words[1]));
    uint32_t ahead = even > odd ? even : odd;
    s->window_ms = l->window_ms;
    s->number = (uint32_t)(mono_ms / l->window_ms) + 1;
    if (s->number < ahead)
        s->number = ahead; /* another worker's clock is ahead of ours */
    uint64_t began = (uint64_t)(s->number - 1) * l->window_ms;
    s->elapsed_ms = mono_ms > began ? mono_ms - began : 0;
    s->word = &c->words[s->number & 1];
    s->seen = atomic_load(s->word);
    return close_window(&c->words[(s->number - 1) & 1], s->number - 1, &s->last) &&
           open_by(s->seen) <= s->number;
}

static void slide_enter(struct slide *s, const struct rate_limit *l, struct rate_cell *c,
                        uint64_t mono_ms)
{
    while (!try_enter(s, l, c, mono_ms))
        ;
}

static uint32_t slide_count(const struct slide *s)
{
    return high_of(s->seen) == stamp(s->number, false) ? low_of(s->seen) : 0;
}

/* In units times milliseconds: no fraction is lost. */
static void slide_judge(const struct slide *s, const struct rate_limit *l, uint32_t cost,
                        struct rate_verdict *v)
{
    uint64_t left = s->window_ms - s->elapsed_ms, all = l->max * s->window_ms;
    uint64_t used = s->last * left + slide_count(s) * s->window_ms;
    uint64_t others = (at_least_one(cost) - 1) * s->window_ms;
    *v = (struct rate_verdict){
        .is_allowed = used + others < all, .reset_ms = left, .mark = stamp(s->number, false)};
    if (v->is_allowed)
        used += cost * s->window_ms;
    else
        v->retry_ms = cost > l->max ? UINT64_MAX : left;
    v->remaining = used < all ? (uint32_t)((all - used) / s->window_ms) : 0;
}

static void slide_take(const struct rate_limit *l, struct rate_cell *c, const struct rate_time *now,
                       uint32_t cost, bool takes, struct rate_verdict *v)
{
    struct slide s;
    uint64_t next;
    do {
        slide_enter(&s, l, c, now->mono_ms);
        slide_judge(&s, l, cost, v);
        if (!takes || !v->is_allowed || !cost)
            return;
        next = pack(stamp(s.number, false), add_up(slide_count(&s), cost));
    } while (!atomic_compare_exchange_weak(s.word, &s.seen, next));
}

static void slide_charge(const struct rate_limit *l, struct rate_cell *c,
                         const struct rate_time *now, uint32_t cost)
{
    struct slide s;
    do
        slide_enter(&s, l, c, now->mono_ms);
    while (!atomic_compare_exchange_weak(
        s.word, &s.seen, pack(stamp(s.number, false), add_up(slide_count(&s), cost))));
}

/* ---- buckets ---- */

/* The first word is when the bucket will be full again, in nanoseconds (the "theoretical arrival
 * time" of the generic cell rate algorithm): what is ahead of now is what is used. The second is
 * the time for one unit by which that was reckoned. */

static uint64_t times(uint64_t count, uint64_t per_unit_ns)
{
    uint64_t ns;
    return __builtin_mul_overflow(count, per_unit_ns, &ns) || ns > UINT64_MAX / 4 ? UINT64_MAX / 4
                                                                                 : ns;
}

/* The rate was changed: what is used stays the same number of units. Whoever swaps the second word
 * sees to the first. */
static void rescale(const struct rate_limit *l, struct rate_cell *c, uint64_t now_ns)
{
    uint64_t old = atomic_load_explicit(&c->words[1], memory_order_relaxed);
    if (old == l->per_unit_ns ||
        !atomic_compare_exchange_strong(&c->words[1], &old, l->per_unit_ns))
        return;
    uint64_t full = atomic_load(&c->words[0]), next;
    do {
        if (!old || full <= now_ns)
            return;
        double ahead = (double)(full - now_ns) * ((double)l->per_unit_ns / (double)old);
        next = now_ns + (ahead < (double)(UINT64_MAX / 4) ? (uint64_t)ahead : UINT64_MAX / 4);
    } while (!atomic_compare_exchange_weak(&c->words[0], &full, next));
}

static uint64_t to_ms(uint64_t ns)
{
    return ns / NS_PER_MS + (ns % NS_PER_MS != 0);
}

static void bucket_judge(const struct rate_limit *l, uint64_t used_ns, uint32_t cost,
                         struct rate_verdict *v)
{
    uint64_t size = times(l->max, l->per_unit_ns);
    uint64_t wanted = used_ns + times(at_least_one(cost), l->per_unit_ns);
    *v = (struct rate_verdict){.is_allowed = wanted <= size};
    if (v->is_allowed) {
        v->delay_ms = l->delays ? to_ms(used_ns) : 0;
        used_ns += times(cost, l->per_unit_ns);
    } else {
        v->retry_ms = cost > l->max ? UINT64_MAX : to_ms(wanted - size);
    }
    v->remaining = used_ns < size ? (uint32_t)((size - used_ns) / l->per_unit_ns) : 0;
    v->reset_ms = to_ms(used_ns);
}

static void bucket_take(const struct rate_limit *l, struct rate_cell *c,
                        const struct rate_time *now, uint32_t cost, bool takes,
                        struct rate_verdict *v)
{
    uint64_t now_ns = now->mono_ms * NS_PER_MS, full, next;
    rescale(l, c, now_ns);
    full = atomic_load(&c->words[0]);
    do {
        uint64_t from = full > now_ns ? full : now_ns;
        bucket_judge(l, from - now_ns, cost, v);
        if (!takes || !v->is_allowed || !cost)
            return;
        next = from + times(cost, l->per_unit_ns);
    } while (!atomic_compare_exchange_weak(&c->words[0], &full, next));
}

static void bucket_charge(const struct rate_limit *l, struct rate_cell *c,
                          const struct rate_time *now, uint32_t cost)
{
    uint64_t now_ns = now->mono_ms * NS_PER_MS, full, next;
    rescale(l, c, now_ns);
    full = atomic_load(&c->words[0]);
    do {
        uint64_t from = full > now_ns ? full : now_ns, used = from - now_ns;
        uint64_t more = times(cost, l->per_unit_ns);
        next = now_ns + (used + more < UINT64_MAX / 4 ? used + more : UINT64_MAX / 4);
    } while (!atomic_compare_exchange_weak(&c->words[0], &full, next));
}

static void bucket_give_back(const struct rate_limit *l, struct rate_cell *c, uint32_t cost)
{
    uint64_t full = atomic_load(&c->words[0]), less = times(cost, l->per_unit_ns);
    while (!atomic_compare_exchange_weak(&c->words[0], &full, full > less ? full - less : 0))
        ;
}

/* ---- whichever ---- */

static void ask(const struct rate_limit *l, struct rate_cell *c, const struct rate_time *now,
                uint32_t cost, bool takes, struct rate_verdict *v)
{
    if (l->algorithm == RATE_FIXED_WINDOW)
        fixed_take(l, c, now, cost, takes, v);
    else if (l->algorithm == RATE_SLIDING_COUNTER)
        slide_take(l, c, now, cost, takes, v);
    else
        bucket_take(l, c, now, cost, takes, v);
}

void rate_window_take(const struct rate_limit *l, struct rate_cell *c, const struct rate_time *now,
                      uint32_t cost, struct rate_verdict *v)
{
    ask(l, c, now, cost, true, v);
}

void rate_window_look(const struct rate_limit *l, struct rate_cell *c, const struct rate_time *now,
                      uint32_t cost, struct rate_verdict *v)
{
    ask(l, c, now, cost, false, v);
}

void rate_window_charge(const struct rate_limit *l, struct rate_cell *c,
                        const struct rate_time *now, uint32_t cost)
{
    if (l->algorithm == RATE_FIXED_WINDOW)
        fixed_charge(l, c, now, cost);
    else if (l->algorithm == RATE_SLIDING_COUNTER)
        slide_charge(l, c, now, cost);
    else
        bucket_charge(l, c, now, cost);
}

void rate_window_give_back(const struct rate_limit *l, struct rate_cell *c, uint32_t cost,
                           const struct rate_verdict *v)
{
    if (l->algorithm == RATE_FIXED_WINDOW)
        count_down(&c->words[0], (uint32_t)v->mark, cost);
    else if (l->algorithm == RATE_SLIDING_COUNTER)
        count_down(&c->words[v->mark >> 1 & 1], (uint32_t)v->mark, cost);
    else
        bucket_give_back(l, c, cost);
}

uint64_t rate_window_length_ms(const struct rate_limit *l)
{
    if (l->algorithm == RATE_SLIDING_COUNTER || l->algorithm == RATE_SLIDING_LOG)
        return l->window_ms;
    if (l->algorithm != RATE_FIXED_WINDOW)
        return to_ms(times(l->max, l->per_unit_ns));
    int64_t days = l->period == RATE_YEAR ? 366 : 31;
    return (uint64_t)(l->period < RATE_MONTH ? period_ms[l->period] : days * DAY_MS);
}

uint64_t rate_window_lifetime_ms(const struct rate_limit *l)
{
    uint64_t windows = l->algorithm == RATE_SLIDING_COUNTER ? 2 : 1;
    return windows * rate_window_length_ms(l) + SKEW_MS;
}

const char *rate_window_name(const struct rate_limit *l)
{
    static const char *const names[] = {
        [RATE_SECOND] = "Second", [RATE_MINUTE] = "Minute", [RATE_HOUR] = "Hour",
        [RATE_DAY] = "Day",       [RATE_MONTH] = "Month",   [RATE_YEAR] = "Year"};
    return l->algorithm == RATE_FIXED_WINDOW ? names[l->period] : NULL;
}
