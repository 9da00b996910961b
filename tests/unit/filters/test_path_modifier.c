/* Tests of replacing paths and prefixes: the Gateway API's table, queries, escapes, and no way out
 * of the prefix.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/path_modifier.h"

#include "lib/codec/http/normalize.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

struct row {
    const char *target, *prefix, *value, *want;
};

static const struct row rows[] = {
    /* HTTPPathModifier's own table */
    {"/foo/bar", "/foo", "/xyz", "/xyz/bar"},
    {"/foo/bar", "/foo", "/xyz/", "/xyz/bar"},
    {"/foo/bar", "/foo/", "/xyz", "/xyz/bar"},
    {"/foo/bar", "/foo/", "/xyz/", "/xyz/bar"},
    {"/foo", "/foo", "/xyz", "/xyz"},
    {"/foo/", "/foo", "/xyz", "/xyz/"},
    {"/foo/bar", "/foo", "", "/bar"},
    {"/foo/", "/foo", "", "/"},
    {"/foo", "/foo", "", "/"},
    {"/foo/", "/foo", "/", "/"},
    {"/foo", "/foo", "/", "/"},
    {"/foo/bar", "/foo", "/", "/bar"},
    {"/bar", "/", "/xyz", "/xyz/bar"},
    {"/", "/", "/xyz", "/xyz/"},
    /* the query stays */
    {"/foo/bar?a=1&b=%2f", "/foo", "/xyz", "/xyz/bar?a=1&b=%2f"},
    {"/foo?", "/foo", "/xyz", "/xyz?"},
    {"/foo?/foo/x", "/foo", "", "/?/foo/x"},
    /* what follows is passed on as it was sent */
    {"/foo/a%20b%2Fc", "/foo", "/x", "/x/a%20b%2Fc"},
    {"/foo/a;p=1/b", "/foo", "/x", "/x/a;p=1/b"},
    {"/foo//a", "/foo", "/x", "/x//a"},
    {"/foo/./a", "/foo", "/x", "/x/./a"},
    /* the prefix was written in another way: the canonical rest, escaped again */
    {"//foo/a%20b", "/foo", "/x", "/x/a%20b"},
    {"/%66oo/a%3fb%23c%25d", "/foo", "/x", "/x/a%3Fb%23c%25d"},
    {"/foo;v=1/bar", "/foo", "/x", "/x/bar"},
    {"//foo/azAZ09%20-._~!$&'()*+,=:@/", "/foo", "/x", "/x/azAZ09%20-._~!$&'()*+,=:@/"},
    {"//foo/%22%3C%5E%60%7C%7D", "/foo", "/x", "/x/%22%3C%5E%60%7C%7D"},
    {"/y/../foo/caf%c3%a9", "/foo", "/x", "/x/caf%C3%A9"},
    /* dot segments must not lead out of the new prefix */
    {"/foo/../foo/bar", "/foo", "/x", "/x/bar"},
    {"/foo/a/../b", "/foo", "/x", "/x/b"},
    {"/a/../../b", "/", "/x/y", "/x/y/b"},
    {"/foo/a/../../foo/bar", "/foo", "/x", "/x/bar"},
};

static void test_prefix(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena;
        struct slice target = slice_from_cstr(rows[i].target);
        struct slice path = slice_sub(target, 0, slice_find_byte(target, '?'));
        struct path_modifier m = {PATH_REPLACE_PREFIX, slice_from_cstr(rows[i].value)};
        arena_init(&arena, 1024);
        struct filter_exchange x = {.arena = &arena,
                                    .match_path = normalize_path(&arena, path),
                                    .matched_prefix = slice_from_cstr(rows[i].prefix)};
        struct slice got = path_modifier_apply(&m, &x, target);
        if (!slice_eq_cstr(got, rows[i].want))
            fail_msg("%s (%s -> %s): got %.*s", rows[i].target, rows[i].prefix, rows[i].value,
                     SLICE_ARG(got));
        arena_dispose(&arena);
    }
}

static void test_full_and_none(void **state)
{
    struct arena arena;
    struct path_modifier m = {PATH_REPLACE_FULL, SLICE("/one")};
    struct filter_exchange x = {.arena = &arena, .match_path = SLICE("/a/b")};
    arena_init(&arena, 1024);
    assert_slice(path_modifier_apply(&m, &x, SLICE("/a/b?q")), "/one?q");
    assert_slice(path_modifier_apply(&m, &x, SLICE("/a/b")), "/one");
    m.value = SLICE("");
    assert_slice(path_modifier_apply(&m, &x, SLICE("/a?q")), "/?q");
    m.kind = PATH_KEEP;
    assert_slice(path_modifier_apply(&m, &x, SLICE("/a//b?q")), "/a//b?q");
    arena_dispose(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_full_and_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
