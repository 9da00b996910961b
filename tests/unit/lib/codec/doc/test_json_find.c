/* Where a path leads to in a text, whole and in pieces of any size.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/json_find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const states[] = {"more", "found", "nothing", "invalid"};

static const struct {
    const char *text, *path, *found; /* NULL: nothing is found, or it is invalid */
    bool is_invalid;
} rows[] = {
    {" {\"a\": 1} ", NULL, "{\"a\": 1}", false},
    {"12", NULL, "12", false},
    {"12 ", NULL, "12", false},
    {"\"a\"", NULL, "\"a\"", false},
    {"null", NULL, "null", false},
    {"[1, [2]]", NULL, "[1, [2]]", false},
    {"{\"a\" : 12 , \"b\":2}", "a", "12", false},
    {"{\"a\":1,\"b\": {\"c\":[ 1 ]} }", "b", "{\"c\":[ 1 ]}", false},
    {"{\"a\":{\"b\":1},\"b\":2}", "b", "2", false},
    {"{\"a\":{\"b\":1},\"b\":2}", "a.b", "1", false},
    {"{\"x\":{\"a\":0},\"a\":{\"x\":1,\"b\":[0,{\"c\":true}]}}", "a.b[1].c", "true", false},
    {"[0,[1,2,3],4]", "[1][2]", "3", false},
    {"[0,[1,2,3],4]", "[2]", "4", false},
    {"[[1],[2,3]]", "[0][1]", NULL, false}, /* and not the other list's */
    {"[{\"a\":1},{\"b\":2}]", "[0].b", NULL, false},
    {"{\"a\":1,\"a\":2}", "a", "1", false},
    {"{\"a\":1,\"a\":{\"b\":2}}", "a.b", NULL, false},
    {"{\"a\":{},\"a\":{\"b\":2}}", "a.b", NULL, false},
    {"{\"a\":[]}", "a[0]", NULL, false},
    {"{\"a\":{\"0\":1}}", "a[0]", NULL, false},
    {"[1]", "a", NULL, false},
    {"1", "a", NULL, false},
    {"{\"\\u0061b\":1}", "ab", "1", false},
    {"{\"a\\\"\":1}", "[\"a\\\"\"]", NULL, false},
    {"{\"\\ud83d\\ude00\":1}", "[\"\xf0\x9f\x98\x80\"]", "1", false},
    {"{\"\\u00e9\\n\":1,\"\\u20ac\":2}", "[\"\xe2\x82\xac\"]", "2", false},
    {"", NULL, NULL, true},
    {" ", NULL, NULL, true},
    {"{\"a\":1", "a", NULL, true},
    {"{\"a\":1}}", "a", NULL, true},
    {"{\"a\":1} {}", "a", NULL, true},
    {"1 2", NULL, NULL, true},
    {"{\"a\":01}", "a", NULL, true},
    {"{\"a\":\"\xff\"}", "a", NULL, true},
    {"{\"a\":1,\"b\":tru}", "a", NULL, true},
    {"<html>", NULL, NULL, true},
    {"{a:1}", "a", NULL, true},
};

static void check(struct arena *a, unsigned i, size_t step)
{
    struct slice text = slice_from_cstr(rows[i].text), found = SLICE("");
    struct json_path path;
    struct json_find f;
    if (rows[i].path)
        assert_true(json_path_make(a, slice_from_cstr(rows[i].path), &path));
    json_find_init(&f, text, rows[i].path ? &path : NULL);
    enum json_find_state state;
    do
        state = json_find_run(&f, step, &found);
    while (state == JSON_FIND_MORE);
    const char *want = rows[i].found ? "found" : rows[i].is_invalid ? "invalid" : "nothing";
    if (strcmp(states[state], want) != 0 ||
        (rows[i].found && !slice_eq_cstr(found, rows[i].found)))
        fail_msg("row %u (%s) in steps of %zu: %s \"%.*s\"", i, rows[i].text, step, states[state],
                 SLICE_ARG(found));
}

static void places(void **state)
{
    struct arena a;
    (void)state;
    arena_init(&a, 4096);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t step = 1; step < 64; step++)
            check(&a, i, step);
    arena_dispose(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
