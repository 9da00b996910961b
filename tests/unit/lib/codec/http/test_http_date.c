/* Dates of header fields: the one form that senders must write.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/http_date.h"

#include "tests/unit/lib/base/cmocka_base.h"

static void test_good_ones(void **state)
{
    int64_t ms;
    assert_int_equal(http_date_read(SLICE("Sun, 06 Nov 1994 08:49:37 GMT"), &ms), ERR_OK);
    assert_true(ms == INT64_C(784111777000));
    assert_int_equal(http_date_read(SLICE("Thu, 29 Feb 2024 23:59:59 GMT"), &ms), ERR_OK);
    assert_true(ms == INT64_C(1709251199000));
}

static void test_others(void **state)
{
    static const char *const bad[] = {
        "",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "1994-11-06T08:49:37Z",
    };
    int64_t ms;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(http_date_read(slice_from_cstr(bad[i]), &ms), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_ones),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
