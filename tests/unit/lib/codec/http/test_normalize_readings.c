/* What the next hop may take a path for, beside its canonical form. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/normalize.h"

#include <string.h>

#include "tests/unit/lib/codec/cmocka_codec.h"

static void expect(const char *path, const char *canonical, const char *const *others)
{
    const struct normalize_readings *r;
    struct arena arena;
    uint32_t count = 0;
    arena_init(&arena, 1024);
    struct slice got = normalize_path_readings(&arena, slice_from_cstr(path), &r);
    if (!slice_eq_cstr(got, canonical))
        fail_msg("%s is %.*s, not %s", path, SLICE_ARG(got), canonical);
    while (count < NORMALIZE_READINGS_MAX && others[count])
        count++;
    if ((r ? r->count : 0) != count)
        fail_msg("%s has %u other readings, not %u", path, r ? r->count : 0, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!slice_eq_cstr(r->paths[i], others[i]))
            fail_msg("reading %u of %s is %.*s, not %s", i, path, SLICE_ARG(r->paths[i]),
                     others[i]);
    }
    arena_dispose(&arena);
}

static const struct {
    const char *path, *canonical, *others[NORMALIZE_READINGS_MAX];
} cases[] = {
    /* One reading. */
    {"/", "/", {NULL}},
    {"/a/b.c", "/a/b.c", {NULL}},
    {"/a/b/./c/../d//e", "/a/b/d/e", {NULL}},
    {"/%61dmin", "/admin", {NULL}},
    {"/caf%C3%A9", "/caf\xc3\xa9", {NULL}},
    {"/caf\xc3\xa9", "/caf\xc3\xa9", {NULL}},
    {"/\"<>`{}|^", "/\"<>`{}|^", {NULL}},
    {"/a;x=y/b", "/a/b", {NULL}},
    {"/100%25", "/100%", {NULL}},
    {"/.well-known/a", "/.well-known/a", {NULL}},
    {"/a%20b", "/a b", {NULL}},
    /* Blanks and dots at the ends of segments. */
    {"/admin.", "/admin.", {"/admin"}},
    {"/admin..", "/admin..", {"/admin"}},
    {"/admin./x", "/admin./x", {"/admin/x"}},
    {"/admin%20", "/admin ", {"/admin"}},
    {"/admin%09", "/admin\t", {"/admin"}},
    {"/admin%20%20/x", "/admin  /x", {"/admin/x"}},
    {"/admin.%20.", "/admin. .", {"/admin"}},
    {"/admin%0b", "/admin\x0b", {"/admin"}},
    {"/admin%7f", "/admin\x7f", {"/admin"}},
    {"/a/%20/b", "/a/ /b", {"/a/b"}},
    {"/a/.../b", "/a/.../b", {"/a/b"}},
    /* Encoded twice and thrice. */
    {"/%2561dmin", "/%61dmin", {"/admin"}},
    {"/%25%36%31dmin", "/%61dmin", {"/admin"}},
    {"/%252561dmin", "/%2561dmin", {"/%61dmin", "/admin"}},
    {"/a%252fb", "/a%2fb", {"/a/b"}},
    {"/admin%2520", "/admin%20", {"/admin ", "/admin"}},
    {"/admin%253bx", "/admin%3bx", {"/admin"}},
    /* Separators that may be none. */
    {"/a%2fb", "/a/b", {"/a%2fb"}},
    {"/a%5Cb", "/a/b", {"/a%5Cb"}},
    {"/a\\b", "/a/b", {"/a\\b"}},
    {"/admin%2f", "/admin/", {"/admin%2f"}},
    /* An empty first segment. */
    {"//x/private", "/x/private", {"/private"}},
    {"///x/private", "/x/private", {"/private"}},
    {"//admin", "/admin", {"/"}},
    {"/\\x/private", "/x/private", {"/private", "/\\x/private"}},
    {"/%2fx/private", "/x/private", {"/private", "/%2fx/private"}},
    {"/%5cx/private.", "/x/private.",
     {"/x/private", "/private.", "/private", "/%5cx/private."}},
    {"//", "/", {NULL}},
    /* Ambiguous by themselves. */
    {"/a/..%20/b", "", {NULL}},
    {"/a/.%20/b", "", {NULL}},
    {"/a/%2e%2e%09", "", {NULL}},
    {"/a/..%2520/b", "", {NULL}},
    {"/a/%25252e%25252e/b", "", {NULL}},
    {"/%25252561", "", {NULL}}, /* no end of it */
    {"/a%2500", "", {NULL}},
    {"/a%25%30%30", "", {NULL}},
    {"/a%25c0%25af", "", {NULL}},
};

static void test_readings(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect(cases[i].path, cases[i].canonical, cases[i].others);
}

/* As long as they may be, and all of them at once. */
static void test_many(void **state)
{
    const struct normalize_readings *r;
    struct arena arena;
    arena_init(&arena, 1024);
    struct slice got = normalize_path_readings(&arena, SLICE("/%2fx.%2f%2525612e%20."), &r);
    assert_true(got.len > 0);
    assert_non_null(r);
    assert_in_range(r->count, 6, NORMALIZE_READINGS_MAX);
    char text[65536] = "/";
    memset(text + 1, '.', sizeof(text) - 1);
    got = normalize_path_readings(&arena, slice_of(text, sizeof(text)), &r);
    assert_int_equal(got.len, sizeof(text));
    assert_int_equal(r->count, 1);
    assert_true(slice_eq_cstr(r->paths[0], "/"));
    arena_dispose(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readings),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
