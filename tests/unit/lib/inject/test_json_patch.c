/* Tests of JSON patches: what they make of a document, and as text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/inject/json_patch.h"

#include "lib/codec/doc/doc_make.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/inject/pod_text.h"

struct bed {
    struct arena arena;
    struct json_patch patch;
};

static void open_bed(struct bed *b)
{
    arena_init(&b->arena, 4096);
    json_patch_init(&b->patch, &b->arena);
}

static const struct doc *word(struct bed *b, const char *text)
{
    return doc_make_string(&b->arena, slice_from_cstr(text));
}

static void check(struct bed *b, const char *before, const char *after)
{
    const struct doc *root = pod_text_parse(&b->arena, before), *out = NULL;
    const char *original = pod_text_json(&b->arena, root);
    assert_int_equal(json_patch_apply(&b->patch, root, &out), ERR_OK);
    assert_string_equal(pod_text_json(&b->arena, out), after);
    /* What it was made from is as it was. */
    assert_string_equal(pod_text_json(&b->arena, root), original);
    arena_dispose(&b->arena);
}

static void test_objects(void **state)
{
    struct bed b;
    open_bed(&b);
    json_patch_add(&b.patch, word(&b, "x"), "/a/new");
    json_patch_replace(&b.patch, word(&b, "y"), "/a/old");
    json_patch_add(&b.patch, word(&b, "z"), "/a/with~1slash~0tilde");
    check(&b, "{a: {old: 1, keep: 2}}",
          "{\"a\":{\"old\":\"y\",\"keep\":2,\"new\":\"x\",\"with/slash~tilde\":\"z\"}}");
}

static void test_arrays(void **state)
{
    struct bed b;
    open_bed(&b);
    json_patch_add(&b.patch, word(&b, "first"), "/l/0");
    json_patch_add(&b.patch, word(&b, "last"), "/l/-");
    json_patch_add(&b.patch, word(&b, "behind"), "/l/5");
    json_patch_replace(&b.patch, word(&b, "one"), "/l/1");
    json_patch_replace(&b.patch, word(&b, "in"), "/l/3/k");
    check(&b, "{l: [1, 2, {k: 3}]}",
          "{\"l\":[\"first\",\"one\",2,{\"k\":\"in\"},\"last\",\"behind\"]}");
}

static void check_lost(const char *path, bool replace)
{
    struct bed b;
    const struct doc *out = NULL;
    open_bed(&b);
    if (replace)
        json_patch_replace(&b.patch, word(&b, "x"), "%s", path);
    else
        json_patch_add(&b.patch, word(&b, "x"), "%s", path);
    const struct doc *root = pod_text_parse(&b.arena, "{a: {b: [1]}, s: text}");
    assert_int_equal(json_patch_apply(&b.patch, root, &out), ERR_NOT_FOUND);
    arena_dispose(&b.arena);
}

static void test_paths_that_lead_nowhere(void **state)
{
    check_lost("", false);
    check_lost("a", false);
    check_lost("/x/y", false);
    check_lost("/a/b/2", false);
    check_lost("/a/b/x", false);
    check_lost("/a/b/-/c", false);
    check_lost("/s/x", false);
    check_lost("/a/x", true);
    check_lost("/a/b/1", true);
    check_lost("/a/b/-", true);
}

/* Documents are objects or arrays; what is neither has no place to put anything. */
static void test_roots(void **state)
{
    struct bed b;
    const struct doc *out = NULL;
    open_bed(&b);
    json_patch_add(&b.patch, word(&b, "x"), "/1");
    check(&b, "[1, 2]", "[1,\"x\",2]");
    open_bed(&b);
    json_patch_add(&b.patch, word(&b, "x"), "/0");
    assert_int_equal(json_patch_apply(&b.patch, word(&b, "text"), &out), ERR_NOT_FOUND);
    arena_dispose(&b.arena);
}

static void test_many(void **state)
{
    struct bed b;
    const struct doc *out = NULL;
    open_bed(&b);
    for (unsigned i = 0; i < JSON_PATCH_MAX; i++)
        json_patch_add(&b.patch, word(&b, "x"), "/l/-");
    const struct doc *root = pod_text_parse(&b.arena, "{l: []}");
    assert_int_equal(json_patch_apply(&b.patch, root, &out), ERR_OK);
    assert_int_equal(doc_find(out, "l")->count, JSON_PATCH_MAX);
    json_patch_add(&b.patch, word(&b, "x"), "/l/-");
    assert_true(b.patch.is_full);
    assert_int_equal(json_patch_apply(&b.patch, root, &out), ERR_NOT_FOUND);
    arena_dispose(&b.arena);
}

static void test_text(void **state)
{
    struct bed b;
    struct buf out;
    struct json_write w;
    char text[200] = "";
    open_bed(&b);
    struct slice key = json_patch_escape(&b.arena, SLICE("weft.dev/a~b"));
    json_patch_add(&b.patch, word(&b, "a\"b"), "/m/%.*s", SLICE_ARG(key));
    json_patch_replace(&b.patch, doc_make_int(&b.arena, 7), "/n");
    buf_init(&out);
    json_write_init(&w, &out);
    json_patch_write(&b.patch, &w);
    buf_copy_out(&out, text, out.len);
    buf_dispose(&out);
    assert_string_equal(text,
                        "[{\"op\":\"add\",\"path\":\"/m/weft.dev~1a~0b\",\"value\":\"a\\\"b\"},"
                        "{\"op\":\"replace\",\"path\":\"/n\",\"value\":7}]");
    arena_dispose(&b.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_paths_that_lead_nowhere),
        cmocka_unit_test(test_roots),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
