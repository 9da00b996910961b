/* base64.c: RFC 4648's examples, and everything that could be read in two ways.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/codec/text/base64.h"

static void check(const char *text, const char *want)
{
    char out[64];
    size_t len;
    assert_int_equal(base64_decode(slice_from_cstr(text), out, &len), ERR_OK);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(out, want, len);
    if (strchr(text, '\n'))
        return;
    base64_encode(slice_from_cstr(want), out);
    assert_int_equal(BASE64_ENCODED_LEN(strlen(want)), strlen(text));
    assert_memory_equal(out, text, strlen(text));
}

static void test_examples(void **state)
{
    check("", "");
    check("Zg==", "f");
    check("Zm8=", "fo");
    check("Zm9v", "foo");
    check("Zm9vYg==", "foob");
    check("Zm9vYmE=", "fooba");
    check("Zm9vYmFy", "foobar");
    check("+/+/", "\xfb\xff\xbf");
}

static void test_line_ends_between_groups(void **state)
{
    check("Zm9v\nYmFy\r\n", "foobar");
}

static void test_refusals(void **state)
{
    static const char *const bad[] = {
        "Z",    "Zg",    "Zg=",    "Zg===",    "Zm9vY", "Zh==",   "Zm9=",    "=Zg=",       "Z===",
        "====", "Zm 9v", "Zm\n9v", "Zg==Zg==", "Zm9v*", "Zm9v-_", "Z\xc3g=", "Zg==\nZm9v",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char out[64];
        size_t len;
        if (base64_decode(slice_from_cstr(bad[i]), out, &len) != ERR_SYNTAX)
            fail_msg("\"%s\" was accepted", bad[i]);
    }
}

static void test_every_byte(void **state)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[4] = {digits[byte >> 2], digits[(byte & 3) << 4], '=', '='};
        uint8_t out[BASE64_DECODED_MAX(4)];
        size_t len;
        assert_int_equal(base64_decode(slice_of(text, 4), out, &len), ERR_OK);
        assert_int_equal(len, 1);
        assert_int_equal(out[0], byte);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_line_ends_between_groups),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
