/* doc.c: looking up by key and by path.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/codec/doc/doc_yaml.h"

static struct arena arena;
static const struct doc *root;

static int set_up(void **state)
{
    static const char text[] = "spec:\n"
                               "  rules:\n"
                               "    - name: one\n"
                               "    - name: two\n"
                               "  \"a.b/c\": dotted\n"
                               "  n: 7\n";
    struct doc_list list;
    struct doc_error error;
    arena_init(&arena, 1024);
    if (doc_yaml_parse(slice_from_cstr(text), &arena, &list, &error))
        return -1;
    root = list.items[0];
    return 0;
}

static int tear_down(void **state)
{
    arena_dispose(&arena);
    return 0;
}

static void test_get(void **state)
{
    const struct doc *spec = doc_get(root, SLICE("spec"));
    assert_non_null(spec);
    assert_int_equal(spec->type, DOC_OBJECT);
    assert_null(doc_get(root, SLICE("other")));
    assert_null(doc_get(doc_get(spec, SLICE("n")), SLICE("x")));
    assert_null(doc_get(NULL, SLICE("x")));
}

static void test_find(void **state)
{
    static const struct {
        const char *path, *want;
    } cases[] = {
        {"spec.rules[0].name", "one"},
        {"spec.rules[1].name", "two"},
        {"spec[\"a.b/c\"]", "dotted"},
        {"spec.rules[2].name", NULL},
        {"spec.rules.name", NULL},
        {"spec[0]", NULL},
        {"spec.rules[x]", NULL},
        {"spec.rules[0", NULL},
        {"spec[\"a.b/c]", NULL},
        {"spec..n", NULL},
        {"spec.n", NULL},
        {"nothing", NULL},
        {"spec.rules[99999999999999999999]", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice got = doc_string(doc_find(root, cases[i].path));
        if (!cases[i].want)
            assert_null(got.ptr);
        else
            assert_true(slice_eq_cstr(got, cases[i].want));
    }
    assert_ptr_equal(doc_find(root, ""), root);
    assert_int_equal(doc_find(root, "spec.n")->integer, 7);
    assert_null(doc_find(NULL, "spec"));
}

static void test_type_names(void **state)
{
    assert_string_equal(doc_type_name(DOC_NULL), "null");
    assert_string_equal(doc_type_name(DOC_ARRAY), "list");
    assert_string_equal(doc_type_name(DOC_OBJECT), "object");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_get, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_find, set_up, tear_down),
        cmocka_unit_test(test_type_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
