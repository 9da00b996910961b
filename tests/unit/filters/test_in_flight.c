/* Requests under way, by key (filters/rate/in_flight.h).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/in_flight.h"

#include "lib/io/thread.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

enum { THREADS = 4, ROUNDS = 20000, MAX = 5 };

static struct rate_table *table;
static unsigned evicted;

static int set_up(void **state)
{
    (void)state;
    table = rate_table_create(64);
    evicted = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rate_table_destroy(table);
    return 0;
}

static bool enter(uint64_t key)
{
    return in_flight_enter(table, key, 1000, MAX, &evicted);
}

/* requirement: I7 */
static void test_no_more_than_the_limit_at_once(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MAX; i++)
            assert_true(enter(7));
        assert_false(enter(7));
        assert_true(enter(8));
        in_flight_leave(table, 8, 1000);
        for (int i = 0; i < MAX; i++)
            in_flight_leave(table, 7, 1000);
    }
}

/* Those that are over make room without a loss for those that are not. */
static void test_keys_that_come_and_go_leave_the_others_alone(void **state)
{
    (void)state;
    for (int i = 0; i < MAX; i++)
        assert_true(enter(7));
    for (uint64_t key = 1; key < 100000; key++) {
        assert_true(enter(key * UINT64_C(0x9e3779b97f4a7c15)));
        in_flight_leave(table, key * UINT64_C(0x9e3779b97f4a7c15), 1000);
    }
    assert_int_equal(evicted, 0);
    assert_false(enter(7));
}

/* ---- at once ---- */

static _Atomic unsigned under_way, most, waiting;

static void come_and_go(void *arg)
{
    unsigned ignored = 0;
    (void)arg;
    atomic_fetch_add(&waiting, 1);
    while (atomic_load(&waiting) < THREADS)
        ;
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (!in_flight_enter(table, 7, 1000, 2, &ignored))
            continue;
        unsigned now = atomic_fetch_add(&under_way, 1) + 1, seen = atomic_load(&most);
        while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
            ;
        atomic_fetch_sub(&under_way, 1);
        in_flight_leave(table, 7, 1000);
    }
}

static void test_nor_of_all_workers_together(void **state)
{
    struct thread *threads[THREADS];
    (void)state;
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = thread_start("hammer", come_and_go, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    assert_in_range(most, 1, 2);
    for (int i = 0; i < MAX; i++) /* and nothing was left behind */
        assert_true(enter(7));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_no_more_than_the_limit_at_once),
        T(test_keys_that_come_and_go_leave_the_others_alone),
        T(test_nor_of_all_workers_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
