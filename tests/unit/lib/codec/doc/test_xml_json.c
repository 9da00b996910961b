/* XML that somebody hostile has written: entities, depth, many names, broken encodings.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/codec/doc/xml_json.h"

static bool is_read(struct slice xml)
{
    struct arena arena;
    arena_init(&arena, 4096);
    bool found = xml_json_read(&arena, xml) != NULL;
    arena_dispose(&arena);
    return found;
}

static void what_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "a",
        "<a>",
        "<a/><b/>",
        "<a b=1/>",
        "<a b='1' b='2'/>",
        "<a>&c;</a>",
        "<a>&#0;</a>",
        "<a>\xff</a>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
        "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>",
        "<?xml version='1.0' encoding='x-unknown'?><a/>",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (is_read(slice_from_cstr(bad[i])))
            fail_msg("taken: %s", bad[i]);
}

static void only_so_deep(void **state)
{
    char text[1024];
    for (size_t depth = XML_JSON_DEPTH_MAX; depth <= XML_JSON_DEPTH_MAX + 1; depth++) {
        size_t len = 0;
        for (size_t i = 0; i < depth; i++, len += 3)
            memcpy(text + len, "<a>", 3);
        for (size_t i = 0; i < depth; i++, len += 4)
            memcpy(text + len, "</a>", 4);
        assert_int_equal(is_read(slice_of(text, len)), depth == XML_JSON_DEPTH_MAX);
    }
}

static void only_so_many_names(void **state)
{
    struct arena arena;
    for (unsigned count = XML_JSON_NAMES_MAX; count <= XML_JSON_NAMES_MAX + 1; count++) {
        struct slice text = SLICE("<r>");
        arena_init(&arena, 4096);
        for (unsigned i = 0; i < count; i++)
            text = arena_printf(&arena, "%.*s<n%u/>", SLICE_ARG(text), i);
        text = arena_printf(&arena, "%.*s</r>", SLICE_ARG(text));
        assert_int_equal(is_read(text), count == XML_JSON_NAMES_MAX);
        arena_dispose(&arena);
    }
}

/* UTF-16 comes out as UTF-8. */
static void other_encodings(void **state)
{
    static const char wide[] = "\xff\xfe<\0a\0>\0\xe9\0<\0/\0a\0>";
    struct arena arena;
    arena_init(&arena, 4096);
    const struct json_node *n = xml_json_read(&arena, slice_of(wide, sizeof wide));
    assert_non_null(n);
    assert_string_equal(arena_strdup(&arena, json_tree_write(&arena, n)), "{\"a\":\"\xc3\xa9\"}");
    arena_dispose(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(only_so_deep),
        cmocka_unit_test(only_so_many_names),
        cmocka_unit_test(other_encodings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
