/* similar.c: distances between names, and what somebody who mistyped one may have meant.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/similar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_distances(void **state)
{
    static const struct {
        const char *a, *b;
        unsigned distance;
    } rows[] = {{"", "", 0},           {"a", "", 1},          {"order", "orders", 1},
                {"ordesr", "orders", 2}, {"Orders", "orders", 0}, {"web", "api", 3}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(similar_distance(slice_from_cstr(rows[i].a), slice_from_cstr(rows[i].b)),
                         rows[i].distance);
}

static void test_the_nearest_is_kept(void **state)
{
    struct similar s = similar_to(SLICE("order"));
    similar_try(&s, SLICE("borders"));
    assert_true(slice_eq(s.best, SLICE("borders")));
    similar_try(&s, SLICE("orders"));
    similar_try(&s, SLICE("odor"));
    assert_true(slice_eq(s.best, SLICE("orders")));
}

/* Two changes make anything of two letters. */
static void test_what_is_not_near(void **state)
{
    struct similar s = similar_to(SLICE("ab"));
    similar_try(&s, SLICE("xy"));
    similar_try(&s, SLICE("abcde"));
    assert_null(s.best.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distances),
        cmocka_unit_test(test_the_nearest_is_kept),
        cmocka_unit_test(test_what_is_not_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
