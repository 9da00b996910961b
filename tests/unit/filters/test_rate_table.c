/* The counters of a process, one thread at a time (filters/rate/rate_table.h, rate_log.h,
 * rate_local.h). SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_local.h"

#include <stdio.h>

#include "tests/unit/sidecar/cmocka_sidecar.h"

#define NOON INT64_C(1767268800000)

static struct rate_table *table;
static struct rate_time now;
static unsigned evicted;

static int set_up(void **state)
{
    (void)state;
    table = rate_table_create(64);
    now = (struct rate_time){.unix_ms = NOON, .mono_ms = 100000};
    evicted = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rate_table_destroy(table);
    return 0;
}

static const struct rate_limit per_second = {
    .algorithm = RATE_FIXED_WINDOW, .period = RATE_SECOND, .max = 5};
static const struct rate_limit per_hour = {
    .algorithm = RATE_FIXED_WINDOW, .period = RATE_HOUR, .max = 8};
static const struct rate_limit logged = {
    .algorithm = RATE_SLIDING_LOG, .window_ms = 10000, .max = 20};

static struct rate_ask ask(const struct rate_limit *l, const char *key, uint32_t cost)
{
    return (struct rate_ask){.limit = l, .key = slice_from_cstr(key), .cost = cost};
}

static bool take(const struct rate_limit *l, const char *key, uint32_t cost)
{
    struct rate_ask a = ask(l, key, cost);
    return rate_local_take(table, &now, &a, 1, &evicted);
}

static unsigned take_all(const struct rate_limit *l, const char *key)
{
    unsigned count = 0;
    while (take(l, key, 1))
        assert_true(++count < 10000);
    return count;
}

static void pass(int64_t ms)
{
    now.unix_ms += ms;
    now.mono_ms += (uint64_t)ms;
}

static void test_every_key_has_a_counter_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %d", i);
        assert_int_equal(take_all(&per_second, key), 5);
    }
    assert_int_equal(evicted, 0);
}

/* requirement: I1 */
static void test_of_several_limits_all_or_none_are_taken(void **state)
{
    struct rate_ask both[2];
    unsigned count = 0;
    (void)state;
    for (int second = 0; second < 3; second++) {
        for (int i = 0; i < 20; i++) {
            both[0] = ask(&per_second, "second/a", 1);
            both[1] = ask(&per_hour, "hour/a", 1);
            count += rate_local_take(table, &now, both, 2, &evicted);
        }
        pass(1000);
    }
    assert_int_equal(count, 8); /* 5 and 3: what the second refused was not counted in the hour */
    assert_true(both[0].verdict.is_allowed);
    assert_int_equal(both[0].verdict.remaining, 5); /* nor the other way round */
    assert_false(both[1].verdict.is_allowed);
    assert_int_equal(both[1].verdict.remaining, 0);
}

static void test_a_log_counts_in_every_window_of_its_length(void **state)
{
    (void)state;
    assert_true(take(&logged, "a", 5));
    pass(4000);
    assert_true(take(&logged, "a", 15));
    assert_false(take(&logged, "a", 1));
    pass(5999);
    assert_false(take(&logged, "a", 1));
    pass(1); /* the five are out of it */
    assert_false(take(&logged, "a", 6));
    assert_int_equal(take_all(&logged, "a"), 5);
    pass(4000);
    assert_int_equal(take_all(&logged, "a"), 15);
    assert_int_equal(take_all(&logged, "b"), 20);
}

static void test_a_log_says_when_there_will_be_room(void **state)
{
    struct rate_ask a = ask(&logged, "a", 20);
    (void)state;
    assert_true(rate_local_take(table, &now, &a, 1, &evicted));
    assert_int_equal(a.verdict.remaining, 0);
    assert_int_equal(a.verdict.reset_ms, 10000);
    pass(2500);
    a.cost = 1;
    assert_false(rate_local_take(table, &now, &a, 1, &evicted));
    assert_int_equal(a.verdict.retry_ms, 7500);
    a.cost = 21;
    assert_false(rate_local_take(table, &now, &a, 1, &evicted));
    assert_true(a.verdict.retry_ms == UINT64_MAX);
}

static void test_a_log_that_is_made_longer_keeps_what_was_counted(void **state)
{
    struct rate_limit more = logged;
    (void)state;
    more.max = 33;
    assert_int_equal(take_all(&logged, "a"), 20);
    assert_int_equal(take_all(&more, "a"), 13);
    assert_int_equal(take_all(&logged, "a"), 0);
}

static void test_a_log_gives_back(void **state)
{
    struct rate_ask both[2] = {ask(&logged, "log/a", 3), ask(&per_second, "second/a", 9)};
    (void)state;
    assert_false(rate_local_take(table, &now, both, 2, &evicted));
    assert_int_equal(take_all(&logged, "log/a"), 20);
}

static void test_what_a_response_cost_is_charged(void **state)
{
    struct rate_ask a = ask(&per_second, "second/a", 0), b = ask(&logged, "log/a", 0);
    (void)state;
    rate_local_charge(table, &now, &a, 4, &evicted);
    assert_int_equal(take_all(&per_second, "second/a"), 1);
    rate_local_charge(table, &now, &b, 500, &evicted);
    assert_int_equal(take_all(&logged, "log/a"), 0);
    pass(10000);
    assert_int_equal(take_all(&logged, "log/a"), 20);
}

/* ---- a table that is full ---- */

static void fill(unsigned count, const char *name)
{
    for (unsigned i = 0; i < count; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s %u", name, i);
        assert_true(take(&per_hour, key, 1));
    }
}

static void test_a_new_key_always_finds_room(void **state)
{
    (void)state;
    fill(10000, "stranger");
    assert_true(evicted > 9000);
    assert_int_equal(take_all(&per_hour, "me"), 8);
}

static void test_what_is_used_up_outlives_what_is_not(void **state)
{
    (void)state;
    assert_int_equal(take_all(&per_hour, "greedy"), 8);
    fill(10000, "stranger");
    assert_int_equal(take_all(&per_hour, "greedy"), 0);
}

static void test_what_means_nothing_any_more_makes_room_first(void **state)
{
    (void)state;
    for (int second = 0; second < 100; second++) {
        for (int i = 0; i < 3; i++) {
            char key[32];
            snprintf(key, sizeof key, "%d %d", second, i);
            assert_int_equal(take_all(&per_second, key), 5);
        }
        pass(10000);
    }
    assert_int_equal(evicted, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_every_key_has_a_counter_of_its_own),
        T(test_of_several_limits_all_or_none_are_taken),
        T(test_a_log_counts_in_every_window_of_its_length),
        T(test_a_log_says_when_there_will_be_room),
        T(test_a_log_that_is_made_longer_keeps_what_was_counted),
        T(test_a_log_gives_back),
        T(test_what_a_response_cost_is_charged),
        T(test_a_new_key_always_finds_room),
        T(test_what_is_used_up_outlives_what_is_not),
        T(test_what_means_nothing_any_more_makes_room_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
