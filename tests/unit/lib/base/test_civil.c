/* Tests of dates: known days, every day of four centuries there and back, and texts that are none.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/civil.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#define DAY_MS 86400000

static void test_known_days(void **state)
{
    static const struct {
        struct civil civil;
        int64_t ms;
    } rows[] = {
        {{1970, 1, 1, 0, 0, 0}, 0},
        {{2000, 2, 29, 12, 0, 1}, 951825601000},
        {{2026, 1, 2, 3, 4, 5}, 1767323045000},
        {{2100, 3, 1, 0, 0, 0}, 4107542400000},
        {{9999, 12, 31, 23, 59, 59}, 253402300799000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct civil got;
        assert_int_equal(civil_to_ms(&rows[i].civil), rows[i].ms);
        civil_from_ms(rows[i].ms + 999, &got);
        assert_memory_equal(&got, &rows[i].civil, sizeof got);
    }
}

static void test_there_and_back(void **state)
{
    struct civil c, before = {0};
    (void)state;
    for (int64_t day = 0; day < 400 * 366; day++) {
        civil_from_ms(day * DAY_MS, &c);
        assert_true(civil_is_valid(&c));
        assert_int_equal(civil_to_ms(&c), day * DAY_MS);
        assert_true(c.day == before.day + 1 || c.day == 1);
        before = c;
    }
}

static void test_what_is_out_of_range(void **state)
{
    struct civil c;
    (void)state;
    civil_from_ms(-5, &c);
    assert_int_equal(civil_to_ms(&c), 0);
    civil_from_ms(INT64_MAX, &c);
    assert_int_equal(c.year, 9999);
    assert_int_equal(c.second, 59);
}

static void test_texts(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: no time */
    } rows[] = {
        {"2026-01-02T03:04:05Z", 1767323045000},
        {"2026-01-02T03:04:05.678Z", 1767323045678},
        {"2026-01-02T03:04:05.678901Z", 1767323045678},
        {"2026-01-02T03:04:05.5Z", 1767323045500},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2023-02-29T00:00:00Z", -1},
        {"2024-04-31T00:00:00Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-00-01T00:00:00Z", -1},
        {"2026-04-31T00:00:00Z", -1},
        {"2026-01-02T24:00:00Z", -1},
        {"2026-01-02T03:60:05Z", -1},
        {"2026-01-02T03:04:60Z", -1},
        {"2026-01-02T03:04:05.Z", -1},
        {"2026-01-02T03:04:05", -1},
        {"2026-01-02T03:04:05ZZ", -1},
        {"2026-01-02T03:04:05+01:00", -1},
        {"2026-01-02 03:04:05Z", -1},
        {"2026-1-2T03:04:05Z", -1},
        {"", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms = -1;
        enum err e = civil_read(slice_from_cstr(rows[i].text), &ms);
        if ((e == ERR_OK) != (rows[i].ms >= 0) || ms != rows[i].ms)
            fail_msg("\"%s\": %lld", rows[i].text, (long long)ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_days),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_what_is_out_of_range),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
