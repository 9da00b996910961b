/* Tests of matching single values, headers and query parameters.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/match.h"

#include "lib/codec/text/regex.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

struct row {
    enum match_kind kind;
    const char *text, *value;
    bool ignore_case, invert, want;
};

static const struct row rows[] = {
    {MATCH_ANY, "", "", false, false, true},
    {MATCH_ANY, "", "x", false, false, true},
    {MATCH_PRESENT, "", "", false, false, true},
    {MATCH_PRESENT, "", "x", false, true, false},
    {MATCH_EXACT, "abc", "abc", false, false, true},
    {MATCH_EXACT, "abc", "abC", false, false, false},
    {MATCH_EXACT, "abc", "ABC", true, false, true},
    {MATCH_EXACT, "abc", "abcd", false, false, false},
    {MATCH_EXACT, "abc", "ab", false, true, true},
    {MATCH_EXACT, "", "", false, false, true},
    {MATCH_PREFIX, "ab", "abc", false, false, true},
    {MATCH_PREFIX, "ab", "a", false, false, false},
    {MATCH_PREFIX, "ab", "ABC", true, false, true},
    {MATCH_PREFIX, "", "x", false, false, true},
    {MATCH_SUFFIX, "bc", "abc", false, false, true},
    {MATCH_SUFFIX, "bc", "c", false, false, false},
    {MATCH_SUFFIX, "BC", "abc", true, false, true},
    {MATCH_SUFFIX, "bc", "abcd", false, false, false},
    {MATCH_PATH_PREFIX, "/a", "/a", false, false, true},
    {MATCH_PATH_PREFIX, "/a", "/a/", false, false, true},
    {MATCH_PATH_PREFIX, "/a", "/a/b", false, false, true},
    {MATCH_PATH_PREFIX, "/a", "/ab", false, false, false},
    {MATCH_PATH_PREFIX, "/a", "/", false, false, false},
    {MATCH_PATH_PREFIX, "/a/", "/a", false, false, true},
    {MATCH_PATH_PREFIX, "/a/", "/a/b", false, false, true},
    {MATCH_PATH_PREFIX, "/a/", "/ab", false, false, false},
    {MATCH_PATH_PREFIX, "/", "/", false, false, true},
    {MATCH_PATH_PREFIX, "/", "/x", false, false, true},
    {MATCH_PATH_PREFIX, "/A", "/a/b", true, false, true},
    {MATCH_PATH_PREFIX, "/A", "/a/b", false, false, false},
    {MATCH_PATH_PREFIX, "/a", "/b", false, true, true},
};

static void test_strings(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct string_match m = {r->kind, r->ignore_case, r->invert, slice_from_cstr(r->text),
                                 NULL};
        if (string_match_test(&m, slice_from_cstr(r->value)) != r->want)
            fail_msg("row %zu: \"%s\" against \"%s\"", i, r->text, r->value);
    }
}

/* The engine gives up on this one: neither the match nor its opposite may hold. */
static void test_regex_that_gives_up(void **state)
{
    struct regex *regex;
    char subject[4096];
    memset(subject, 'a', sizeof(subject));
    subject[sizeof(subject) - 1] = 'b';
    assert_int_equal(regex_create(SLICE("(?:a|aa)+[cd]"), false, &regex, NULL), ERR_OK);
    struct string_match m = {.kind = MATCH_REGEX, .regex = regex};
    assert_int_equal(match_string(&m, slice_of(subject, sizeof(subject))), TRUTH_UNKNOWN);
    assert_false(string_match_test(&m, slice_of(subject, sizeof(subject))));
    m.invert = true;
    assert_int_equal(match_string(&m, slice_of(subject, sizeof(subject))), TRUTH_UNKNOWN);
    assert_false(string_match_test(&m, slice_of(subject, sizeof(subject))));
    regex_destroy(regex);
}

static void test_regex_is_whole_and_bytewise(void **state)
{
    struct regex *regex;
    assert_int_equal(regex_create(SLICE("v[0-9]+"), false, &regex, NULL), ERR_OK);
    struct string_match m = {.kind = MATCH_REGEX, .regex = regex};
    assert_true(string_match_test(&m, SLICE("v12")));
    assert_false(string_match_test(&m, SLICE("v12x")));
    assert_false(string_match_test(&m, SLICE("xv12")));
    m.invert = true;
    assert_int_equal(match_string(&m, SLICE("\xff\xfe")), TRUTH_YES);
    regex_destroy(regex);
}

static void add(struct headers *h, const char *name, const char *value)
{
    struct slice n = slice_from_cstr(name);
    headers_add(h, n, slice_from_cstr(value))->id = (uint16_t)header_id_of(n);
}

static struct named_match named(const char *name, enum match_kind kind, const char *text)
{
    struct slice n = slice_from_cstr(name);
    return (struct named_match){
        .name = n,
        .header_id = (uint16_t)header_id_of(n),
        .value = {.kind = kind, .text = slice_from_cstr(text)},
    };
}

static void test_headers(void **state)
{
    struct arena arena;
    struct headers h;
    arena_init(&arena, 1024);
    headers_init(&h, &arena);
    add(&h, "x-role", "user");
    add(&h, "user-agent", "curl/8");
    add(&h, "x-role", "admin");
    struct named_match m = named("x-role", MATCH_EXACT, "admin");
    assert_true(match_header(&m, &h));
    m.value.invert = true;
    assert_false(match_header(&m, &h));
    m = named("x-role", MATCH_EXACT, "root");
    assert_false(match_header(&m, &h));
    m.value.invert = true;
    assert_true(match_header(&m, &h));
    m = named("user-agent", MATCH_PREFIX, "curl/");
    assert_true(match_header(&m, &h));
    m = named("x-absent", MATCH_PRESENT, "");
    assert_false(match_header(&m, &h));
    m.value.invert = true;
    assert_true(match_header(&m, &h));
    arena_dispose(&arena);
}

struct query_row {
    const char *query, *name, *value;
    bool want;
};

static const struct query_row queries[] = {
    {"a=1", "a", "1", true},      {"a=1&b=2", "b", "2", true},
    {"a=1&a=2", "a", "2", false}, /* the first counts */
    {"a=1&a=2", "a", "1", true},  {"a", "a", "", true},
    {"a=", "a", "", true},        {"%61=1", "a", "1", true},
    {"a=%31", "a", "1", true},    {"a=x%20y", "a", "x y", true},
    {"a=x+y", "a", "x+y", true},  {"a=%zz", "a", "%zz", true},
    {"a=%2", "a", "%2", true},    {"a=b=c", "a", "b=c", true},
    {"", "a", "", false},         {"&&a=1", "a", "1", true},
    {"aa=1", "a", "1", false},    {"A=1", "a", "1", false},
};

static void test_query(void **state)
{
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        struct named_match m = named(queries[i].name, MATCH_EXACT, queries[i].value);
        if (match_query(&m, slice_from_cstr(queries[i].query)) != queries[i].want)
            fail_msg("\"%s\": %s=%s", queries[i].query, queries[i].name, queries[i].value);
    }
    struct named_match absent = named("x", MATCH_EXACT, "1");
    absent.value.invert = true;
    assert_true(match_query(&absent, SLICE("a=1")));
    assert_false(match_query(&absent, SLICE("x=1")));
}

static void test_truth_tables(void **state)
{
    assert_int_equal(truth_not(TRUTH_UNKNOWN), TRUTH_UNKNOWN);
    assert_int_equal(truth_not(TRUTH_NO), TRUTH_YES);
    assert_int_equal(truth_and(TRUTH_UNKNOWN, TRUTH_NO), TRUTH_NO);
    assert_int_equal(truth_and(TRUTH_UNKNOWN, TRUTH_YES), TRUTH_UNKNOWN);
    assert_int_equal(truth_or(TRUTH_UNKNOWN, TRUTH_YES), TRUTH_YES);
    assert_int_equal(truth_or(TRUTH_UNKNOWN, TRUTH_NO), TRUTH_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_regex_that_gives_up),
        cmocka_unit_test(test_regex_is_whole_and_bytewise),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_truth_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
