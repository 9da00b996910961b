/* Tests of peak-EWMA with a fake clock. * Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/ewma.h"

#include <math.h>

#include "tests/unit/lib/base/cmocka_base.h"

static const uint64_t second = 1000000000u, ms = 1000000u;

static void check_near(double got, double want)
{
    if (fabs(got - want) > want * 1e-6 + 1e-9)
        fail_msg("got %f, want %f", got, want);
}

static void test_default(void **state)
{
    struct ewma e;
    ewma_init(&e, 5 * second);
    check_near(ewma_load(&e, 5 * second, 0), (double)EWMA_DEFAULT_NS);
    check_near(ewma_load(&e, 5 * second, 3), 4 * (double)EWMA_DEFAULT_NS);
}

static void test_first_answer_replaces_default(void **state)
{
    struct ewma e;
    ewma_init(&e, 0);
    ewma_observe(&e, second, 2 * ms);
    check_near(ewma_load(&e, second, 0), 2e6);
}

static void test_peak_counts_at_once(void **state)
{
    struct ewma e;
    ewma_init(&e, 0);
    ewma_observe(&e, second, 2 * ms);
    ewma_observe(&e, second + ms, 500 * ms);
    check_near(ewma_load(&e, second + ms, 0), 500e6);
}

static void test_decays_towards_fast_answers(void **state)
{
    struct ewma e;
    ewma_init(&e, 0);
    ewma_observe(&e, 0, 100 * ms);
    ewma_observe(&e, EWMA_DECAY_NS, 10 * ms);
    check_near(ewma_load(&e, EWMA_DECAY_NS, 0), 100e6 * exp(-1) + 10e6 * (1 - exp(-1)));
}

static void test_fades_without_answers(void **state)
{
    struct ewma e;
    ewma_init(&e, 0);
    ewma_observe(&e, 0, 100 * ms);
    check_near(ewma_load(&e, EWMA_DECAY_NS, 0), 100e6 * exp(-1));
    check_near(ewma_load(&e, 3 * EWMA_DECAY_NS, 1), 2 * 100e6 * exp(-3));
    /* Asking does not change it. */
    check_near(ewma_load(&e, 0, 0), 100e6);
}

static void test_short_steps_equal_one_long(void **state)
{
    struct ewma e;
    ewma_init(&e, 0);
    ewma_observe(&e, 0, 100 * ms);
    for (uint64_t t = 1; t <= 1000; t++)
        ewma_observe(&e, t * 10 * ms, 0);
    if (fabs(ewma_load(&e, 10 * second, 0) - 100e6 * exp(-1)) > 1e3)
        fail_msg("got %f", ewma_load(&e, 10 * second, 0));
}

static void test_clock_does_not_run_back(void **state)
{
    struct ewma e;
    ewma_init(&e, 10 * second);
    ewma_observe(&e, 10 * second, 50 * ms);
    ewma_observe(&e, 9 * second, 1 * ms);
    check_near(ewma_load(&e, 8 * second, 0), 50e6);
    assert_true(e.at_ns == 10 * second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default),
        cmocka_unit_test(test_first_answer_replaces_default),
        cmocka_unit_test(test_peak_counts_at_once),
        cmocka_unit_test(test_decays_towards_fast_answers),
        cmocka_unit_test(test_fades_without_answers),
        cmocka_unit_test(test_short_steps_equal_one_long),
        cmocka_unit_test(test_clock_does_not_run_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
