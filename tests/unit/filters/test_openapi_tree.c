/* Path templates: which one a path matches, what its parameters stand for, and that a thousand
 * templates are no list to walk.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/openapi/openapi_document.h"

#include "tests/unit/sidecar/cmocka_sidecar.h"

static struct arena arena;
static struct openapi_node *tree;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 16384);
    tree = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_dispose(&arena);
    return 0;
}

static bool add(struct slice base, struct slice template)
{
    struct openapi_path *path = arena_zalloc(&arena, sizeof(*path));
    path->template = template;
    return openapi_tree_add(&arena, &tree, base, path);
}

static void expect(const char *path, const char *template, const char *first_value)
{
    struct openapi_match match = {0};
    bool found = openapi_tree_find(tree, &arena, slice_from_cstr(path), &match);
    if (found != (template != NULL) || (found && !slice_eq_cstr(match.path->template, template)))
        fail_msg("%s: %.*s", path, found ? (int)match.path->template.len : 4,
                 found ? match.path->template.ptr : "none");
    if (first_value && !slice_eq_cstr(match.values[0], first_value))
        fail_msg("%s: %.*s", path, SLICE_ARG(match.values[0]));
}

static void test_the_most_concrete_one(void **state)
{
    (void)state;
    assert_true(add(SLICE(""), SLICE("/a/{x}")));
    assert_true(add(SLICE(""), SLICE("/a/b")));
    assert_true(add(SLICE(""), SLICE("/a/{x}.json")));
    assert_true(add(SLICE(""), SLICE("/a/b-{x}-{y}.json")));
    assert_true(add(SLICE(""), SLICE("/a/{x}/c")));
    assert_true(add(SLICE(""), SLICE("/{x}/b/d")));
    assert_true(add(SLICE(""), SLICE("/")));
    assert_false(add(SLICE(""), SLICE("/a/{other}")));
    expect("/a/b", "/a/b", NULL);
    expect("/a/%62", "/a/b", NULL);
    expect("/a/7", "/a/{x}", "7");
    expect("/a/7.json", "/a/{x}.json", "7");
    expect("/a/b-1-2.json", "/a/b-{x}-{y}.json", "1");
    expect("/a/.json", "/a/{x}", ".json");
    expect("/a/b/c", "/a/{x}/c", "b");
    expect("/a/b/d", "/{x}/b/d", "a"); /* back from /a/b and /a/{x} */
    expect("/", "/", NULL);
    expect("/a", NULL, NULL);
    expect("/a/", NULL, NULL);
    expect("/a/b/", NULL, NULL);
    expect("a/b", NULL, NULL);
    expect("", NULL, NULL);
}

static void test_bases(void **state)
{
    (void)state;
    assert_true(add(SLICE("/v1"), SLICE("/a")));
    assert_true(add(SLICE("/v2"), SLICE("/a")));
    expect("/v1/a", "/a", NULL);
    expect("/v2/a", "/a", NULL);
    expect("/a", NULL, NULL);
}

/* Each is found, in whichever order they were added. */
static void test_a_thousand(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        unsigned n = i * 617 % 1000;
        assert_true(add(SLICE("/api"), arena_printf(&arena, "/things%u/{id}/parts", n)));
    }
    for (unsigned i = 0; i < 1000; i++) {
        struct slice template = arena_printf(&arena, "/things%u/{id}/parts", i);
        struct slice path = arena_printf(&arena, "/api/things%u/x%u/parts", i, i);
        struct openapi_match match = {0};
        assert_true(openapi_tree_find(tree, &arena, path, &match));
        assert_true(slice_eq(match.path->template, template));
    }
    expect("/api/things1000/x/parts", NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_most_concrete_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bases, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_thousand, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
