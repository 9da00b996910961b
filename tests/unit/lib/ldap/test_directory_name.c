/* Names of users in distinguished names and in filters: whatever they contain, they stay one value.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/ldap/directory.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_dispose(&arena);
    return 0;
}

static void test_in_a_distinguished_name(void **state)
{
    (void)state;
    assert_string_equal(directory_escape_name(&arena, SLICE("ann")), "ann");
    assert_string_equal(directory_escape_name(&arena, SLICE("a,ou=admins+b")),
                        "a\\2cou\\3dadmins\\2bb");
    assert_string_equal(directory_escape_name(&arena, SLICE("#a b;\"<>\\")),
                        "\\23a\\20b\\3b\\22\\3c\\3e\\5c");
    assert_string_equal(directory_escape_name(&arena, slice_of("a\0b\xc3\xa9\x7f", 6)),
                        "a\\00b\\c3\\a9\\7f");
}

static void test_in_a_filter(void **state)
{
    (void)state;
    assert_string_equal(directory_escape_filter(&arena, SLICE("ann, b")), "ann, b");
    assert_string_equal(directory_escape_filter(&arena, SLICE("*)(uid=*")),
                        "\\2a\\29\\28uid=\\2a");
    assert_string_equal(directory_escape_filter(&arena, slice_of("a\\\0\n", 4)), "a\\5c\\00\\0a");
}

static void test_the_first_value_of_a_name(void **state)
{
    (void)state;
    assert_slice(directory_first_value(&arena, SLICE("cn=admins,ou=groups,dc=a")), "admins");
    assert_slice(directory_first_value(&arena, SLICE("cn=a\\,b\\2Cc\\\\+ou=x")), "a,b,c\\");
    assert_slice(directory_first_value(&arena, SLICE("admins")), "admins");
    assert_slice(directory_first_value(&arena, SLICE("cn=")), "");
    assert_slice(directory_first_value(&arena, SLICE("cn=a\\")), "a\\");
    assert_slice(directory_first_value(&arena, SLICE("")), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_a_distinguished_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_in_a_filter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_first_value_of_a_name, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
