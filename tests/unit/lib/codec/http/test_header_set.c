/* Tests of the names that something decides by: once each however many they are, and what is taken
 * for one of them. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/header_set.h"

#include <stdio.h>

#include "tests/unit/lib/codec/cmocka_codec.h"

enum { MANY = 20 };

static void test_many_names(void **state)
{
    struct arena arena;
    struct header_set s = {0};
    char names[MANY][16];
    arena_init(&arena, 1024);
    for (int round = 0; round < 2; round++)
        for (unsigned i = 0; i < MANY; i++) {
            snprintf(names[i], sizeof(names[i]), "x-name-%u", i);
            header_set_add(&s, &arena, slice_from_cstr(names[i]));
        }
    assert_int_equal(s.count, MANY);
    for (unsigned i = 0; i < MANY; i++)
        assert_true(header_set_covers(&s, slice_from_cstr(names[i])));
    assert_true(header_set_covers(&s, SLICE("x_name.0")));
    assert_false(header_set_covers(&s, SLICE("x-name-20")));
    assert_false(header_set_covers(&s, SLICE("x-name")));
    arena_dispose(&arena);
}

/* set: names with spaces between; wanted: the name that it is taken for, NULL: none. */
static void test_disguises(void **state)
{
    static const struct {
        const char *set, *sent, *wanted;
    } cases[] = {
        {"x-role", "x_role", "x-role"},           {"x-role", "x-role", NULL},
        {"x-role", "x.role", "x-role"},           {"x-role", "x_rule", NULL},
        {"a b c d e x-role", "x_role", "x-role"}, {"x-role a b c d e", "x_role", "x-role"},
        {"x_role", "x-role", "x_role"},           {"x_role", "x_role", NULL},
        {"x_role x-role", "x-role", NULL},        {"x_role x-role", "x_role", NULL},
        {"x_role x-role", "x.role", "x_role"},    {"", "x_role", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena;
        struct header_set s = {0};
        struct headers h;
        struct slice rest = slice_from_cstr(cases[i].set), name, meant = {0};
        arena_init(&arena, 1024);
        while (slice_split(&rest, ' ', &name))
            header_set_add(&s, &arena, name);
        headers_init(&h, &arena);
        headers_add(&h, SLICE("accept"), SLICE("1"));
        headers_add(&h, slice_from_cstr(cases[i].sent), SLICE("2"));
        const struct header *found = header_set_find_disguise(&s, &h, &meant);
        if ((found != NULL) != (cases[i].wanted != NULL) ||
            (found && (!slice_eq_cstr(found->name, cases[i].sent) ||
                       !slice_eq_cstr(meant, cases[i].wanted))))
            fail_msg("{%s}, %s: %.*s", cases[i].set, cases[i].sent, SLICE_ARG(meant));
        arena_dispose(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_disguises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
