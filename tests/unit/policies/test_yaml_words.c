/* No field of ours, and no value of one, is a word that YAML 1.1 (and so kubectl) reads as a
 * boolean or as null when nobody puts it in quotes. SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/base/slice.h"
#include "policies/kinds/kind.h"

/* The types bool and null of YAML 1.1. */
static bool is_mangled(const char *word)
{
    static const char *const words[] = {"y",  "n",   "yes",  "no",   "on", "off",
                                        "true", "false", "null", "~"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (slice_eq_nocase(slice_from_cstr(word), slice_from_cstr(words[i])))
            return true;
    return false;
}

static unsigned looked_at;

static void look_at_schema(const struct schema *schema, unsigned depth);

static void look_at_field(const struct schema *schema, const struct schema_field *f, unsigned depth)
{
    looked_at++;
    if (f->name && is_mangled(f->name))
        fail_msg("%s.%s: YAML 1.1 reads this name as something else", schema->name, f->name);
    for (size_t i = 0; f->type == SCHEMA_ENUM && f->choices && f->choices[i]; i++)
        if (is_mangled(f->choices[i]))
            fail_msg("%s.%s: YAML 1.1 reads the value %s as something else", schema->name,
                     f->name ? f->name : "[]", f->choices[i]);
    if (f->object)
        look_at_schema(f->object, depth + 1);
    if (f->element)
        look_at_field(schema, f->element, depth + 1);
}

/* Deep enough for every kind; a schema that holds itself ends here. */
static void look_at_schema(const struct schema *schema, unsigned depth)
{
    for (const struct schema_field *f = schema->fields; depth < 12 && f->name; f++)
        look_at_field(schema, f, depth);
}

static void test_no_word_is_mangled(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strcmp(kind_all[i]->group, KIND_GROUP_WEFT) == 0)
            look_at_schema(kind_all[i]->schema, 0);
    assert_true(looked_at > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_word_is_mangled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
