/* Tests of policyd's command line: what each value means, and what is refused because it would mean
 * something else than it says. SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/policyd_options.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

static int parse(struct policyd_options *o, const char *name, const char *value)
{
    const char *argv[] = {"weft-policyd", "--cert-file", "/c",  "--key-file", "/k",
                          "--trust-bundle", "/b",        name, value};
    int argc = value ? 9 : name ? 8 : 7;
    return policyd_options_parse(o, argc, (char **)(uintptr_t)argv);
}

static void test_values(void **state)
{
    static const struct {
        const char *name, *value;
        int status;
    } rows[] = {
        {NULL, NULL, -1},           {"--health", "off", -1},      {"--health", "15014", 2},
        {"--health", "0.0.0.0", 2}, {"--listen", "off", 2},       {"--listen", "*:15012", -1},
        {"--gateways", "off", -1},  {"--gateways", "false", -1},  {"--gateways", "yes", -1},
        {"--gateways", "", 2},      {"--gateways", "none", 2},    {"--policies", "off", -1},
        {"--policies", "", 2},      {"--trust-bundle", "off", 2}, {"--cert-file", "off", 2},
        {"--key-file", "off", 2},   {"--image", "", 2},           {"--certd", "off", -1},
        {"--certd", "ca:15012", 2},   {"--streams-per-peer", "0", -1},
        {"--streams-per-peer", "1000000", -1}, {"--streams-per-peer", "1000001", 2},
        {"--streams-per-peer", "off", 2},      {"--streams-per-peer", "-1", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct policyd_options o;
        if (parse(&o, rows[i].name, rows[i].value) != rows[i].status)
            fail_msg("%s %s", rows[i].name, rows[i].value);
        policyd_options_dispose(&o);
    }
}

static void test_switch(void **state)
{
    static const char *const words[][2] = {{"on", "off"}, {"true", "false"}, {"yes", "no"}};
    struct policyd_options o;
    (void)state;
    for (int i = 0; i < 3; i++)
        for (int off = 0; off < 2; off++) {
            assert_int_equal(parse(&o, "--gateways", words[i][off]), -1);
            assert_int_equal(o.keeps_gateways, !off);
            policyd_options_dispose(&o);
        }
}

/* An empty variable is none. */
static void test_environment(void **state)
{
    struct policyd_options o;
    (void)state;
    setenv("POD_NAMESPACE", "", 1);
    assert_int_equal(parse(&o, NULL, NULL), -1);
    assert_string_equal(o.namespace_name, "weft-system");
    policyd_options_dispose(&o);
    setenv("POD_NAMESPACE", "mesh", 1);
    assert_int_equal(parse(&o, NULL, NULL), -1);
    assert_string_equal(o.namespace_name, "mesh");
    policyd_options_dispose(&o);
    assert_int_equal(parse(&o, "--namespace", "off"), -1);
    assert_string_equal(o.namespace_name, "off");
    policyd_options_dispose(&o);
    unsetenv("POD_NAMESPACE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_switch),
        cmocka_unit_test(test_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
