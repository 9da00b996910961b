/* Tests of certd's command line: what each value means, and what is refused because it would mean
 * something else than it says. SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/options.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static int parse(struct options *o, const char *name, const char *value)
{
    const char *argv[] = {"weft-certd", "--state", "/s", name, value};
    int argc = value ? 5 : name ? 4 : 3;
    return options_parse(o, argc, (char **)(uintptr_t)argv);
}

static void test_values(void **state)
{
    static const struct {
        const char *name, *value;
        int status;
    } rows[] = {
        {NULL, NULL, -1},
        {"--health", "off", -1},
        {"--health", "no", -1},
        {"--health", "127.0.0.1:15014", -1},
        {"--health", "127.0.0.1", 2},
        {"--listen", "*:15012", -1},
        {"--listen", "off", 2},
        {"--listen", "0.0.0.0", 2},
        {"--match-pod-address", NULL, -1},
        {"--match-pod-address=on", NULL, -1},
        {"--match-pod-address=true", NULL, -1},
        {"--match-pod-address=false", NULL, -1},
        {"--match-pod-address=maybe", NULL, 2},
        {"--match-pod-address=", NULL, 2},
        {"--match-pod-address", "off", 2},
        {"--bundle-out", "off", -1},
        {"--bundle-out", "", 2},
        {"--state", "off", 2},
        {"--leaf-ttl", "off", 2},
        {"--rate", "0", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct options o;
        if (parse(&o, rows[i].name, rows[i].value) != rows[i].status)
            fail_msg("%s %s", rows[i].name, rows[i].value);
        options_dispose(&o);
    }
}

static void test_switches(void **state)
{
    static const struct {
        const char *argument;
        bool want;
    } rows[] = {{"--match-pod-address", true},       {"--match-pod-address=yes", true},
                {"--match-pod-address=off", false},  {"--match-pod-address=no", false},
                {"--match-pod-address=false", false}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct options o;
        assert_int_equal(parse(&o, rows[i].argument, NULL), -1);
        assert_int_equal(o.match_pod_address, rows[i].want);
        options_dispose(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_switches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
