/* similar.c: slips of the keyboard, and which name is offered for one.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/base/similar.h"

static void test_distance(void **state)
{
    static const struct {
        const char *a, *b;
        unsigned far;
    } cases[] = {
        {"", "", 0},         {"a", "", 1},          {"", "abc", 3},      {"same", "SAME", 0},
        {"tow", "two", 1},   {"dor", "door", 1},    {"orders", "ordesr", 1}, {"abcd", "badc", 2},
        {"retires", "retries", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"ICMP", "TCP", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice a = slice_from_cstr(cases[i].a), b = slice_from_cstr(cases[i].b);
        assert_int_equal(similar_distance(a, b), cases[i].far);
        assert_int_equal(similar_distance(b, a), cases[i].far);
    }
    char text[100];
    memset(text, 'x', sizeof text);
    assert_true(similar_distance(slice_of(text, 64), slice_of(text, 64)) > 2);
    assert_int_equal(similar_distance(slice_of(text, 63), slice_of(text, 62)), 1);
}

static const char *offered(const char *wanted, const char *const *names, size_t count)
{
    static char out[64];
    struct similar near = similar_to(slice_from_cstr(wanted));
    for (size_t i = 0; i < count; i++)
        similar_try(&near, slice_from_cstr(names[i]));
    memcpy(out, near.best.len ? near.best.ptr : "", near.best.len);
    out[near.best.len] = '\0';
    return out;
}

static void test_offers(void **state)
{
    static const char *const names[] = {"two", "reviews", "Pod", "review", "is"};
    (void)state;
    assert_string_equal(offered("tow", names, 5), "two");
    assert_string_equal(offered("tvo", names, 5), "two");
    assert_string_equal(offered("tower", names, 5), "");
    assert_string_equal(offered("reviewss", names, 5), "reviews");
    assert_string_equal(offered("pod", names, 5), "Pod");
    assert_string_equal(offered("Node", names, 5), ""); /* a short name is as likely another */
    assert_string_equal(offered("in", names, 5), "");
    assert_string_equal(offered("", names, 5), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_offers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
