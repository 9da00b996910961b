/* Schemas and values, by a table: what conforms and what does not, by JSON Schema 2020-12 and by
 * OpenAPI 3.0; which schemas are refused; and what is said of either.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/jsonschema/json_schema.h"

#include <stdio.h>

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

static enum err compile(const char *text, enum json_schema_dialect dialect,
                        struct json_schema_set **set, const struct json_schema **out,
                        struct doc_error *error)
{
    const struct json_value *root = parse(text);
    *set = json_schema_set_create(&arena, dialect, true);
    enum err err = json_schema_set_add(*set, SLICE(""), root, true, error);
    err = err ? err : json_schema_compile(*set, root, out, error);
    return err ? err : json_schema_link(*set, error);
}

static void expect(const char *schema, enum json_schema_dialect dialect, const char *value,
                   enum json_schema_side side, const char *want)
{
    struct json_schema_set *set;
    const struct json_schema *s;
    struct doc_error error;
    if (compile(schema, dialect, &set, &s, &error))
        fail_msg("%s: %s", schema, error.text);
    struct json_schema_run run = {.arena = &arena, .side = side};
    bool good = json_schema_check(&run, s, parse(value));
    char got[512] = "";
    if (!good)
        snprintf(got, sizeof got, "%.*s %.*s: %.*s", SLICE_ARG(run.errors[0].instance),
                 SLICE_ARG(run.errors[0].schema), SLICE_ARG(run.errors[0].text));
    if (strcmp(got, want) != 0)
        fail_msg("%s with %s: want \"%s\", got \"%s\"", schema, value, want, got);
    json_schema_set_destroy(set);
}

static void test_what_conforms(void **state)
{
    static const struct {
        const char *schema, *value, *want;
    } rows[] = {
        {"{\"type\":\"integer\"}", "9007199254740993", ""},
        {"{\"maximum\":9007199254740992}", "9007199254740993", " #/maximum: is too large"},
        {"{\"const\":1}", "1.0", ""},
        {"{\"const\":{\"a\":[1,{\"b\":2}]}}", "{\"a\":[1.0,{\"b\":2e0}]}", ""},
        {"{\"enum\":[[1],true]}", "1", " #/enum: is none of the allowed values"},
        {"{\"multipleOf\":0.01}", "19.99", ""},
        {"{\"multipleOf\":0.01}", "19.999",
         " #/multipleOf: is not a multiple of what it must be"},
        {"{\"minLength\":2}", "\"\\ud83d\\ude00\"",
         " #/minLength: has 1 characters, but must have at least 2"},
        {"{\"uniqueItems\":true}", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1.0}]",
         " #/uniqueItems: has an item twice"},
        {"{\"uniqueItems\":true}", "[1,true,\"1\",[1],{\"a\":1}]", ""},
        {"{\"properties\":{\"a/b\":{\"items\":{\"type\":\"string\"}}}}", "{\"a/b\":[\"x\",1]}",
         "/a~1b/1 #/properties/a~1b/items/type: must be of type string, but is a number"},
        {"{\"allOf\":[{\"properties\":{\"a\":true}}],\"unevaluatedProperties\":false}",
         "{\"a\":1,\"b\":2}", "/b #/unevaluatedProperties: is not allowed"},
        {"{\"anyOf\":[{\"properties\":{\"a\":{\"type\":\"string\"}}},{\"properties\":{\"b\":true}}"
         "],\"unevaluatedProperties\":false}",
         "{\"a\":1,\"b\":2}", "/a #/unevaluatedProperties: is not allowed"},
        {"{\"oneOf\":[{\"minimum\":1},{\"minimum\":2}]}", "3",
         " #/oneOf: conforms to more than one of 2 schemas"},
        {"{\"required\":[\"a\",\"b\"]}", "{\"a\":1}",
         " #/required: lacks the required member \"b\""},
        {"{\"pattern\":\"^\\\\p{Lu}\\\\d+$\"}", "\"\xc3\x84" "7\"", ""},
        {"{\"pattern\":\"^\\\\d$\"}", "\"\xd9\xa3\"", " #/pattern: does not match the pattern"},
        {"{\"pattern\":\"b\"}", "\"abc\"", ""},
        {"{\"format\":\"int32\"}", "2147483648", " #/format: is not of the format int32"},
        {"{\"format\":\"int32\"}", "-2147483648", ""},
        {"{\"format\":\"date\"}", "\"2023-02-29\"", " #/format: is not of the format date"},
        {"{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"null\"}}}", "1",
         " #/$defs/a/type: must be of type null, but is a number"},
        {"{\"$id\":\"http://x/root\",\"$ref\":\"b\",\"$defs\":{\"b\":{\"$id\":\"b\",\"const\":1}}}",
         "2", " http://x/b#/$defs/b/const: is not the one allowed value"},
        {"false", "1", " #: is not allowed"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(rows[i].schema, JSON_SCHEMA_2020_12, rows[i].value, JSON_SCHEMA_ANY, rows[i].want);
}

static void test_openapi_3_0(void **state)
{
    static const char account[] =
        "{\"required\":[\"id\",\"pin\"],\"properties\":{\"id\":{\"readOnly\":true},"
        "\"pin\":{\"writeOnly\":true}}}";
    (void)state;
    expect("{\"type\":\"string\",\"nullable\":true}", JSON_SCHEMA_OPENAPI_3_0, "null",
           JSON_SCHEMA_ANY, "");
    expect("{\"type\":\"string\"}", JSON_SCHEMA_OPENAPI_3_0, "null", JSON_SCHEMA_ANY,
           " #/type: must be of type string, but is null");
    expect("{\"minimum\":1,\"exclusiveMinimum\":true}", JSON_SCHEMA_OPENAPI_3_0, "1",
           JSON_SCHEMA_ANY, " #/minimum: is too small");
    expect("{\"minimum\":1,\"exclusiveMinimum\":false}", JSON_SCHEMA_OPENAPI_3_0, "1",
           JSON_SCHEMA_ANY, "");
    expect("{\"const\":1,\"additionalProperties\":false}", JSON_SCHEMA_OPENAPI_3_0, "{}",
           JSON_SCHEMA_ANY, "");
    expect(account, JSON_SCHEMA_OPENAPI_3_0, "{\"pin\":1}", JSON_SCHEMA_REQUEST, "");
    expect(account, JSON_SCHEMA_OPENAPI_3_0, "{\"id\":1}", JSON_SCHEMA_RESPONSE, "");
    expect(account, JSON_SCHEMA_OPENAPI_3_0, "{\"id\":1}", JSON_SCHEMA_REQUEST,
           " #/required: lacks the required member \"pin\"");
    expect(account, JSON_SCHEMA_OPENAPI_3_0, "{\"id\":1,\"pin\":2}", JSON_SCHEMA_RESPONSE,
           "/pin #/properties/pin: is write-only: responses must not have it");
}

static void test_schemas_that_are_refused(void **state)
{
    static const struct {
        const char *schema, *want;
    } rows[] = {
        {"{\"$ref\":\"#\"}", "refers to itself, and no check of it would ever end"},
        {"{\"anyOf\":[{\"$ref\":\"#/$defs/a\"}],\"$defs\":{\"a\":{\"not\":{\"$ref\":\"#\"}}}}",
         "refers to itself, and no check of it would ever end"},
        {"{\"$ref\":\"http://example.com/x\"}",
         "/$ref: leads to another document, \"http://example.com/x\", and documents are not "
         "fetched: put it into this one"},
        {"{\"$ref\":\"#nowhere\"}", "/$ref: leads nowhere: there is no \"#nowhere\""},
        {"{\"type\":\"text\"}",
         "/type: must be null, boolean, integer, number, string, array or object"},
        {"{\"properties\":{\"a\":{\"pattern\":\"(\"}}}",
         "/properties/a/pattern: is no regular expression: missing closing parenthesis"},
        {"{\"items\":[{}]}", "/items: must be a schema; lists are called prefixItems"},
        {"{\"multipleOf\":0}", "/multipleOf: must be a number above 0 of at most 9 digits"},
        {"{\"allOf\":[]}", "/allOf: must be an array of at least one schema"},
        {"{\"minItems\":-1}", "/minItems: must be an integer of at least 0"},
        {"{\"not\":7}", "/not: a schema must be an object or a boolean, not a number"},
        {"{\"$defs\":{\"a\":{\"$id\":\"x\"},\"b\":{\"$id\":\"x\"}}}",
         "/$defs/b: $id \"x\" is there twice"},
        {"{\"required\":[1]}", "/required/0: must be a string"},
    };
    struct json_schema_set *set;
    const struct json_schema *s;
    struct doc_error error;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!compile(rows[i].schema, JSON_SCHEMA_2020_12, &set, &s, &error))
            fail_msg("%s is taken", rows[i].schema);
        assert_string_equal(error.text, rows[i].want);
        json_schema_set_destroy(set);
    }
}

static void test_all_errors(void **state)
{
    struct json_schema_set *set;
    const struct json_schema *s;
    struct doc_error error;
    (void)state;
    assert_int_equal(compile("{\"items\":{\"type\":\"string\"},\"maxItems\":1}",
                             JSON_SCHEMA_2020_12, &set, &s, &error),
                     ERR_OK);
    struct json_schema_run run = {.arena = &arena, .all = true};
    assert_false(json_schema_check(&run, s, parse("[1,\"a\",2]")));
    assert_int_equal(run.error_count, 3);
    json_schema_set_destroy(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_conforms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_openapi_3_0, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_schemas_that_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_errors, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
