/* The arithmetic of rate limits (filters/rate/rate_window.h), by clocks that tests set.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_window.h"

#include "lib/base/civil.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

#define NOON INT64_C(1767268800000) /* 2026-01-01T12:00:00Z */

static struct rate_cell cell;
static struct rate_time now;
static struct rate_verdict v;

static int set_up(void **state)
{
    (void)state;
    cell = (struct rate_cell){0};
    now = (struct rate_time){.unix_ms = NOON, .mono_ms = 5000};
    return 0;
}

static bool take(const struct rate_limit *l, uint32_t cost)
{
    rate_window_take(l, &cell, &now, cost, &v);
    return v.is_allowed;
}

static unsigned take_all(const struct rate_limit *l)
{
    unsigned count = 0;
    while (take(l, 1))
        assert_true(++count <= 100000);
    return count;
}

static void pass(int64_t ms)
{
    now.unix_ms += ms;
    now.mono_ms += (uint64_t)ms;
}

/* ---- windows of the calendar ---- */

static const struct rate_limit per_minute = {
    .algorithm = RATE_FIXED_WINDOW, .period = RATE_MINUTE, .max = 3};

/* requirement: I1, I15 */
static void test_a_window_lets_through_its_limit_and_begins_anew(void **state)
{
    (void)state;
    pass(45250);
    assert_true(take(&per_minute, 1));
    assert_int_equal(v.remaining, 2);
    assert_int_equal(v.reset_ms, 14750);
    assert_true(take(&per_minute, 1) && take(&per_minute, 1));
    assert_int_equal(v.remaining, 0);
    assert_false(take(&per_minute, 1));
    assert_int_equal(v.retry_ms, 14750);
    pass(14749);
    assert_false(take(&per_minute, 1));
    pass(1);
    assert_int_equal(take_all(&per_minute), 3);
}

static void test_windows_are_those_of_the_calendar_in_utc(void **state)
{
    static const struct {
        enum rate_period period;
        const char *in, *end;
    } rows[] = {
        {RATE_SECOND, "2026-01-01T12:00:00.999Z", "2026-01-01T12:00:01Z"},
        {RATE_MINUTE, "2026-01-01T12:00:59.999Z", "2026-01-01T12:01:00Z"},
        {RATE_HOUR, "2026-01-01T12:59:59Z", "2026-01-01T13:00:00Z"},
        {RATE_DAY, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
        {RATE_MONTH, "2028-02-29T23:59:59Z", "2028-03-01T00:00:00Z"},
        {RATE_MONTH, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
        {RATE_YEAR, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
        {RATE_YEAR, "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t in, end;
        assert_int_equal(civil_read(slice_from_cstr(rows[i].in), &in), ERR_OK);
        assert_int_equal(civil_read(slice_from_cstr(rows[i].end), &end), ERR_OK);
        uint32_t number = rate_window_number(rows[i].period, in);
        assert_int_equal(rate_window_end_ms(rows[i].period, number), end);
        assert_int_equal(rate_window_number(rows[i].period, end - 1), number);
        assert_int_equal(rate_window_number(rows[i].period, end), number + 1);
    }
}

/* requirement: I23 */
static void test_a_limit_that_is_changed_keeps_its_count(void **state)
{
    struct rate_limit more = per_minute, less = per_minute;
    (void)state;
    more.max = 5;
    less.max = 1;
    assert_int_equal(take_all(&per_minute), 3);
    assert_int_equal(take_all(&more), 2);
    assert_false(take(&less, 1));
    assert_int_equal(v.remaining, 0);
}

static void test_a_clock_that_is_set_back_neither_opens_nor_shuts_for_long(void **state)
{
    (void)state;
    assert_int_equal(take_all(&per_minute), 3);
    now.unix_ms -= 86400000;
    assert_false(take(&per_minute, 1)); /* not opened */
    assert_true(v.retry_ms <= 60000);   /* nor shut until tomorrow */
    now.unix_ms += (int64_t)v.retry_ms;
    assert_int_equal(take_all(&per_minute), 3);
}

static void test_a_worker_whose_clock_is_behind_counts_in_the_window_of_the_others(void **state)
{
    (void)state;
    assert_true(take(&per_minute, 1));
    now.unix_ms -= 3;
    assert_int_equal(take_all(&per_minute), 2);
    now.unix_ms += 3;
    assert_false(take(&per_minute, 1));
}

static void test_a_clock_that_leaps_ahead_begins_a_window(void **state)
{
    (void)state;
    assert_int_equal(take_all(&per_minute), 3);
    now.unix_ms += 86400000;
    assert_int_equal(take_all(&per_minute), 3);
}

/* ---- costs ---- */

static void test_what_costs_more_takes_more(void **state)
{
    (void)state;
    assert_true(take(&per_minute, 2));
    assert_false(take(&per_minute, 2));
    assert_int_equal(v.remaining, 1);
    assert_true(take(&per_minute, 1));
}

static void test_what_costs_more_than_there_ever_is_is_never_allowed(void **state)
{
    static const struct rate_limit all[] = {
        {.algorithm = RATE_FIXED_WINDOW, .period = RATE_MINUTE, .max = 3},
        {.algorithm = RATE_SLIDING_COUNTER, .window_ms = 60000, .max = 3},
        {.algorithm = RATE_TOKEN_BUCKET, .per_unit_ns = 1000000000, .max = 3},
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        set_up(NULL);
        assert_false(take(&all[i], 4));
        assert_true(v.retry_ms == UINT64_MAX);
        assert_false(take(&all[i], UINT32_MAX));
        assert_int_equal(take_all(&all[i]), 3);
    }
}

static void test_a_cost_of_nothing_asks_whether_anything_is_left(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_true(take(&per_minute, 0));
    assert_int_equal(v.remaining, 3);
    assert_int_equal(take_all(&per_minute), 3);
    assert_false(take(&per_minute, 0));
}

static void test_what_is_charged_afterwards_may_be_more_than_there_was(void **state)
{
    static const struct rate_limit bucket = {
        .algorithm = RATE_TOKEN_BUCKET, .max = 10, .per_unit_ns = 100000000};
    (void)state;
    rate_window_charge(&per_minute, &cell, &now, 500);
    assert_false(take(&per_minute, 0));
    rate_window_charge(&per_minute, &cell, &now, UINT32_MAX); /* and does not turn over */
    assert_false(take(&per_minute, 0));
    set_up(NULL);
    rate_window_charge(&bucket, &cell, &now, 25); /* 15 more than there were */
    pass(1599);
    assert_false(take(&bucket, 1));
    pass(1);
    assert_true(take(&bucket, 1));
}

static void test_what_is_given_back_was_never_taken(void **state)
{
    static const struct rate_limit all[] = {
        {.algorithm = RATE_FIXED_WINDOW, .period = RATE_MINUTE, .max = 3},
        {.algorithm = RATE_SLIDING_COUNTER, .window_ms = 60000, .max = 3},
        {.algorithm = RATE_TOKEN_BUCKET, .per_unit_ns = 1000000000, .max = 3},
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        set_up(NULL);
        assert_int_equal(take_all(&all[i]), 3);
        cell = (struct rate_cell){0};
        assert_true(take(&all[i], 3));
        rate_window_give_back(&all[i], &cell, 2, &v);
        assert_int_equal(take_all(&all[i]), 2);
    }
}

static void test_what_is_given_back_too_late_is_gone(void **state)
{
    struct rate_verdict first;
    (void)state;
    assert_true(take(&per_minute, 1));
    first = v;
    pass(60000);
    assert_true(take(&per_minute, 1));
    rate_window_give_back(&per_minute, &cell, 1, &first);
    assert_int_equal(take_all(&per_minute), 2);
}

/* ---- two windows ---- */

static const struct rate_limit sliding = {
    .algorithm = RATE_SLIDING_COUNTER, .window_ms = 60000, .max = 100};

/* requirement: I18 */
static void test_the_last_window_counts_for_what_is_left_of_it(void **state)
{
    (void)state;
    now.mono_ms = 60000;
    assert_int_equal(take_all(&sliding), 100);
    assert_int_equal(v.retry_ms, 60000);
    now.mono_ms = 120000 + 15000; /* a quarter: 75 of the 100 still count */
    assert_int_equal(take_all(&sliding), 25);
    assert_int_equal(v.retry_ms, 45000);
    now.mono_ms = 120000 + 30000; /* half: 50 + 25 */
    assert_int_equal(take_all(&sliding), 25);
    now.mono_ms = 300000; /* what is two windows back is nothing */
    assert_int_equal(take_all(&sliding), 100);
}

static void test_a_fraction_that_is_left_is_room_for_one(void **state)
{
    (void)state;
    now.mono_ms = 60000;
    assert_int_equal(take_all(&sliding), 100);
    now.mono_ms = 120001; /* 100 * (1 - 1/60000) is below 100 */
    assert_true(take(&sliding, 1));
    assert_false(take(&sliding, 1));
}

static void test_whoever_is_behind_counts_in_the_later_window(void **state)
{
    (void)state;
    now.mono_ms = 119999;
    assert_int_equal(take_all(&sliding), 100);
    now.mono_ms = 120000;
    assert_false(take(&sliding, 1)); /* the first is closed now */
    now.mono_ms = 119998;
    assert_false(take(&sliding, 1));
    now.mono_ms = 179999;
    assert_int_equal(take_all(&sliding), 100 - 0);
}

/* ---- buckets ---- */

static const struct rate_limit bucket = {
    .algorithm = RATE_TOKEN_BUCKET, .max = 100, .per_unit_ns = 100000000}; /* 10 a second */

/* requirement: I8, I16 */
static void test_a_bucket_fills_at_its_rate_and_no_further(void **state)
{
    (void)state;
    assert_int_equal(take_all(&bucket), 100);
    assert_int_equal(v.retry_ms, 100);
    assert_int_equal(v.reset_ms, 10000);
    pass(99);
    assert_false(take(&bucket, 1));
    pass(1);
    assert_int_equal(take_all(&bucket), 1);
    pass(2500);
    assert_int_equal(take_all(&bucket), 25);
    pass(3600000);
    assert_int_equal(take_all(&bucket), 100);
}

static void test_no_unit_is_lost_to_rounding(void **state)
{
    static const struct rate_limit third = {
        .algorithm = RATE_TOKEN_BUCKET, .max = 3, .per_unit_ns = 333333333};
    unsigned count = 0;
    (void)state;
    assert_int_equal(take_all(&third), 3);
    for (int i = 0; i < 100000; i++) {
        pass(1);
        count += take(&third, 1);
    }
    assert_int_equal(count, 300);
}

static void test_a_bucket_whose_rate_is_changed_keeps_what_is_used(void **state)
{
    struct rate_limit fast = bucket, slow = bucket;
    (void)state;
    fast.per_unit_ns = 1000000;
    slow.per_unit_ns = 1000000000;
    assert_true(take(&bucket, 60));
    assert_int_equal(take_all(&fast), 40);
    assert_false(take(&slow, 1));
    pass(1000);
    assert_int_equal(take_all(&slow), 1);
}

/* requirement: I6 */
static void test_a_leaky_bucket_is_nginx_limit_req(void **state)
{
    struct rate_limit leaky = {
        .algorithm = RATE_LEAKY_BUCKET, .max = 5 + 1, .per_unit_ns = 100000000};
    (void)state;
    assert_int_equal(take_all(&leaky), 6); /* burst=5 nodelay */
    set_up(NULL);
    leaky.delays = true;
    for (unsigned i = 0; i < 6; i++) {
        assert_true(take(&leaky, 1));
        assert_int_equal(v.delay_ms, i * 100);
    }
    assert_false(take(&leaky, 1));
}

static void test_looking_takes_nothing(void **state)
{
    static const struct rate_limit *const all[] = {&per_minute, &sliding, &bucket};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct rate_verdict seen;
        set_up(NULL);
        for (int j = 0; j < 3; j++)
            rate_window_look(all[i], &cell, &now, 1, &seen);
        assert_true(take(all[i], 1));
        assert_true(seen.is_allowed);
        assert_int_equal(seen.remaining, v.remaining);
        assert_int_equal(seen.reset_ms, v.reset_ms);
        assert_int_equal(take_all(all[i]), all[i]->max - 1);
    }
}

#define T(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_window_lets_through_its_limit_and_begins_anew),
        T(test_windows_are_those_of_the_calendar_in_utc),
        T(test_a_limit_that_is_changed_keeps_its_count),
        T(test_a_clock_that_is_set_back_neither_opens_nor_shuts_for_long),
        T(test_a_worker_whose_clock_is_behind_counts_in_the_window_of_the_others),
        T(test_a_clock_that_leaps_ahead_begins_a_window),
        T(test_what_costs_more_takes_more),
        T(test_what_costs_more_than_there_ever_is_is_never_allowed),
        T(test_a_cost_of_nothing_asks_whether_anything_is_left),
        T(test_what_is_charged_afterwards_may_be_more_than_there_was),
        T(test_what_is_given_back_was_never_taken),
        T(test_what_is_given_back_too_late_is_gone),
        T(test_the_last_window_counts_for_what_is_left_of_it),
        T(test_a_fraction_that_is_left_is_room_for_one),
        T(test_whoever_is_behind_counts_in_the_later_window),
        T(test_a_bucket_fills_at_its_rate_and_no_further),
        T(test_no_unit_is_lost_to_rounding),
        T(test_a_bucket_whose_rate_is_changed_keeps_what_is_used),
        T(test_a_leaky_bucket_is_nginx_limit_req),
        T(test_looking_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
