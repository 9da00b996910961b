/* Tests of a table of options: which of command line, environment and default counts, what each
 * mistake is called, and what the usage text says.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/option_table.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct things {
    char *dir, *pod;
    bool is_quick;
    uint16_t port;
    uint32_t wait_ms;
    uint64_t life_ms;
    unsigned even;
};

static enum err option_even(struct option_run *run, void *field, struct slice text)
{
    uint64_t n;
    if (slice_to_u64(text, &n))
        return ERR_SYNTAX;
    if (n % 2)
        return option_fail(run, "is odd");
    *(unsigned *)field = (unsigned)n;
    return ERR_OK;
}

static const struct option_row rows[] = {
    OPTION(struct things, dir, "the-dir", "DIR", optional, .help = "a folder"),
    OPTION(struct things, pod, "pod", "NAME", name, .environment = "POD_NAME", .fallback = "me",
           .help = "who we are"),
    OPTION(struct things, is_quick, "quick", NULL, switch, .help = "hurry"),
    OPTION(struct things, port, "port", "N", number, .min = 1, .fallback = "80", .help = "a port"),
    OPTION(struct things, wait_ms, "wait", "DURATION", duration, .max = 60000, .help = "a pause"),
    OPTION(struct things, life_ms, "life", "DURATION", duration, .help = "a life", .command = 2),
    OPTION(struct things, even, "even", "N", even, .help = "a number", .command = 1),
};

static const struct option_table table = {
    .program = "prog",
    .usage = "Usage: prog\n",
    .further = "more:\n",
    .rows = rows,
    .count = sizeof rows / sizeof *rows,
};

static struct things got;
static char problem[200];

static enum option_outcome read_as(unsigned command, const char *const *arguments)
{
    char *argv[8] = {(char *)(uintptr_t)"prog"};
    int argc = 1;
    for (; arguments[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)arguments[argc - 1];
    option_table_dispose(&table, &got);
    got = (struct things){0};
    *problem = '\0';
    return option_table_read(&table, &got, command, argc, argv, problem, sizeof problem);
}

#define READ(...) read_as(1, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static int clean(void **state)
{
    static const char *const names[] = {"WEFT_THE_DIR", "WEFT_POD", "POD_NAME", "WEFT_PORT"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    option_table_dispose(&table, &got);
    return 0;
}

static void test_what_counts(void **state)
{
    (void)state;
    assert_int_equal(READ(), OPTION_GO_ON);
    assert_string_equal(got.pod, "me");
    assert_int_equal(got.port, 80);
    assert_null(got.dir);
    setenv("POD_NAME", "pod", 1);
    setenv("WEFT_THE_DIR", "/env", 1);
    setenv("WEFT_PORT", "", 1);
    assert_int_equal(READ(), OPTION_GO_ON);
    assert_string_equal(got.pod, "pod");
    assert_string_equal(got.dir, "/env");
    assert_int_equal(got.port, 80);
    setenv("WEFT_POD", "weft", 1);
    assert_int_equal(READ("--the-dir", "off"), OPTION_GO_ON);
    assert_string_equal(got.pod, "weft");
    assert_null(got.dir);
    assert_int_equal(READ("--pod=said", "--the-dir=/x", "--port", "65535"), OPTION_GO_ON);
    assert_string_equal(got.pod, "said");
    assert_string_equal(got.dir, "/x");
    assert_int_equal(got.port, 65535);
}

static void test_values(void **state)
{
    (void)state;
    assert_int_equal(READ("--quick", "--wait", "1m", "--even=4"), OPTION_GO_ON);
    assert_true(got.is_quick);
    assert_int_equal(got.wait_ms, 60000);
    assert_int_equal(got.even, 4);
    assert_int_equal(READ("--quick=no"), OPTION_GO_ON);
    assert_false(got.is_quick);
    static const char *const life[] = {"--life", "100h", NULL};
    assert_int_equal(read_as(2, life), OPTION_GO_ON);
    assert_int_equal(got.life_ms, 360000000);
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *arguments[4], *problem;
    } cases[] = {
        {{"x"}, "unexpected argument x"},
        {{"--dir", "x"}, "unknown option --dir"},
        {{"--the-di=x"}, "unknown option --the-di=x"},
        {{"--life", "1s"}, "unknown option --life"}, /* of the other command */
        {{"--port"}, "option --port wants a value"},
        {{"--quick", "off"}, "unexpected argument off"},
        {{"--pod="}, "--pod '': "},
        {{"--port=0"}, "--port '0': must be a number from 1 to 65535 (wants N: a port)"},
        {{"--port=65536"}, "--port '65536': must be a number from 1 to 65535"},
        {{"--port=80x"}, "--port '80x': must be a number from 1 to 65535"},
        {{"--wait=61s"}, "--wait '61s': must be from 0ms to 60000ms"},
        {{"--wait=soon"}, "--wait 'soon': "},
        {{"--even=3"}, "--even '3': is odd (wants N: a number)"},
        {{"--quick=maybe"}, "--quick 'maybe': "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (read_as(1, cases[i].arguments) != OPTION_MISTAKE ||
            strncmp(problem, cases[i].problem, strlen(cases[i].problem)) != 0)
            fail_msg("%s: \"%s\"", cases[i].arguments[0], problem);
    setenv("WEFT_PORT", "many", 1);
    assert_int_equal(READ(), OPTION_MISTAKE);
    assert_non_null(strstr(problem, "environment, WEFT_PORT: port 'many': must be a number"));
}

static int parse_into(char out[2000], char err[2000], const char *argument)
{
    char *argv[] = {(char *)(uintptr_t)"prog", (char *)(uintptr_t)argument};
    FILE *real_out = stdout, *real_err = stderr;
    out[0] = err[0] = '\0';
    stdout = fmemopen(out, 2000, "w");
    stderr = fmemopen(err, 2000, "w");
    int status = option_table_parse(&table, &got, 1, 2, argv);
    fclose(stdout);
    fclose(stderr);
    stdout = real_out;
    stderr = real_err;
    return status;
}

static void expect(const char *argument, int status, const char *out, const char *err)
{
    static char said[2000], complained[2000];
    assert_int_equal(parse_into(said, complained, argument), status);
    assert_string_equal(said, out);
    assert_string_equal(complained, err);
}

static void test_programs(void **state)
{
    (void)state;
    expect("--quick", -1, "", "");
    expect("--version", 0, "prog " WEFT_VERSION "\n", "");
    expect("--x", 2, "", "prog: unknown option --x; see --help\n");
    expect("--help", 0,
           "Usage: prog\n\n"
           "Every option can also be given in the environment: --some-name as "
           "WEFT_SOME_NAME.\n\n"
           "  --the-dir DIR\n        a folder\n"
           "  --pod NAME\n        who we are [$POD_NAME] [me]\n"
           "  --quick\n        hurry\n"
           "  --port N\n        a port [80]\n"
           "  --wait DURATION\n        a pause\n"
           "  --even N\n        a number\n"
           "\nmore:\n"
           "  --the-dir DIR\n        a folder\n"
           "  --pod NAME\n        who we are [$POD_NAME] [me]\n"
           "  --quick\n        hurry\n"
           "  --port N\n        a port [80]\n"
           "  --wait DURATION\n        a pause\n"
           "  --life DURATION\n        a life\n",
           "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_counts, clean, clean),
        cmocka_unit_test_setup_teardown(test_values, clean, clean),
        cmocka_unit_test_setup_teardown(test_mistakes, clean, clean),
        cmocka_unit_test_setup_teardown(test_programs, clean, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
