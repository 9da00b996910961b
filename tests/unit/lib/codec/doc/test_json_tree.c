/* JSON that is changed and written again: what stays as it was, what is refused, and what paths
 * lead to. SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/codec/doc/json_path.h"

struct world {
    struct arena arena;
};

static int setup(void **state)
{
    static struct world w;
    arena_init(&w.arena, 4096);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    arena_dispose(&((struct world *)*state)->arena);
    return 0;
}

static struct json_node *parse(void **state, const char *text)
{
    return json_tree_parse(&((struct world *)*state)->arena, slice_from_cstr(text));
}

static void expect(void **state, const struct json_node *root, const char *want)
{
    struct arena *a = &((struct world *)*state)->arena;
    assert_string_equal(arena_strdup(a, json_tree_write(a, root)), want);
}

static void scalars_keep_their_spelling(void **state)
{
    static const char *const same[] = {
        "1.50", "-0", "12345678901234567890123", "1E+2", "\"\\u0041\\/\"", "null", "true", "\"\"",
        "[]",   "{}", "[[],{},\"\\ud800\"]",     "{\"a\":{\"a\":1,\"a\":2}}",
    };
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        expect(state, parse(state, same[i]), same[i]);
    expect(state, parse(state, " \t[ 1 ,\r\n{ \"a\" : \"b\" } ] \n"), "[1,{\"a\":\"b\"}]");
}

static void what_is_not_json(void **state)
{
    static const char *const bad[] = {
        "",      " ",      "{",     "[1",       "1 2",        "{}{}",     "[1,]",   "{\"a\"}",
        "{a:1}", "[01]",   "1.",    "-",        "\"a",        "\"\\x\"",  "nul",    "[1}",
        "'a'",   "\"\t\"", "{,}",   "[\"\xff\"]", "\"\xc0\x80\"", "\"\\u12\"", "[\"\xed\xa0\x80\"]",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (parse(state, bad[i]))
            fail_msg("taken for JSON: %s", bad[i]);
}

static void only_so_deep_and_so_many(void **state)
{
    enum { MANY = JSON_TREE_NODES_MAX + 1 };
    static char text[2 * MANY + 2];
    for (int depth = 128; depth <= 129; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        text[2 * depth] = '\0';
        assert_int_equal(parse(state, text) != NULL, depth == 128);
    }
    for (size_t i = 0; i < MANY; i++)
        memcpy(text + 2 * i, ",1", 2);
    text[0] = '[';
    memcpy(text + 2 * MANY, "]", 2);
    assert_null(parse(state, text));
    memcpy(text + MANY - 1, "]", 2);
    assert_non_null(parse(state, text));
}

/* A key with escapes is the key that it stands for. */
static void keys_are_compared_decoded(void **state)
{
    struct json_node *root = parse(state, "{\"\\u00e9\\ud83d\\ude00\\n\":1,\"\\ud83d\":2}");
    assert_non_null(json_tree_get(root, SLICE("\xc3\xa9\xf0\x9f\x98\x80\n")));
    assert_non_null(json_tree_get(root, SLICE("\xef\xbf\xbd"))); /* half a pair */
    assert_null(json_tree_get(root, SLICE("\\u00e9")));
}

static struct json_path path(void **state, const char *text)
{
    struct json_path p;
    assert_true(json_path_make(&((struct world *)*state)->arena, slice_from_cstr(text), &p));
    return p;
}

static void paths(void **state)
{
    static const char *const bad[] = {"",  ".",    "a.",     ".a", "a..b", "a[",  "a[]",
                                      "a[x]", "a[-1]", "a[*", "[\"a", "a b", "[\"\"]", "a[0]b"};
    struct json_path p;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (json_path_make(&((struct world *)*state)->arena, slice_from_cstr(bad[i]), &p))
            fail_msg("taken for a path: %s", bad[i]);
    struct json_node *root = parse(state, "{\"a.b\":[{\"c\":[1,2]}]}");
    p = path(state, "[\"a.b\"][0].c[1]");
    assert_true(slice_eq_cstr(json_path_find(root, &p)->raw, "2"));
    p = path(state, "[\"a.b\"][1]");
    assert_null(json_path_find(root, &p));
}

/* Nothing that is there is lost because it cannot go where it shall. */
static void what_cannot_be_moved_stays(void **state)
{
    struct arena *a = &((struct world *)*state)->arena;
    struct json_node *root = parse(state, "{\"a\":{\"x\":1},\"b\":2}");
    struct json_path from = path(state, "a.x"), to = path(state, "b.y.z");
    json_path_rename(a, root, &from, &to);
    expect(state, root, "{\"a\":{\"x\":1},\"b\":2}");
    from = path(state, "a"), to = path(state, "a.b.c");
    json_path_rename(a, root, &from, &to);
    expect(state, root, "{\"b\":2,\"a\":{\"b\":{\"c\":{\"x\":1}}}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(scalars_keep_their_spelling, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_json, setup, teardown),
        cmocka_unit_test_setup_teardown(only_so_deep_and_so_many, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_are_compared_decoded, setup, teardown),
        cmocka_unit_test_setup_teardown(paths, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_moved_stays, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
