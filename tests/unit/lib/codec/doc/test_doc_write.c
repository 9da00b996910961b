/* doc_write.c: what is written reads back as the same document, and looks as people expect.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/codec/doc/doc_write.h"
#include "lib/codec/doc/doc_yaml.h"
#include "tests/unit/lib/codec/doc/doc_dump.h"

enum { TEXT_MAX = 4096 };

typedef void (*write_fn)(struct buf *to, const struct doc *d);

static void write_compact(struct buf *to, const struct doc *d)
{
    struct json_write w;
    json_write_init(&w, to);
    doc_write_json(&w, d);
}

static void write_text(write_fn write, const struct doc *d, char text[TEXT_MAX])
{
    struct buf b;
    buf_init(&b);
    write(&b, d);
    assert_true(b.len < TEXT_MAX);
    text[b.len] = '\0';
    buf_copy_out(&b, text, b.len);
    buf_dispose(&b);
}

static const struct doc *parse(const char *json, struct arena *arena)
{
    const struct doc *d;
    struct doc_error error;
    assert_int_equal(doc_json_parse(slice_from_cstr(json), arena, &d, &error), ERR_OK);
    return d;
}

static const char *const documents[] = {
    "{}",
    "[]",
    "\"alone\\nof two lines\"",
    "{\"a\":{},\"b\":[],\"c\":[[],{},[1,[2]]]}",
    "[1,-2,1.5,true,false,null,\"x\"]",
    "[\"true\",\"No\",\"null\",\"1\",\"1e5\",\"-\",\"~\",\"\",\" a\",\"a \",\"a: b\",\"a "
    "#b\",\"a:\"]",
    "[\"a b, "
    "c\",\"http://a.b/c?d=e\",\"*\",\"&a\",\"!t\",\"{}\",\"[]\",\"@\",\"%\",\"'\",\"\\\"\"]",
    "{\"a b\":1,\"weft.dev/x\":2,\"1\":3,\"*\":4,\"\":5}",
    "{\"text\":\"one\\ntwo\\n\",\"list\":[\"one\\n  two\\n\\nthree\",\"x\\n\\n\",\"\\nx\",\" "
    "x\\ny\"]}",
    "{\"text\":\"tab\\tand\\nline\",\"other\":\"\\u00e9\\n\\u2028\",\"end\":\"a\\rb\\n\"}",
    "{\"spec\":{\"containers\":[{\"name\":\"a\",\"args\":[\"--x\",\"y=1\"]},{\"name\":\"b\"}]}}",
};

static void check_round(write_fn write, bool is_yaml, const char *json)
{
    char text[TEXT_MAX], want[TEXT_MAX], got[TEXT_MAX];
    struct arena arena;
    struct doc_error error;
    arena_init(&arena, 4096);
    const struct doc *d = parse(json, &arena), *again = NULL;
    write_text(write, d, text);
    if (is_yaml) {
        struct doc_list list;
        if (doc_yaml_parse(slice_from_cstr(text), &arena, &list, &error))
            fail_msg("%s\n%s", error.text, text);
        assert_int_equal(list.count, 1);
        again = list.items[0];
    } else {
        assert_int_equal(doc_json_parse(slice_from_cstr(text), &arena, &again, &error), ERR_OK);
    }
    doc_dump(d, false, want, sizeof(want));
    doc_dump(again, false, got, sizeof(got));
    assert_string_equal(got, want);
    arena_dispose(&arena);
}

static void test_reads_back(void **state)
{
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        check_round(write_compact, false, documents[i]);
        check_round(doc_write_pretty, false, documents[i]);
        check_round(doc_write_yaml, true, documents[i]);
    }
}

static void test_compact_is_the_same_text(void **state)
{
    char text[TEXT_MAX];
    struct arena arena;
    arena_init(&arena, 4096);
    for (size_t i = 3; i < 5; i++) {
        write_text(write_compact, parse(documents[i], &arena), text);
        assert_string_equal(text, documents[i]);
    }
    arena_dispose(&arena);
}

static void test_looks(void **state)
{
    static const char json[] =
        "{\"kind\":\"Pod\",\"count\":1,\"on\":\"on\",\"list\":[{\"a\":1,\"b\":"
        "[\"x\",\"y z\"]},[]],\"text\":\"one\\ntwo\\n\",\"none\":{}}";
    static const char yaml[] = "kind: Pod\n"
                               "count: 1\n"
                               "\"on\": \"on\"\n"
                               "list:\n"
                               "- a: 1\n"
                               "  b:\n"
                               "  - x\n"
                               "  - y z\n"
                               "- []\n"
                               "text: |\n"
                               "  one\n"
                               "  two\n"
                               "none: {}\n";
    char text[TEXT_MAX];
    struct arena arena;
    arena_init(&arena, 4096);
    write_text(doc_write_yaml, parse(json, &arena), text);
    assert_string_equal(text, yaml);
    write_text(doc_write_pretty, parse("{\"a\":[1,{}],\"b\":\"c\"}", &arena), text);
    assert_string_equal(text, "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"c\"\n}\n");
    arena_dispose(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_back),
        cmocka_unit_test(test_compact_is_the_same_text),
        cmocka_unit_test(test_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
