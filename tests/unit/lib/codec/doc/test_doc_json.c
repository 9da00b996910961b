/* doc_json.c: JSON becomes the same documents, and is refused where RFC 8259 or sense says so.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "tests/unit/lib/codec/doc/doc_dump.h"

static enum err parse(struct slice text, char *got, size_t size)
{
    struct arena arena;
    const struct doc *d;
    struct doc_error error;
    arena_init(&arena, 1024);
    enum err e = doc_json_parse(text, &arena, &d, &error);
    if (!e)
        doc_dump(d, false, got, size);
    else
        assert_true(error.text[0] != '\0');
    arena_dispose(&arena);
    return e;
}

static void test_values(void **state)
{
    static const struct {
        const char *json, *want;
    } cases[] = {
        {"{}", "{}"},
        {"[]", "[]"},
        {"null", "null"},
        {" [ 1 , -2 , 1.5 , true , false , null , \"x\" ] ", "[1,-2,~1.5,true,false,null,\"x\"]"},
        {"{\"b\":1,\"a\":{\"c\":[{}]}}", "{b=1,a={c=[{}]}}"},
        {"\"\\u00e9\\ud83d\\ude00\\n\"", "\"\xc3\xa9\xf0\x9f\x98\x80\n\""},
        {"9223372036854775807", "9223372036854775807"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[512];
        assert_int_equal(parse(slice_from_cstr(cases[i].json), got, sizeof got), ERR_OK);
        assert_string_equal(got, cases[i].want);
    }
}

static void test_refusals(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "[1] x",
        "01",
        "[1 2]",
        "\"\\u0000\"",
        "{\"a\":1,\"a\":2}",
        "\"\\ud800\"",
        "NaN",
        "1e999",
        "\"\xff\"",
        "\"\x01\"",
        "9223372036854775808",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char got[64];
        if (parse(slice_from_cstr(bad[i]), got, sizeof got) != ERR_SYNTAX)
            fail_msg("%s was accepted", bad[i]);
    }
}

static void test_depth(void **state)
{
    char text[2 * DOC_DEPTH_MAX + 2], got[512];
    memset(text, '[', DOC_DEPTH_MAX);
    memset(text + DOC_DEPTH_MAX, ']', DOC_DEPTH_MAX);
    assert_int_equal(parse(slice_of(text, 2 * DOC_DEPTH_MAX), got, sizeof got), ERR_OK);
    memset(text, '[', DOC_DEPTH_MAX + 1);
    memset(text + DOC_DEPTH_MAX + 1, ']', DOC_DEPTH_MAX + 1);
    assert_int_equal(parse(slice_of(text, 2 * DOC_DEPTH_MAX + 2), got, sizeof got), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
