/* Tests of the translation of libuv's codes. One thread, no loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/uv_err.h"

#include <string.h>
#include <uv.h>

#include "tests/unit/lib/io/cmocka_io.h"

static void test_codes(void **state)
{
    assert_int_equal(err_from_uv(0), ERR_OK);
    assert_int_equal(err_from_uv(17), ERR_OK);
    assert_int_equal(err_from_uv(UV_EOF), ERR_EOF);
    assert_int_equal(err_from_uv(UV_ECONNREFUSED), ERR_REFUSED);
    assert_int_equal(err_from_uv(UV_ETIMEDOUT), ERR_TIMEOUT);
    assert_int_equal(err_from_uv(UV_ECONNRESET), ERR_RESET);
    assert_int_equal(err_from_uv(UV_EMFILE), ERR_FILES);
    assert_int_equal(err_from_uv(UV_ECANCELED), ERR_CANCELED);
    assert_int_equal(err_from_uv(UV_EAI_NONAME), ERR_DNS);
    assert_int_equal(err_from_uv(UV_EAI_PROTOCOL), ERR_DNS);
    assert_int_equal(err_from_uv(UV_EAI_ADDRFAMILY), ERR_DNS);
    assert_int_equal(err_from_uv(-2999), ERR_IO);
}

static void test_texts(void **state)
{
    assert_non_null(strstr(uv_err_text(UV_ECONNREFUSED), "refused"));
    assert_string_equal(uv_err_text(UV_EOF), err_text(ERR_EOF));
    assert_string_equal(uv_err_text(UV_EAI_NONAME), err_text(ERR_DNS));
    assert_string_equal(uv_err_text(-2999), err_text(ERR_IO));
    assert_string_equal(uv_err_text(0), err_text(ERR_OK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
