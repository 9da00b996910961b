/* cases.c: what is rewritten are the cases that were named, and no others. Runs itself with a
 * folder of cases of its own.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/policies/cases.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "tests/unit/lib/io/folder.h"

#define CASE(title, input, output) "### " title "\n" input ">>> word\n" output

static const char *self;
static struct folder dir;

/* ---- the run that is looked at ---- */

static void echo(const struct cases_item *item, struct buf *out)
{
    buf_append_slice(out, item->input);
}

static void test_run(void **state)
{
    cases_run("echo.cases", 1, echo);
}

/* ---- looking ---- */

static int set_up(void **state)
{
    folder_init(&dir);
    folder_make(&dir, "tests");
    folder_make(&dir, "tests/unit");
    folder_make(&dir, "tests/unit/policies");
    folder_make(&dir, "tests/unit/policies/cases");
    return 0;
}

static int tear_down(void **state)
{
    folder_dispose(&dir);
    return 0;
}

/* False: the run failed. */
static bool run(const char *update, const char *text)
{
    char command[800];
    folder_put(&dir, "tests/unit/policies/cases/echo.cases", text);
    snprintf(command, sizeof command, "WEFT_SOURCE=%s %s%s%s %s run >%s/out 2>&1", dir.path,
             update ? "WEFT_CASES_UPDATE='" : "", update ? update : "", update ? "'" : "", self,
             dir.path);
    return system(command) == 0;
}

static bool is_in(const char *file, const char *text)
{
    char *got;
    size_t len;
    assert_int_equal(file_read(folder_at(&dir, file), 1 << 20, &got, &len), ERR_OK);
    bool yes = strstr(got, text) != NULL;
    mem_free(got);
    return yes;
}

static void expect_file(const char *text)
{
    char *got;
    size_t len;
    const char *name = "tests/unit/policies/cases/echo.cases";
    assert_int_equal(file_read(folder_at(&dir, name), 1 << 20, &got, &len), ERR_OK);
    assert_string_equal(got, text);
    mem_free(got);
}

static const char wrong[] = CASE("one way", "a\n", "x\n") CASE("other way", "b\n", "y\n")
    CASE("no change", "c\n", "c\n");

static void test_what_differs_fails(void **state)
{
    assert_true(run(NULL, CASE("one way", "a\n", "a\n")));
    assert_false(run(NULL, wrong));
    expect_file(wrong);
}

static void test_the_case_that_is_named(void **state)
{
    static const char one[] = CASE("one way", "a\n", "a\n") CASE("other way", "b\n", "y\n")
        CASE("no change", "c\n", "c\n");
    static const char *const names[] = {"one way", "one*", "echo: one way", "echo: on? w*"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_false(run(names[i], wrong)); /* nobody takes it for a test that passed */
        expect_file(one);
        assert_true(is_in("out", "case \"one way\""));
        assert_true(is_in("out", "1 cases were rewritten"));
    }
    assert_false(run("one way", CASE("one way", "a\n", "x\n")));
    assert_true(run(NULL, CASE("one way", "a\n", "a\n")));
}

static void test_what_names_no_case(void **state)
{
    static const char *const names[] = {"1",      "yes",    "",    "*",    "**?",
                                        "echo",   "echo:*", "one", "*w*",  "[a-z]*[a-z]*[a-z]*",
                                        "echo: *", "other: one way"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_false(run(names[i], wrong));
        expect_file(wrong);
    }
    assert_false(run("*", CASE("one way", "a\n", "a\n")));
    assert_true(is_in("out", "names no case"));
}

static void test_too_many_at_a_time(void **state)
{
    char text[1000] = "";
    for (int i = 0; i <= CASES_UPDATE_MAX; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), CASE("way %d", "a\n", "x\n"), i);
    assert_false(run("way*", text));
    expect_file(text);
    assert_true(is_in("out", "would rewrite 11 cases"));
    assert_false(run("way ?", text));
    assert_false(is_in("tests/unit/policies/cases/echo.cases", "### way 9\na\n>>> word\nx"));
    assert_true(is_in("tests/unit/policies/cases/echo.cases", "### way 10\na\n>>> word\nx"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest inner[] = {cmocka_unit_test(test_run)};
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_what_differs_fails),
        TEST(test_the_case_that_is_named),
        TEST(test_what_names_no_case),
        TEST(test_too_many_at_a_time),
    };
    self = argv[0];
    if (argc > 1)
        return cmocka_run_group_tests(inner, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
