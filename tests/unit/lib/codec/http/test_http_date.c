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

/* The old forms, which are still to be read; and what is written is read as the same. */
static void test_any(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", INT64_C(784111777000)},
        {"Sunday, 06-Nov-94 08:49:37 GMT", INT64_C(784111777000)},
        {"Sun Nov  6 08:49:37 1994", INT64_C(784111777000)},
        {"Wed Nov 16 08:49:37 1994", INT64_C(784975777000)},
        {"Monday, 06-Nov-75 08:49:37 GMT", INT64_C(3340255777000)},
        {"Sunday, 06-Nov-77 08:49:37 GMT", INT64_C(247654177000)},
    };
    static const char *const bad[] = {
        "Sun, 06-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37",
        "Sunday, 31-Nov-94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 94", ""};
    const int64_t now = INT64_C(1767268800000); /* 2026 */
    char text[HTTP_DATE_SIZE];
    int64_t ms;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(http_date_read_any(slice_from_cstr(good[i].text), now, &ms), ERR_OK);
        assert_int_equal(ms, good[i].ms);
        http_date_write(ms, text);
        assert_int_equal(http_date_read(slice_from_cstr(text), &ms), ERR_OK);
        assert_int_equal(ms, good[i].ms);
    }
    http_date_write(INT64_C(784111777000), text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(http_date_read_any(slice_from_cstr(bad[i]), now, &ms), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_ones),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
