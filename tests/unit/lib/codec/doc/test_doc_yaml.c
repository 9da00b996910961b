/* doc_yaml.c and doc_scalar.c: what each text is, on which lines, and what is refused where.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_yaml.h"
#include "tests/unit/lib/codec/doc/doc_dump.h"

static void check(const char *yaml, bool with_lines, const char *want)
{
    struct arena arena;
    struct doc_list list;
    struct doc_error error;
    char got[2048] = "", one[1024];
    arena_init(&arena, 1024);
    if (doc_yaml_parse(slice_from_cstr(yaml), &arena, &list, &error)) {
        assert_int_equal(list.count, 0);
        snprintf(got, sizeof got, "%u:%u: %s", error.line, error.column, error.text);
    }
    for (size_t i = 0; i < list.count; i++) {
        doc_dump(list.items[i], with_lines, one, sizeof one);
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", i ? " " : "", one);
    }
    assert_string_equal(got, want);
    arena_dispose(&arena);
}

static void test_scalars(void **state)
{
    static const struct {
        const char *yaml, *want;
    } cases[] = {
        {"[null, Null, NULL, ~, ]", "[null,null,null,null]"},
        {"[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]"},
        {"[yes, no, on, off, y, n, tRUE]", "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\",\"tRUE\"]"},
        {"[0, 7, -1, +5, 9223372036854775807]", "[0,7,-1,5,9223372036854775807]"},
        {"[0x1F, 0o17, 0xg, 0x, 0b1]", "[31,15,\"0xg\",\"0x\",\"0b1\"]"},
        {"[1.5, .5, 1., -2e3, 1E-2, +.5e+1]", "[~1.5,~0.5,~1,~-2000,~0.01,~5]"},
        {"[., -, +, e5, 1e, 1.2.3, 1_000, '.e5']",
         "[\".\",\"-\",\"+\",\"e5\",\"1e\",\"1.2.3\",\"1_000\",\".e5\"]"},
        {"['7', \"true\", 'null', \"\"]", "[\"7\",\"true\",\"null\",\"\"]"},
        {"[2026-01-02, 12:30, 10.0.0.1, 1.2.3, v1]",
         "[\"2026-01-02\",\"12:30\",\"10.0.0.1\",\"1.2.3\",\"v1\"]"},
        {"a: |\n  7\nb: >\n  x\n  y\n", "{a=\"7\n\",b=\"x y\n\"}"},
        {"a:\nb: \n", "{a=null,b=null}"},
        {"\"\\u00e9\\n\\x41\"", "\"\xc3\xa9\nA\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(cases[i].yaml, false, cases[i].want);
}

static void test_shapes(void **state)
{
    check("", false, "");
    check("# only this\n", false, "");
    check("---\n---\na: 1\n---\n", false, "{a=1}");
    check("a: 1\n---\n- 2\n...\n---\n3\n", false, "{a=1} [2] 3");
    check("{}", false, "{}");
    check("[]", false, "[]");
    check("a: {b: [c, {d: e}]}\n", false, "{a={b=[\"c\",{d=\"e\"}]}}");
    check("a:\n- 1\n- 2\n", false, "{a=[1,2]}");
    check("80: x\ntrue: y\n\"null\": z\n", false, "{80=\"x\",true=\"y\",null=\"z\"}");
    check("{\"a\": [1, 2.5, \"x\\/y\", null, true]}", false, "{a=[1,~2.5,\"x/y\",null,true]}");
    check("%YAML 1.1\n---\na: b\n", false, "{a=\"b\"}");
    check("\xef\xbb\xbf"
          "a: b\n",
          false, "{a=\"b\"}");
    check("a: b\r\nc: d\r\n", false, "{a=\"b\",c=\"d\"}");
}

static void test_lines(void **state)
{
    check("a: 1\n\nb:\n  - x\n  - y: z\n", true, "1:{a=1:1,b=4:[4:\"x\",5:{y=5:\"z\"}]}");
    check("---\n# c\na: |\n  text\nb: 2\n---\nc: 3\n", true, "3:{a=3:\"text\n\",b=5:2} 7:{c=7:3}");
}

static void test_refusals(void **state)
{
    static const struct {
        const char *yaml, *want;
    } cases[] = {
        {"a: &x 1\n", "1:4: anchors and aliases (& and *) are not supported; write the value out"},
        {"a: 1\nb: *x\n",
         "2:4: anchors and aliases (& and *) are not supported; write the value out"},
        {"&k a: 1\n", "1:1: anchors and aliases (& and *) are not supported; write the value out"},
        {"a: &s [1]\n",
         "1:4: anchors and aliases (& and *) are not supported; write the value out"},
        {"a: !!str 1\n", "1:4: tags (!) are not supported; quote strings instead"},
        {"a: !x {}\n", "1:4: tags (!) are not supported; quote strings instead"},
        {"<<: {a: 1}\n", "1:1: merge keys (<<) are not supported"},
        {"a: 1\nb: 2\na: 3\n", "3:1: key \"a\" is given twice (the first time on line 1)"},
        {"{a: 1, 'a': 2}", "1:8: key \"a\" is given twice (the first time on line 1)"},
        {"? [a]\n: 1\n", "1:3: a key must be a string"},
        {"? {a: b}\n: 1\n", "1:3: a key must be a string"},
        {"~: 1\n", "1:1: a key must not be null; quote it"},
        {"a: 007\n", "1:4: 007: number with a leading zero: readers differ on what it means; "
                     "quote it or drop the zero"},
        {"a: -01\n", "1:4: -01: number with a leading zero: readers differ on what it means; "
                     "quote it or drop the zero"},
        {"a: 9223372036854775808\n", "1:4: 9223372036854775808: integer does not fit 64 bits"},
        {"a: 0xffffffffffffffff\n", "1:4: 0xffffffffffffffff: integer does not fit 64 bits"},
        {"a: 1e999\n", "1:4: 1e999: number is too large"},
        {"a: .inf\n", "1:4: .inf: infinity and not-a-number are not supported; quote it if it is "
                      "a string"},
        {"a: .NaN\n", "1:4: .NaN: infinity and not-a-number are not supported; quote it if it is "
                      "a string"},
        {"a: \"x\\0y\"\n", "1:4: a string must not contain NUL"},
        {"\"x\\0y\": 1\n", "1:1: a string must not contain NUL"},
        {"a: [1\nb: 2\n", "2:2: a \"[\" without its \"]\", or a comma is missing (it is about "
                            "what begins on line 1): \"b: 2\""},
        {"a: b: c\n", "1:5: a \":\" where no key can be: the line is indented too far, or the "
                      "value holds \": \" and needs quotes: \"a: b: c\""},
        {"a:\n\tb: 1\n", "2:1: a tab: YAML is indented with spaces only: \"\\tb: 1\""},
        {"a:\n  - b\n  -\tc:\n\td\n",
         "3:4: a tab: YAML is indented with spaces only: \"  -\\tc:\""},
        {"a:\n- b\nc: 1\n d\n- e\n",
         "5:1: this line is neither a key in the column of the others nor out of the object above "
         "it: the indentation is wrong, or a quote or bracket before it is not closed (it is about "
         "what begins on line 1): \"- e\""},
        {"a:\n    - b\n   - c\n",
         "3:4: this line is neither a key in the column of the others nor out of the object above "
         "it: the indentation is wrong, or a quote or bracket before it is not closed (it is about "
         "what begins on line 1): \"   - c\""},
        {"a: 1\n b: 2\n",
         "2:3: a \":\" where no key can be: the line is indented too far, or the value holds "
         "\": \" and needs quotes: \" b: 2\""},
        {"a: @x\n", "1:4: a value cannot begin with this character: put it in quotes: \"a: @x\""},
        {"a: 1\n---\nb: [\n", "4:1: a value is missing"},
        {"b: 1\na: 'x\nc: 2\n", "2:4: a quote that is opened and never closed: \"a: 'x\""},
        {"a: \"\\q\"\n",
         "1:5: a \"\\\" before a letter that it does not go with: use single quotes: "
         "\"a: \"\\q\"\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(cases[i].yaml, false, cases[i].want);
}

static void test_bad_encoding(void **state)
{
    static const struct slice bad[] = {
        {"a: \xff\n", 5},
        {"a: \xc0\xaf\n", 6},
        {"a: \xed\xa0\x80\n", 7},
        {"\xff\xfe"
         "a\0:\0",
         6},
        {"a: \x01\n", 5},
        {"a\0b: 1\n", 7},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct arena arena;
        struct doc_list list;
        struct doc_error error;
        arena_init(&arena, 1024);
        assert_int_equal(doc_yaml_parse(bad[i], &arena, &list, &error), ERR_SYNTAX);
        assert_int_equal(list.count, 0);
        assert_true(error.text[0] != '\0');
        arena_dispose(&arena);
    }
}

/* count times `piece` between the two ends. */
static enum err parse_repeated(const char *begin, const char *piece, size_t count, const char *end)
{
    struct arena arena;
    struct doc_list list;
    struct doc_error error;
    size_t piece_len = strlen(piece), at = strlen(begin);
    char *text = mem_alloc(at + count * piece_len + strlen(end));
    memcpy(text, begin, at);
    for (size_t i = 0; i < count; i++, at += piece_len)
        memcpy(text + at, piece, piece_len);
    memcpy(text + at, end, strlen(end));
    at += strlen(end);
    arena_init(&arena, 4096);
    enum err e = doc_yaml_parse(slice_of(text, at), &arena, &list, &error);
    arena_dispose(&arena);
    mem_free(text);
    return e;
}

static void test_limits(void **state)
{
    assert_int_equal(parse_repeated("a: ", "[", DOC_DEPTH_MAX, ""), ERR_LIMIT);
    assert_int_equal(parse_repeated("", "{a: ", DOC_DEPTH_MAX + 1, ""), ERR_LIMIT);
    assert_int_equal(parse_repeated("a: [", "x,", DOC_ITEMS_MAX, "]"), ERR_OK);
    assert_int_equal(parse_repeated("a: [", "x,", DOC_ITEMS_MAX + 1, "]"), ERR_LIMIT);
    assert_int_equal(parse_repeated("a: ", "x", DOC_YAML_TEXT_MAX, ""), ERR_LIMIT);
}

static void test_too_many_keys(void **state)
{
    struct arena arena;
    struct doc_list list;
    struct doc_error error;
    size_t at = 0, size = (DOC_MEMBERS_MAX + 1) * 16;
    char *text = mem_alloc(size);
    for (unsigned i = 0; i <= DOC_MEMBERS_MAX; i++)
        at += (size_t)snprintf(text + at, size - at, "k%u: 1\n", i);
    arena_init(&arena, 4096);
    assert_int_equal(doc_yaml_parse(slice_of(text, at), &arena, &list, &error), ERR_LIMIT);
    assert_string_equal(error.text, "object of more than 4096 keys");
    arena_dispose(&arena);
    mem_free(text);
}

/* Whatever is cut off, the answer is a document or an error, never anything else. */
static void test_cut_at_every_byte(void **state)
{
    static const char whole[] = "a: {b: [1, \"x\\u00e9\", |\n  no]}\nc:\n  - d: 'e'\n    f: >-\n"
                                "      text\n---\n\"g\": ~\n";
    for (size_t len = 0; len < sizeof whole; len++) {
        struct arena arena;
        struct doc_list list;
        struct doc_error error;
        char *exact = mem_strndup(whole, len);
        arena_init(&arena, 256);
        enum err e = doc_yaml_parse(slice_of(exact, len), &arena, &list, &error);
        assert_true(e == ERR_OK || (e == ERR_SYNTAX && error.text[0] != '\0'));
        arena_dispose(&arena);
        mem_free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),       cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_lines),         cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bad_encoding),  cmocka_unit_test(test_limits),
        cmocka_unit_test(test_too_many_keys), cmocka_unit_test(test_cut_at_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
