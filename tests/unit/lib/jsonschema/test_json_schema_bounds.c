/* Schemas and values that are made to cost much: each check ends within its bounds, and says that
 * it was given up, which counts as not conforming.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/jsonschema/json_schema.h"

#include "lib/base/buf.h"
#include "tests/unit/lib/base/cmocka_base.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 16384);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_dispose(&arena);
    return 0;
}

static struct slice repeat(const char *before, const char *what, unsigned times, const char *after)
{
    struct buf out;
    buf_init(&out);
    buf_append_slice(&out, slice_from_cstr(before));
    for (unsigned i = 0; i < times; i++)
        buf_append_slice(&out, slice_from_cstr(what));
    buf_append_slice(&out, slice_from_cstr(after));
    return buf_take_into(&out, &arena);
}

static const struct json_value *parse(struct slice text)
{
    const struct json_value *v;
    struct doc_error error;
    assert_int_equal(json_value_parse(text, &arena, &v, &error), ERR_OK);
    return v;
}

static bool is_given_up(struct slice schema, struct slice value)
{
    struct doc_error error;
    const struct json_schema *s;
    const struct json_value *root = parse(schema);
    struct json_schema_set *set = json_schema_set_create(&arena, JSON_SCHEMA_2020_12, true);
    assert_int_equal(json_schema_set_add(set, SLICE(""), root, true, &error), ERR_OK);
    assert_int_equal(json_schema_compile(set, root, &s, &error), ERR_OK);
    assert_int_equal(json_schema_link(set, &error), ERR_OK);
    struct json_schema_run run = {.arena = &arena};
    bool good = json_schema_check(&run, s, parse(value));
    assert_true(!good || !run.is_exhausted);
    assert_true(!run.is_exhausted || run.error_count == 1);
    json_schema_set_destroy(set);
    return run.is_exhausted;
}

/* Twice the work for each level of the value. */
static void test_branches_that_multiply(void **state)
{
    struct slice schema = SLICE("{\"type\":\"array\",\"anyOf\":[{\"items\":{\"$ref\":\"#\"}},"
                                "{\"items\":{\"$ref\":\"#\"}}]}");
    (void)state;
    struct slice open = repeat("", "[", 60, ""), close = repeat("", "]", 60, "");
    assert_true(is_given_up(schema, arena_printf(&arena, "%.*s1%.*s", SLICE_ARG(open),
                                                 SLICE_ARG(close))));
}

static void test_a_pattern_that_explodes(void **state)
{
    (void)state;
    struct slice schema = SLICE("{\"pattern\":\"^(a+)+$\"}");
    assert_true(is_given_up(schema, repeat("\"", "a", 40, "!\"")));
    assert_false(is_given_up(schema, repeat("\"", "a", 40, "\"")));
    /* Also where nobody is told: not of it is no way in. */
    assert_true(is_given_up(SLICE("{\"not\":{\"pattern\":\"^(a+)+$\"}}"),
                            repeat("\"", "a", 40, "!\"")));
}

/* The dynamic scope makes the loop, which no compiler sees. */
static void test_a_loop_of_dynamic_references(void **state)
{
    (void)state;
    struct slice schema =
        SLICE("{\"$id\":\"http://x/a\",\"$dynamicAnchor\":\"n\",\"$ref\":\"b\",\"$defs\":{\"b\":{"
              "\"$id\":\"b\",\"$dynamicRef\":\"#n\",\"$defs\":{\"n\":{\"$dynamicAnchor\":\"n\"}}"
              "}}}");
    assert_true(is_given_up(schema, SLICE("1")));
}

static void test_many_items_are_unique(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out);
    buf_append_slice(&out, SLICE("[0"));
    for (unsigned i = 1; i < 60000; i++) {
        struct slice item = arena_printf(&arena, ",%u", i);
        buf_append_slice(&out, item);
    }
    buf_append_slice(&out, SLICE("]"));
    struct slice value = buf_take_into(&out, &arena);
    assert_false(is_given_up(SLICE("{\"uniqueItems\":true}"), value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_branches_that_multiply, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_pattern_that_explodes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_loop_of_dynamic_references, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_items_are_unique, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
