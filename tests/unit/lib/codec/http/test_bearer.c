/* bearer.c: what of a file is the token, and what is none.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/codec/http/bearer.h"

static void check(const char *text, const char *want)
{
    const char *why = "";
    struct slice got = bearer_token(slice_from_cstr(text), &why);
    if (!slice_eq_cstr(got, want) || *why)
        fail_msg("'%s': '%.*s' %s", text, SLICE_ARG(got), why);
}

static void check_none(struct slice text, const char *want)
{
    const char *why = "";
    assert_int_equal(bearer_token(text, &why).len, 0);
    assert_string_equal(why, want);
}

static void test_tokens(void **state)
{
    check("a", "a");
    check("eyJ.a-b_c~+/==", "eyJ.a-b_c~+/==");
    check("!~", "!~");
    check("\r\n\t token\t \r\n", "token");
}

static void test_what_is_none(void **state)
{
    static const char *const wrong = "holds bytes that no token has";
    check_none(SLICE(""), "is empty");
    check_none(SLICE(" "), "is empty");
    check_none(SLICE("\r\n\t "), "is empty");
    check_none(SLICE("a b"), wrong);
    check_none(SLICE("a\nb"), wrong);
    check_none(SLICE("a\0b"), wrong);
    check_none(SLICE("\x7f"), wrong);
    check_none(SLICE("t\xc3\xb6ken"), wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
