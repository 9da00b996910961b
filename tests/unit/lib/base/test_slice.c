/* Tests of byte views: comparing, searching, cutting, numbers, durations. * Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/slice.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/lib/base/cmocka_base.h"

static const struct slice none = {NULL, 0};

static void test_compare(void **state)
{
    assert_true(slice_eq(SLICE("abc"), SLICE("abc")));
    assert_false(slice_eq(SLICE("abc"), SLICE("abd")));
    assert_false(slice_eq(SLICE("abc"), SLICE("ab")));
    assert_true(slice_eq(none, SLICE("")));
    assert_true(slice_eq_cstr(none, NULL));
    assert_true(slice_eq_nocase(SLICE("Content-Type"), SLICE("cONTENT-tYPE")));
    assert_false(slice_eq_nocase(SLICE("@"), SLICE("`")));
    assert_false(slice_eq_nocase(SLICE("["), SLICE("{")));
    assert_false(slice_eq_nocase(SLICE("a"), SLICE("ab")));
    /* Not the locale's idea of letters. */
    assert_false(slice_eq_nocase(SLICE("\xc4"), SLICE("\xe4")));
}

static void test_ends(void **state)
{
    assert_true(slice_starts_with(SLICE("/api/v1"), SLICE("/api")));
    assert_true(slice_starts_with(SLICE("/api"), none));
    assert_false(slice_starts_with(SLICE("/ap"), SLICE("/api")));
    assert_true(slice_ends_with(SLICE("a.example.com"), SLICE(".com")));
    assert_false(slice_ends_with(SLICE("com"), SLICE(".com")));
    assert_true(slice_ends_with(none, none));
}

static void test_find(void **state)
{
    assert_int_equal(slice_find_byte(SLICE("a:b:c"), ':'), 1);
    assert_int_equal(slice_find_byte(SLICE("abc"), ':'), 3);
    assert_int_equal(slice_find_byte(none, ':'), 0);
    assert_int_equal(slice_find(SLICE("hello"), SLICE("ll")), 2);
    assert_int_equal(slice_find(SLICE("hello"), SLICE("lll")), 5);
    assert_int_equal(slice_find(SLICE("he"), SLICE("hello")), 2);
    assert_int_equal(slice_find(SLICE("x"), none), 0);
}

static void test_sub(void **state)
{
    assert_true(slice_eq_cstr(slice_sub(SLICE("abcdef"), 2, 3), "cde"));
    assert_true(slice_eq_cstr(slice_sub(SLICE("abc"), 1, SIZE_MAX), "bc"));
    assert_int_equal(slice_sub(SLICE("abc"), 9, 1).len, 0);
    assert_int_equal(slice_sub(none, 0, 5).len, 0);
}

static void test_trim(void **state)
{
    assert_true(slice_eq_cstr(slice_trim(SLICE(" \t a b\t ")), "a b"));
    assert_int_equal(slice_trim(SLICE(" \t ")).len, 0);
    /* Only what RFC 9110 calls OWS. */
    assert_true(slice_eq_cstr(slice_trim(SLICE("\na\v")), "\na\v"));
}

static void test_split(void **state)
{
    struct slice rest = SLICE("a,,b,"), part;
    const char *want[] = {"a", "", "b", ""};
    for (size_t i = 0; i < 4; i++) {
        assert_true(slice_split(&rest, ',', &part));
        assert_true(slice_eq_cstr(part, want[i]));
    }
    assert_false(slice_split(&rest, ',', &part));
    rest = SLICE("");
    assert_true(slice_split(&rest, ',', &part));
    assert_int_equal(part.len, 0);
    assert_false(slice_split(&rest, ',', &part));
}

static void test_to_u64(void **state)
{
    uint64_t v = 7;
    assert_int_equal(slice_to_u64(SLICE("0"), &v), ERR_OK);
    assert_int_equal(v, 0);
    assert_int_equal(slice_to_u64(SLICE("18446744073709551615"), &v), ERR_OK);
    assert_true(v == UINT64_MAX);
    assert_int_equal(slice_to_u64(SLICE("18446744073709551616"), &v), ERR_LIMIT);
    assert_int_equal(slice_to_u64(SLICE("99999999999999999999999"), &v), ERR_LIMIT);
    /* A wrong character wins over a large number. */
    assert_int_equal(slice_to_u64(SLICE("99999999999999999999999x"), &v), ERR_SYNTAX);
    assert_true(v == UINT64_MAX);
    const char *bad[] = {"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "1_0"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(slice_to_u64(slice_from_cstr(bad[i]), &v), ERR_SYNTAX);
    assert_int_equal(slice_to_u64(SLICE("1\0"), &v), ERR_SYNTAX);
}

static void check_duration(const char *text, uint64_t want)
{
    uint64_t ms = UINT64_MAX;
    if (slice_to_duration_ms(slice_from_cstr(text), &ms) != ERR_OK || ms != want)
        fail_msg("%s: got %llu, want %llu", text, (unsigned long long)ms, (unsigned long long)want);
}

static void test_durations(void **state)
{
    check_duration("0", 0);
    check_duration("0s", 0);
    check_duration("5s", 5000);
    check_duration("250ms", 250);
    check_duration("1h30m", 5400000);
    check_duration("1h2m3s4ms", 3723004);
    check_duration("1.5h", 5400000);
    check_duration("0.25s", 250);
    check_duration("1us", 1);
    check_duration("1\xc2\xb5s", 1);
    check_duration("1ns", 1);
    check_duration("1000001ns", 2);
    check_duration("1.0000001ms", 2);
    check_duration("1.000ms", 1);
    check_duration("2m", 120000);
}

static void test_bad_durations(void **state)
{
    const char *bad[] = {"",   "5",  "s",     "5 s", "-5s",  "+5s", ".5s",  "1.s",
                         "5S", "5d", "1h30x", "1h ", "0x5s", "00",  "1e3s", "1..2s"};
    uint64_t ms = 42;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (slice_to_duration_ms(slice_from_cstr(bad[i]), &ms) != ERR_SYNTAX)
            fail_msg("'%s' was taken", bad[i]);
    }
    assert_int_equal(slice_to_duration_ms(SLICE("6000000h"), &ms), ERR_LIMIT);
    assert_int_equal(slice_to_duration_ms(SLICE("99999999999999999999s"), &ms), ERR_LIMIT);
    assert_int_equal(slice_to_duration_ms(SLICE("5000000h5000000h"), &ms), ERR_LIMIT);
    assert_int_equal(ms, 42);
}

static void test_hash(void **state)
{
    char a[40] = {0}, b[41] = {0};
    for (size_t n = 0; n < sizeof(a); n++) {
        for (size_t i = 0; i < n; i++)
            a[i] = b[i + 1] = (char)(i * 7);
        /* Alignment must not matter; length must. */
        assert_true(slice_hash(slice_of(a, n)) == slice_hash(slice_of(b + 1, n)));
        assert_true(slice_hash(slice_of(a, n)) != slice_hash(slice_of(a, n + 1 > 40 ? 0 : n + 1)));
        if (n) {
            uint64_t before = slice_hash(slice_of(a, n));
            a[n - 1] ^= 1;
            assert_true(before != slice_hash(slice_of(a, n)));
        }
    }
}

static void test_order(void **state)
{
    (void)state;
    assert_int_equal(slice_compare(SLICE("ab"), SLICE("ab")), 0);
    assert_int_equal(slice_compare((struct slice){0}, SLICE("")), 0);
    assert_true(slice_compare(SLICE("a"), SLICE("ab")) < 0);
    assert_true(slice_compare(SLICE("ab"), SLICE("a")) > 0);
    assert_true(slice_compare(SLICE("b"), SLICE("ab")) > 0);
    assert_true(slice_compare(SLICE("a"), SLICE("\xc3")) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_compare),       cmocka_unit_test(test_ends),
        cmocka_unit_test(test_find),          cmocka_unit_test(test_sub),
        cmocka_unit_test(test_trim),          cmocka_unit_test(test_split),
        cmocka_unit_test(test_to_u64),        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_bad_durations), cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
