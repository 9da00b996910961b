/* regex.c: whole matches over bytes, bounded; what PCRE2 offers beyond that stays closed.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "lib/codec/text/regex.h"

static enum regex_result match(const char *pattern, struct slice subject)
{
    struct regex *r;
    assert_int_equal(regex_create(slice_from_cstr(pattern), false, &r, NULL), ERR_OK);
    enum regex_result result = regex_match(r, subject);
    regex_destroy(r);
    return result;
}

static void test_whole_value(void **state)
{
    assert_int_equal(match("a+", SLICE("aaa")), REGEX_YES);
    assert_int_equal(match("a+", SLICE("aab")), REGEX_NO);
    assert_int_equal(match("a+", SLICE("baa")), REGEX_NO);
    assert_int_equal(match("a|ab", SLICE("ab")), REGEX_YES);
    assert_int_equal(match("^a$", SLICE("a")), REGEX_YES);
    assert_int_equal(match("a$", SLICE("a\n")), REGEX_NO);
    assert_int_equal(match("", SLICE("")), REGEX_YES);
    assert_int_equal(match("", SLICE("a")), REGEX_NO);
    assert_int_equal(match(".*", (struct slice){NULL, 0}), REGEX_YES);
    assert_int_equal(match("(a)(b)(c)(d)", SLICE("abcd")), REGEX_YES);
}

static void test_bytes(void **state)
{
    assert_int_equal(match(".", SLICE("\xff")), REGEX_YES);
    assert_int_equal(match("[^a]*", SLICE("\xff\x00\xfe")), REGEX_YES);
    assert_int_equal(match("\\xc3\\xa9", SLICE("\xc3\xa9")), REGEX_YES);
    assert_int_equal(match(".", SLICE("\xc3\xa9")), REGEX_NO);
}

static void test_case(void **state)
{
    struct regex *r;
    assert_int_equal(regex_create(SLICE("ab"), true, &r, NULL), ERR_OK);
    assert_int_equal(regex_match(r, SLICE("AB")), REGEX_YES);
    regex_destroy(r);
    assert_int_equal(match("ab", SLICE("AB")), REGEX_NO);
}

/* Nothing of these may count as yes or no. */
static void test_bounds(void **state)
{
    char many[4096];
    memset(many, 'a', sizeof many);
    assert_int_equal(match("(a+)+[b-z]", slice_of(many, 64)), REGEX_ERROR);
    assert_int_equal(match("(a|aa)+[b-z]", slice_of(many, 128)), REGEX_ERROR);
    assert_int_equal(match("(?:a?){200}a{200}[b-z]", slice_of(many, 300)), REGEX_ERROR);
    assert_int_equal(match("(a(?R)?[b-z])", slice_of(many, sizeof many)), REGEX_ERROR);
    assert_int_equal(match("a*", slice_of(many, sizeof many)), REGEX_YES);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *pattern;
        enum err why;
    } bad[] = {
        {"(", ERR_SYNTAX},        {"a**b(", ERR_SYNTAX},     {"[z-a]", ERR_SYNTAX},
        {"(*UTF)a", ERR_SYNTAX},  {"(*UCP)\\w", ERR_SYNTAX}, {"\\Ca", ERR_SYNTAX},
        {"a{99999}", ERR_SYNTAX}, {"\\", ERR_SYNTAX},        {"(?<n>a)(?<n>b)", ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct regex *r;
        struct regex_fault fault = {0, ""};
        if (regex_create(slice_from_cstr(bad[i].pattern), false, &r, &fault) != bad[i].why)
            fail_msg("%s was accepted", bad[i].pattern);
        assert_null(r);
        assert_true(fault.text[0] != '\0');
    }
}

static void test_too_long_or_deep(void **state)
{
    char pattern[REGEX_PATTERN_MAX + 2];
    struct regex *r;
    struct regex_fault fault;
    memset(pattern, 'a', sizeof pattern);
    assert_int_equal(regex_create(slice_of(pattern, REGEX_PATTERN_MAX), false, &r, &fault), ERR_OK);
    regex_destroy(r);
    assert_int_equal(regex_create(slice_of(pattern, REGEX_PATTERN_MAX + 1), false, &r, &fault),
                     ERR_LIMIT);
    memset(pattern, '(', 200);
    memset(pattern + 200, ')', 200);
    assert_int_equal(regex_create(slice_of(pattern, 400), false, &r, &fault), ERR_SYNTAX);
}

static void test_offset_of_the_fault(void **state)
{
    struct regex *r;
    struct regex_fault fault;
    assert_int_equal(regex_create(SLICE("ab[c"), false, &r, &fault), ERR_SYNTAX);
    assert_int_equal(fault.offset, 4);
}

static void *match_often(void *shared)
{
    for (int i = 0; i < 1000; i++) {
        if (regex_match(shared, SLICE("/api/v12/items")) != REGEX_YES ||
            regex_match(shared, SLICE("/api/vx/items")) != REGEX_NO)
            return shared;
    }
    return NULL;
}

static void test_shared_by_threads(void **state)
{
    struct regex *r;
    pthread_t threads[4];
    assert_int_equal(regex_create(SLICE("/api/v([0-9]+)/.*"), false, &r, NULL), ERR_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_often, r), 0);
    for (size_t i = 0; i < 4; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    regex_destroy(r);
    regex_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_value),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_case),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_too_long_or_deep),
        cmocka_unit_test(test_offset_of_the_fault),
        cmocka_unit_test(test_shared_by_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
