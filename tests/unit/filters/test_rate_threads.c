/* Four workers take from the same counters at once: what they get together is the limit, exactly.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "filters/rate/rate_local.h"
#include "lib/io/thread.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

#define NOON INT64_C(1767268800000)

enum { THREADS = 4, KEYS = 400, TRIES = 3, MAX = 5, MANY = 20000, MANY_LOGGED = 900 };

#define LIMITS(units)                                                                             \
    {                                                                                             \
        {.algorithm = RATE_FIXED_WINDOW, .period = RATE_MINUTE, .max = units},                    \
        {.algorithm = RATE_SLIDING_COUNTER, .window_ms = 60000, .max = units},                    \
        {.algorithm = RATE_TOKEN_BUCKET, .per_unit_ns = 1000000000, .max = units},                \
        {.algorithm = RATE_LEAKY_BUCKET, .per_unit_ns = 1000000000, .max = units},                \
        {.algorithm = RATE_SLIDING_LOG, .window_ms = 60000, .max = units},                        \
    }
enum { LIMIT_COUNT = 5, LOGGED = 4 };

static const struct rate_limit few[] = LIMITS(MAX), many[] = LIMITS(MANY);

static struct rate_table *table;
static const struct rate_limit *limit, *second; /* second: NULL, or asked as well */
static _Atomic unsigned waiting, taken[KEYS], evictions;

/* All begin at one moment, again and again. */
static void wait_for_the_others(unsigned round)
{
    atomic_fetch_add(&waiting, 1);
    while (atomic_load(&waiting) < THREADS * (round + 1))
        sched_yield();
}

static bool take(unsigned key, unsigned *evicted)
{
    static const struct rate_time now = {.unix_ms = NOON, .mono_ms = 600000};
    char text[2][32];
    struct rate_ask asks[2];
    for (unsigned i = 0; i < 2; i++) {
        snprintf(text[i], sizeof text[i], "%u/%u", i, key);
        asks[i] = (struct rate_ask){
            .limit = i ? second : limit, .key = slice_from_cstr(text[i]), .cost = 1};
    }
    return rate_local_take(table, &now, asks, second ? 2 : 1, evicted);
}

static void hammer_each(void *arg)
{
    unsigned evicted = 0;
    (void)arg;
    for (unsigned key = 0; key < KEYS; key++) {
        wait_for_the_others(key);
        for (unsigned i = 0; i < TRIES; i++)
            taken[key] += take(key, &evicted);
    }
    atomic_fetch_add(&evictions, evicted);
}

static void hammer_one(void *arg)
{
    unsigned evicted = 0, own = 0;
    (void)arg;
    wait_for_the_others(0);
    for (unsigned i = 0; i < MANY; i++)
        own += take(0, &evicted);
    atomic_fetch_add(&taken[0], own);
}

static void run(void (*hammer)(void *arg))
{
    struct thread *threads[THREADS];
    atomic_store(&waiting, 0);
    atomic_store(&evictions, 0);
    for (unsigned i = 0; i < KEYS; i++)
        atomic_store(&taken[i], 0);
    table = rate_table_create(RATE_TABLE_CELLS);
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = thread_start("hammer", hammer, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    rate_table_destroy(table);
}

/* requirement: I15 */
static void test_whoever_brings_a_key_first_they_get_the_limit_together(void **state)
{
    (void)state;
    second = NULL;
    for (unsigned i = 0; i < LIMIT_COUNT; i++) {
        limit = &few[i];
        run(hammer_each);
        for (unsigned key = 0; key < KEYS; key++)
            assert_int_equal(taken[key], MAX);
        assert_int_equal(evictions, 0);
    }
}

/* requirement: I15 */
static void test_however_many_they_want_they_get_the_limit_together(void **state)
{
    struct rate_limit logged = many[LOGGED];
    (void)state;
    second = NULL;
    logged.max = MANY_LOGGED;
    for (unsigned i = 0; i < LIMIT_COUNT; i++) {
        limit = i == LOGGED ? &logged : &many[i];
        run(hammer_one);
        assert_int_equal(taken[0], limit->max);
    }
}

/* requirement: I1 */
static void test_of_two_limits_they_get_the_smaller(void **state)
{
    static const struct rate_limit hour = {
        .algorithm = RATE_FIXED_WINDOW, .period = RATE_HOUR, .max = MAX - 2};
    (void)state;
    for (unsigned i = 0; i < LIMIT_COUNT; i++) {
        limit = &few[i];
        second = &hour;
        run(hammer_each);
        for (unsigned key = 0; key < KEYS; key++)
            assert_int_equal(taken[key], MAX - 2);
    }
}

/* ---- windows that begin while they take ---- */

static const struct rate_limit short_window = {
    .algorithm = RATE_SLIDING_COUNTER, .window_ms = 100, .max = 50};
enum { WINDOWS = 200 };
static _Atomic unsigned in_window[WINDOWS];

/* Each thread's clock is a little off. */
static void hammer_over_time(void *arg)
{
    unsigned me = (unsigned)(uintptr_t)arg, evicted = 0;
    wait_for_the_others(0);
    for (unsigned ms = 0; ms < WINDOWS * 100; ms++) {
        struct rate_time now = {.mono_ms = 1000 + ms + me};
        struct rate_ask a = {.limit = &short_window, .key = SLICE("all"), .cost = 1};
        if (rate_local_take(table, &now, &a, 1, &evicted))
            in_window[(now.mono_ms - 1000) / 100 % WINDOWS]++;
    }
}

static void test_windows_that_begin_meanwhile_have_no_more_than_their_limits(void **state)
{
    struct thread *threads[THREADS];
    unsigned all = 0;
    (void)state;
    table = rate_table_create(64);
    atomic_store(&waiting, 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start("hammer", hammer_over_time, (void *)i);
    for (unsigned i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    for (unsigned i = 0; i < WINDOWS; i++)
        all += in_window[i];
    assert_true(all > 0 && all <= (WINDOWS + 1) * short_window.max);
    rate_table_destroy(table);
}

/* ---- a table in which everybody is always on the way out ---- */

static _Atomic unsigned steady_taken;

static void crowd(void *arg)
{
    unsigned me = (unsigned)(uintptr_t)arg, evicted = 0;
    struct rate_time now = {.unix_ms = NOON, .mono_ms = 600000};
    wait_for_the_others(0);
    for (unsigned i = 0; i < 20000; i++) {
        char key[32];
        snprintf(key, sizeof key, "%u/%u", me, i);
        struct rate_ask stranger = {.limit = limit, .key = slice_from_cstr(key), .cost = 1};
        struct rate_ask steady = {.limit = limit, .key = SLICE("steady"), .cost = 1};
        assert_true(rate_local_take(table, &now, &stranger, 1, &evicted));
        steady_taken += rate_local_take(table, &now, &steady, 1, &evicted);
    }
}

/* One that is used up is not what goes, whoever comes. */
static void test_strangers_do_not_open_the_gate_for_others(void **state)
{
    struct thread *threads[THREADS];
    (void)state;
    table = rate_table_create(256);
    limit = &few[0];
    atomic_store(&waiting, 0);
    struct rate_time now = {.unix_ms = NOON, .mono_ms = 600000};
    struct rate_ask all = {.limit = limit, .key = SLICE("steady"), .cost = MAX};
    unsigned evicted = 0;
    assert_true(rate_local_take(table, &now, &all, 1, &evicted));
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start("crowd", crowd, (void *)i);
    for (unsigned i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    assert_int_equal(steady_taken, 0);
    rate_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whoever_brings_a_key_first_they_get_the_limit_together),
        cmocka_unit_test(test_however_many_they_want_they_get_the_limit_together),
        cmocka_unit_test(test_of_two_limits_they_get_the_smaller),
        cmocka_unit_test(test_windows_that_begin_meanwhile_have_no_more_than_their_limits),
        cmocka_unit_test(test_strangers_do_not_open_the_gate_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
