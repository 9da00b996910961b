/* Layers of settings: what a wide object fills in, what the fallbacks do, and where two say the
 * same. Every leaf of what holds for clients' connections can be left out.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/schema/schema_layer.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "policies/kinds/client_traffic.h"

struct inner {
    int64_t wait;
    struct slice text;
    struct schema_list list;
};

struct outer {
    int64_t count;
    int choice;
    struct inner inner;
};

static const char *const choices[] = {"A", "B", NULL};
static const struct schema_field item = {.type = SCHEMA_STRING};
#define INHERIT .flags = SCHEMA_INHERIT

static const struct schema_field inner_fields[] = {
    SCHEMA_FIELD(struct inner, wait, "wait", DURATION, "", INHERIT, .fallback = 5000),
    SCHEMA_FIELD(struct inner, text, "text", STRING, "", INHERIT, .text = "fallback"),
    SCHEMA_FIELD(struct inner, list, "list", LIST, "", INHERIT, .element = &item),
    {0},
};
static const struct schema inner_schema = {
    .name = "Inner", .doc = "", .size = sizeof(struct inner), .fields = inner_fields};

static const struct schema_field outer_fields[] = {
    SCHEMA_FIELD(struct outer, count, "count", INT, "", INHERIT, .min = 0, .max = 100,
                 .fallback = 7),
    SCHEMA_FIELD(struct outer, choice, "choice", ENUM, "", INHERIT, .choices = choices,
                 .fallback = 1),
    SCHEMA_FIELD(struct outer, inner, "inner", INLINE, "", .object = &inner_schema),
    {0},
};
static const struct schema outer_schema = {
    .name = "Outer", .doc = "", .size = sizeof(struct outer), .fields = outer_fields};

static void test_fallbacks(void **state)
{
    (void)state;
    struct outer o;
    schema_layer_clear(&outer_schema, &o);
    assert_int_equal(o.count, SCHEMA_UNSET);
    assert_int_equal(o.choice, SCHEMA_UNSET);
    assert_null(o.inner.text.ptr);
    schema_layer_settle(&outer_schema, &o);
    assert_int_equal(o.count, 7);
    assert_int_equal(o.choice, 1);
    assert_int_equal(o.inner.wait, 5000);
    assert_true(slice_eq_cstr(o.inner.text, "fallback"));
    assert_false(o.inner.list.present);
}

static void test_the_narrow_one_counts(void **state)
{
    (void)state;
    struct outer narrow, wide;
    schema_layer_clear(&outer_schema, &narrow);
    schema_layer_clear(&outer_schema, &wide);
    narrow.count = 0;
    wide.count = 9;
    wide.choice = 0;
    wide.inner.text = SLICE("wide");
    narrow.inner.list.present = true; /* said, and empty */
    wide.inner.list = (struct schema_list){&wide, 1, true};
    schema_layer_inherit(&outer_schema, &narrow, &wide);
    assert_int_equal(narrow.count, 0);
    assert_int_equal(narrow.choice, 0);
    assert_true(slice_eq_cstr(narrow.inner.text, "wide"));
    assert_int_equal(narrow.inner.wait, SCHEMA_UNSET);
    assert_int_equal(narrow.inner.list.count, 0);
}

static void test_overlap(void **state)
{
    (void)state;
    struct outer a, b;
    char path[SCHEMA_PATH_MAX];
    schema_layer_clear(&outer_schema, &a);
    schema_layer_clear(&outer_schema, &b);
    a.count = 1;
    b.inner.wait = 1;
    assert_false(schema_layer_overlap(&outer_schema, &a, &b, path));
    a.inner.wait = 0;
    assert_true(schema_layer_overlap(&outer_schema, &a, &b, path));
    assert_string_equal(path, "inner.wait");
    b.count = 0;
    assert_true(schema_layer_overlap(&outer_schema, &a, &b, path));
    assert_string_equal(path, "count");
}

/* A leaf that cannot be left out would hide what a wider object says. */
static void check_leaves(const struct schema *schema)
{
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        if (f->type == SCHEMA_INLINE) {
            check_leaves(f->object);
            continue;
        }
        if (f->type == SCHEMA_BOOL || f->type == SCHEMA_OBJECT || f->type == SCHEMA_PORT ||
            !(f->flags & SCHEMA_INHERIT))
            fail_msg("%s.%s: cannot be left out (kinds/client_traffic.h)", schema->name, f->name);
    }
}

static void test_every_leaf_for_clients_can_be_left_out(void **state)
{
    (void)state;
    check_leaves(&client_traffic_schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fallbacks),
        cmocka_unit_test(test_the_narrow_one_counts),
        cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_every_leaf_for_clients_can_be_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
