/* Tests of UTF-8 well-formedness against a decoder of its own, over every two-byte front and all
 * scalars. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/utf8.h"

#include "tests/unit/lib/base/cmocka_base.h"

static size_t encode(uint32_t c, char to[4])
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)((0xf00 >> len) | c);
    return len;
}

static void test_every_code_point(void **state)
{
    char text[4];
    for (uint32_t c = 0; c < 0x200000; c++) {
        size_t len = encode(c, text);
        bool valid = c < 0x110000 && (c < 0xd800 || c > 0xdfff);
        if (utf8_front(slice_of(text, len)) != (valid ? len : 0))
            fail_msg("U+%04X", c);
        /* Cut short it is never well-formed. */
        if (len > 1)
            assert_int_equal(utf8_front(slice_of(text, len - 1)), 0);
    }
}

static void test_overlong_and_stray(void **state)
{
    assert_int_equal(utf8_front(SLICE("\x80")), 0);
    assert_int_equal(utf8_front(SLICE("\xbf")), 0);
    assert_int_equal(utf8_front(SLICE("\xc0\xaf")), 0);
    assert_int_equal(utf8_front(SLICE("\xc1\xbf")), 0);
    assert_int_equal(utf8_front(SLICE("\xe0\x80\xaf")), 0);
    assert_int_equal(utf8_front(SLICE("\xf0\x80\x80\xaf")), 0);
    assert_int_equal(utf8_front(SLICE("\xfe")), 0);
    assert_int_equal(utf8_front(SLICE("\xff")), 0);
    assert_int_equal(utf8_front(SLICE("\xc3(")), 0);
    assert_int_equal(utf8_front(SLICE("")), 0);
    assert_int_equal(utf8_front(SLICE("a\xff")), 1);
}

/* Whole ranges, their neighbours, and what a code point is. */
static void test_plain(void **state)
{
    static const uint32_t odd[][2] = {{0, 0x1f},         {0x7f, 0x9f},     {0x61c, 0x61c},
                                      {0x200e, 0x200f},  {0x2028, 0x202e}, {0x2066, 0x2069}};
    char text[4];
    for (uint32_t c = 0; c < 0x110000; c++) {
        size_t len = encode(c, text);
        bool plain = true;
        for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
            plain &= c < odd[i][0] || c > odd[i][1];
        if (utf8_is_plain(text, len) != plain)
            fail_msg("U+%04X is %s", c, plain ? "plain" : "not plain");
        assert_int_equal(utf8_decode(text, len), c);
    }
    assert_false(utf8_is_plain("\xff", 0));
}

static void test_valid(void **state)
{
    assert_true(utf8_is_valid(SLICE("")));
    assert_true(utf8_is_valid(SLICE("a\xc3\xa9\xf0\x9f\x98\x80")));
    assert_false(utf8_is_valid(SLICE("a\xc3\xa9\xf0\x9f\x98")));
    assert_false(utf8_is_valid(SLICE("\xa9 long enough")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_overlong_and_stray),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
