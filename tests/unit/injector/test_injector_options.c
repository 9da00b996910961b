/* Tests of the injector's command line: what each value means, and what is refused because it would
 * mean something else than it says. SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/injector_options.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static int parse(struct injector_options *o, const char *name, const char *value)
{
    const char *argv[] = {"weft-injector", "--cert-file", "/c",  "--key-file", "/k",
                          "--trust-bundle", "/b",         name, value};
    int argc = value ? 9 : name ? 8 : 7;
    return injector_options_parse(o, argc, (char **)(uintptr_t)argv);
}

static void test_values(void **state)
{
    static const struct {
        const char *name, *value;
        int status;
    } rows[] = {
        {NULL, NULL, -1},           {"--health", "off", -1},      {"--health", "0.0.0.0", 2},
        {"--listen", "off", 2},     {"--listen", "0.0.0.0", 2},   {"--listen", "*:15017", -1},
        {"--classic", NULL, -1},    {"--classic=false", NULL, -1}, {"--classic=maybe", NULL, 2},
        {"--classic", "off", 2},    {"--webhooks", "off", -1},    {"--webhooks", "", 2},
        {"--kubeconfig", "no", -1}, {"--trust-bundle", "off", 2}, {"--cert-file", "off", 2},
        {"--image", "", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct injector_options o;
        if (parse(&o, rows[i].name, rows[i].value) != rows[i].status)
            fail_msg("%s %s", rows[i].name, rows[i].value);
        injector_options_dispose(&o);
    }
}

static void test_off(void **state)
{
    struct injector_options o;
    (void)state;
    assert_int_equal(parse(&o, "--webhooks", "off"), -1);
    assert_null(o.webhooks);
    injector_options_dispose(&o);
    assert_int_equal(parse(&o, "--classic=yes", NULL), -1);
    assert_true(o.classic);
    injector_options_dispose(&o);
    assert_int_equal(parse(&o, "--namespace", "off"), -1);
    assert_string_equal(o.namespace_name, "off");
    injector_options_dispose(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
