/* Which names are one name, and to whom.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/header_fold.h"

#include "tests/unit/lib/codec/cmocka_codec.h"

static void odd_names(void **state)
{
    (void)state;
    assert_false(header_fold_is_odd(SLICE("")));
    assert_false(header_fold_is_odd(SLICE("x-forwarded-for")));
    assert_false(header_fold_is_odd(SLICE("a1-b2")));
    static const char *const odd[] = {"x_forwarded_for", "x-forwarded_for", "_", "a.b", "a~b",
                                      "a!b",             "a'b",             "a|b"};
    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        assert_true(header_fold_is_odd(slice_from_cstr(odd[i])));
}

static void equal_names(void **state)
{
    (void)state;
    assert_true(header_fold_eq(SLICE("x_role"), SLICE("x-role")));
    assert_true(header_fold_eq(SLICE("x-role"), SLICE("x_role")));
    assert_true(header_fold_eq(SLICE("x.role"), SLICE("x_role")));
    assert_true(header_fold_eq(SLICE("x-role"), SLICE("x-role")));
    assert_false(header_fold_eq(SLICE("x_roles"), SLICE("x-role")));
    assert_false(header_fold_eq(SLICE("xrole"), SLICE("x-role")));
    assert_false(header_fold_eq(SLICE("x0role"), SLICE("x-role")));
}

static void prefixes(void **state)
{
    (void)state;
    assert_true(header_fold_starts_with(SLICE("x_weft_source"), SLICE("x-weft-")));
    assert_true(header_fold_starts_with(SLICE("x-weft-"), SLICE("x-weft-")));
    assert_false(header_fold_starts_with(SLICE("x_weft"), SLICE("x-weft-")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_names),
        cmocka_unit_test(equal_names),
        cmocka_unit_test(prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
