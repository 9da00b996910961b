/* Tests of what values of options mean, word by word. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/option_value.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/base/cmocka_base.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_switches(void **state)
{
    static const struct {
        const char *text;
        int means; /* -1: nothing */
    } rows[] = {{"on", 1},   {"true", 1}, {"yes", 1}, {"off", 0}, {"false", 0}, {"no", 0},
                {"", -1},    {"On", -1},  {"1", -1},  {"0", -1},  {"none", -1}, {"offf", -1}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool out = rows[i].means != 1;
        enum err e = option_value_switch(slice_from_cstr(rows[i].text), &out);
        assert_int_equal(e == ERR_OK, rows[i].means >= 0);
        if (rows[i].means >= 0)
            assert_int_equal(out, rows[i].means);
    }
}

static void test_listeners(void **state)
{
    static const struct {
        const char *text;
        bool listener, open, endpoint, ip;
    } rows[] = {
        {"off", true, false, false, false},
        {"no", true, false, false, false},
        {"127.0.0.1:80", true, true, true, false},
        {"[::1]:80", true, true, true, false},
        {"127.0.0.1:0", true, true, false, false},
        {"[::]:0", true, true, false, false},
        /* Without a port it would be one that nobody knows. */
        {"127.0.0.1", false, false, false, true},
        {"::1", false, false, false, true},
        {"::1:0", false, false, false, true},
        {"[::1]", false, false, false, true},
        {"*:80", true, true, false, false},
        {"*:", false, false, false, false},
        {"*:65536", false, false, false, false},
        {"*", false, false, false, false},
        {"", false, false, false, false},
        {"localhost:80", false, false, false, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice text = slice_from_cstr(rows[i].text);
        struct addr a = {.family = 9};
        if ((option_value_listener(text, &a) == ERR_OK) != rows[i].listener ||
            (option_value_open_listener(text, &a) == ERR_OK) != rows[i].open ||
            (option_value_endpoint(text, &a) == ERR_OK) != rows[i].endpoint ||
            (option_value_ip(text, false, &a) == ERR_OK) != rows[i].ip)
            fail_msg("\"%s\"", rows[i].text);
    }
}

static void test_what_listeners_say(void **state)
{
    struct addr a = {.family = 9};
    (void)state;
    assert_int_equal(option_value_listener(SLICE("off"), &a), ERR_OK);
    assert_int_equal(a.family, 0);
    assert_int_equal(option_value_listener(SLICE("*:15001"), &a), ERR_OK);
    assert_true(addr_is_any(&a) && a.port == 15001);
    assert_int_equal(option_value_ip(SLICE("*"), true, &a), ERR_OK);
    assert_true(addr_is_any(&a) && a.port == 0);
    /* What is refused leaves no trace. */
    assert_int_equal(option_value_ip(SLICE("10.0.0.1:80"), true, &a), ERR_SYNTAX);
    assert_true(addr_is_any(&a));
}

static void test_texts(void **state)
{
    char *text = NULL;
    (void)state;
    assert_int_equal(option_value_name(SLICE("off"), &text), ERR_OK);
    assert_string_equal(text, "off");
    assert_int_equal(option_value_name(SLICE(""), &text), ERR_INVALID);
    assert_string_equal(text, "off");
    assert_int_equal(option_value_optional(SLICE("off"), &text), ERR_OK);
    assert_null(text);
    assert_int_equal(option_value_optional(SLICE("./off"), &text), ERR_OK);
    assert_string_equal(text, "./off");
    assert_int_equal(option_value_optional(SLICE(""), &text), ERR_INVALID);
    mem_free(text);
}

static void test_environment(void **state)
{
    (void)state;
    setenv("WEFT_TEST_VALUE", "", 1);
    assert_null(option_value_environment("WEFT_TEST_VALUE"));
    setenv("WEFT_TEST_VALUE", "x", 1);
    assert_string_equal(option_value_environment("WEFT_TEST_VALUE"), "x");
    unsetenv("WEFT_TEST_VALUE");
    assert_null(option_value_environment("WEFT_TEST_VALUE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_switches), cmocka_unit_test(test_listeners),
        cmocka_unit_test(test_what_listeners_say), cmocka_unit_test(test_texts),
        cmocka_unit_test(test_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
