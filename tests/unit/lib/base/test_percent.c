/* Tests of percent-encoding: digits of both cases, and what is no escape.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/percent.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_digits(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *at = c ? strchr(digits, c) : NULL;
        int want = !at ? -1 : (int)(at - digits) - (at - digits > 15 ? 6 : 0);
        assert_int_equal(percent_digit((char)c), want);
    }
}

static void test_texts(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},         {"a", "a"},       {"%41%7a", "Az"}, {"a%2Fb%2fc", "a/b/c"},
        {"%", "%"},       {"%4", "%4"},     {"%4g", "%4g"},   {"%g4", "%g4"},
        {"%%41", "%A"},   {"%2541", "%41"}, {"%41%", "A%"},   {"x%ffy", "x\xffy"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[16];
        struct slice got = percent_decode(slice_from_cstr(rows[i][0]), out);
        if (!slice_eq_cstr(got, rows[i][1]))
            fail_msg("%s: %.*s", rows[i][0], SLICE_ARG(got));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
