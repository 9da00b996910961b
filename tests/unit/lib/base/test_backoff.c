/* Tests of the retry delays: bounds, doubling, spread, no overflow. * Fixed seeds.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/backoff.h"

#include "tests/unit/lib/base/cmocka_base.h"

static void check_range(unsigned attempt, uint64_t base, uint64_t max, uint64_t full)
{
    struct rand_state r;
    rand_seed(&r, attempt);
    for (int i = 0; i < 500; i++) {
        uint64_t d = backoff_delay(attempt, base, max, &r);
        assert_true(d >= full / 2 && d <= full);
    }
}

static void test_doubles_up_to_max(void **state)
{
    check_range(0, 25, 250, 25);
    check_range(1, 25, 250, 50);
    check_range(2, 25, 250, 100);
    check_range(3, 25, 250, 200);
    check_range(4, 25, 250, 250);
    check_range(5, 25, 250, 250);
    check_range(4000000000u, 25, 250, 250);
}

static void test_extremes(void **state)
{
    check_range(0, 0, 0, 0);
    check_range(9, 0, 100, 0);
    check_range(0, 500, 100, 100);
    check_range(63, 1, UINT64_MAX, (uint64_t)1 << 63);
    struct rand_state r;
    rand_seed(&r, 1);
    for (int i = 0; i < 100; i++)
        assert_true(backoff_delay(200, 1, UINT64_MAX, &r) >= UINT64_MAX / 2);
}

static void test_spreads(void **state)
{
    struct rand_state r;
    unsigned low = 0, high = 0;
    rand_seed(&r, 8);
    for (int i = 0; i < 1000; i++) {
        uint64_t d = backoff_delay(0, 1000, 5000, &r);
        low += d < 625;
        high += d >= 875;
    }
    assert_in_range(low, 200, 300);
    assert_in_range(high, 200, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles_up_to_max),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_spreads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
