/* JSON as typed values: what is refused, numbers as they are, members of large objects, and places.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/json_value.h"

#include "lib/base/buf.h"
#include "lib/codec/doc/doc_yaml.h"
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

static const struct json_value *parse(const char *text)
{
    const struct json_value *v;
    struct doc_error error;
    if (json_value_parse(slice_from_cstr(text), &arena, &v, &error))
        fail_msg("%s: %s", text, error.text);
    return v;
}

static void test_texts_that_are_refused(void **state)
{
    static const struct {
        const char *text, *why;
        unsigned line;
    } rows[] = {
        {"", "it is empty", 1},
        {"{", "the text ends too early", 1},
        {"[1]\n2", "something follows the value", 2},
        {"{\"a\":1,\n\"\\u0061\":2}", "a key is given twice: a", 2},
        {"\"\xff\"", "it is not UTF-8", 1},
        {"01", "it is not JSON", 1},
        {"nul", "the text ends too early", 1},
        {"[1,]", "it is not JSON", 1},
        {"1e999999", "a number has too large an exponent", 1},
        {"{\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,\"1\":0}",
         "a key is given twice: 1", 1},
    };
    const struct json_value *v;
    struct doc_error error;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum err err = json_value_parse(slice_from_cstr(rows[i].text), &arena, &v, &error);
        if (!err || strcmp(error.text, rows[i].why) != 0 || error.line != rows[i].line)
            fail_msg("%s: %d, line %u, %s", rows[i].text, err, error.line, error.text);
        assert_null(v);
    }
}

static void test_bombs(void **state)
{
    const struct json_value *v;
    struct doc_error error;
    (void)state;
    size_t len = 300000;
    char *text = arena_alloc(&arena, len);
    memset(text, '[', len);
    assert_int_equal(json_value_parse(slice_of(text, len), &arena, &v, &error), ERR_LIMIT);
    for (size_t i = 0; i < len; i++)
        text[i] = i % 2 ? '1' : i ? ',' : '[';
    assert_int_equal(json_value_parse(slice_of(text, len), &arena, &v, &error), ERR_LIMIT);
}

static void test_numbers(void **state)
{
    static const struct {
        const char *a, *b;
        int order;
    } rows[] = {
        {"9007199254740993", "9007199254740992", 1}, {"1", "1.0", 0},
        {"100", "1e2", 0},                            {"-1", "1", -1},
        {"0.1", "0.10", 0},                           {"-0", "0", 0},
        {"1e-3", "0.001", 0},                         {"0.09", "0.1", -1},
        {"-2", "-10", 1},                             {"123456789012345678901234567890", "1e29", 1},
        {"0e5", "0", 0},                              {"12", "1.2e1", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct json_value *a = parse(rows[i].a), *b = parse(rows[i].b);
        int order = json_number_compare(&a->number, &b->number);
        if ((order > 0) - (order < 0) != rows[i].order)
            fail_msg("%s and %s: %d", rows[i].a, rows[i].b, order);
        assert_int_equal(json_value_equal(a, b), rows[i].order == 0);
        if (!rows[i].order)
            assert_true(json_value_hash(a) == json_value_hash(b));
    }
}

static void test_multiples(void **state)
{
    static const struct {
        const char *number, *by;
        bool is;
    } rows[] = {
        {"19.99", "0.01", true}, {"0.0075", "0.0001", true}, {"0.00751", "0.0001", false},
        {"1e300", "7", false},   {"7e300", "7", true},       {"0", "3", true},
        {"-9", "3", true},       {"10", "4", false},         {"1e2", "20", true},
        {"4.5", "1.5", true},    {"35", "1.5", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct json_value *n = parse(rows[i].number), *by = parse(rows[i].by);
        assert_true(json_number_is_divisor(&by->number));
        if (json_number_is_multiple(&n->number, &by->number) != rows[i].is)
            fail_msg("%s by %s", rows[i].number, rows[i].by);
    }
}

static void test_integers(void **state)
{
    uint64_t out;
    (void)state;
    assert_true(json_number_to_u64(&parse("1.8e1")->number, &out) && out == 18);
    assert_false(json_number_to_u64(&parse("1.5")->number, &out));
    assert_false(json_number_to_u64(&parse("-1")->number, &out));
    assert_false(json_number_to_u64(&parse("1e20")->number, &out));
}

static void test_members_and_places(void **state)
{
    const struct json_value *v =
        parse("{\"a\":{\"b/c~\":[0,\n[1,2]]},\"x\":\"\\u0000\\ud83d\\ude00\"}");
    const struct json_value *list = json_value_member(json_value_member(v, "a"), "b/c~");
    (void)state;
    const struct json_value *two = list->first->next->first->next;
    assert_true(slice_eq_cstr(json_value_pointer(two, &arena), "/a/b~1c~0/1/1"));
    assert_int_equal(two->line, 2);
    assert_int_equal(json_value_string(json_value_member(v, "x")).len, 5);
    assert_null(json_value_member(v, "y"));
}

static void test_yaml_is_the_same(void **state)
{
    struct doc_list list;
    struct doc_error error;
    const struct json_value *v;
    (void)state;
    struct slice text = SLICE("a: [1, 0.1, -3, 1e3, true, null, x]\nb: {c: \"1\"}\n");
    assert_int_equal(doc_yaml_parse(text, &arena, &list, &error), ERR_OK);
    assert_int_equal(json_value_from_doc(list.items[0], &arena, &v, &error), ERR_OK);
    assert_true(json_value_equal(
        v, parse("{\"b\":{\"c\":\"1\"},\"a\":[1,0.1,-3,1000,true,null,\"x\"]}")));
    assert_int_equal(json_value_member(v, "b")->line, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_texts_that_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bombs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_multiples, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_integers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_members_and_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_yaml_is_the_same, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
