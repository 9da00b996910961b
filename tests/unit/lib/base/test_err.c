/* Tests of the error names, texts and errno translation. * Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/err.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"

static void test_values(void **state)
{
    assert_int_equal(ERR_OK, 0);
    for (int i = 0; i < ERR_ORDINAL_COUNT; i++) {
        enum err e = (enum err)(-1 - i);
        assert_true(strcmp(err_name(e), "UNKNOWN") != 0);
        assert_true(strcmp(err_text(e), "unknown error") != 0);
    }
}

static void test_names(void **state)
{
    assert_string_equal(err_name(ERR_OK), "OK");
    assert_string_equal(err_name(ERR_AGAIN), "AGAIN");
    assert_string_equal(err_name(ERR_TIMEOUT), "TIMEOUT");
    assert_string_equal(err_text(ERR_TIMEOUT), "timed out");
    assert_string_equal(err_text(ERR_OK), "ok");
}

static void test_foreign_values(void **state)
{
    assert_string_equal(err_name((enum err)1), "UNKNOWN");
    assert_string_equal(err_name((enum err)(-1 - ERR_ORDINAL_COUNT)), "UNKNOWN");
    assert_string_equal(err_text((enum err)(-1 - ERR_ORDINAL_COUNT)), "unknown error");
}

static void test_errno(void **state)
{
    assert_int_equal(err_from_errno(0), ERR_OK);
    assert_int_equal(err_from_errno(EAGAIN), ERR_AGAIN);
    assert_int_equal(err_from_errno(ECONNREFUSED), ERR_REFUSED);
    assert_int_equal(err_from_errno(ECONNRESET), ERR_RESET);
    assert_int_equal(err_from_errno(EPIPE), ERR_BROKEN_PIPE);
    assert_int_equal(err_from_errno(EMFILE), ERR_FILES);
    assert_int_equal(err_from_errno(EADDRINUSE), ERR_ADDR_IN_USE);
    assert_int_equal(err_from_errno(EIO), ERR_IO);
    assert_int_equal(err_from_errno(99999), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_foreign_values),
        cmocka_unit_test(test_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
