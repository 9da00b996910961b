/* Tests of the clocks. * No limits on how long anything takes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/clock.h"

#include <time.h>

#include "tests/unit/lib/base/cmocka_base.h"

static void test_mono_does_not_run_back(void **state)
{
    uint64_t last = 0;
    for (int i = 0; i < 10000; i++) {
        uint64_t now = clock_mono_ns();
        assert_true(now >= last);
        last = now;
    }
    assert_true(last > 0);
}

static void test_wall_agrees_with_libc(void **state)
{
    time_t before = time(NULL);
    int64_t ms = clock_wall_ms();
    time_t after = time(NULL);
    /* time() may lag by a tick. */
    assert_true(ms >= (int64_t)before * 1000 && ms <= ((int64_t)after + 2) * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mono_does_not_run_back),
        cmocka_unit_test(test_wall_agrees_with_libc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
