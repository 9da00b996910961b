/* Tests of command line and environment: which counts more, what pods are told about themselves,
 * and where the configuration comes from. SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/settings.h"

#include <stdlib.h>

#include "tests/unit/sidecar/cmocka_sidecar.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

static int parse(struct settings *s, int argc, const char *const *argv)
{
    const char *whole[16] = {"weft-sidecar"};
    for (int i = 0; i < argc; i++)
        whole[i + 1] = argv[i];
    return settings_parse(s, argc + 1, (char **)(uintptr_t)whole);
}

static int clean(void **state)
{
    static const char *const names[] = {"POD_NAME",        "POD_NAMESPACE", "POD_IP",
                                        "SERVICE_ACCOUNT", "WEFT_POD",      "WEFT_DISCOVERY",
                                        "WEFT_CERTD",      "WEFT_WORKERS"};
    for (int i = 0; i < COUNT(names); i++)
        assert_int_equal(unsetenv(names[i]), 0);
    return 0;
}

static void test_pods_are_told_about_themselves(void **state)
{
    static const char *const argv[] = {"--policy-dir", "/p"};
    struct settings s;
    struct addr ip;
    setenv("POD_NAME", "frontend-1", 1);
    setenv("POD_NAMESPACE", "shop", 1);
    setenv("POD_IP", "10.244.0.7", 1);
    setenv("SERVICE_ACCOUNT", "frontend", 1);
    assert_int_equal(parse(&s, COUNT(argv), argv), -1);
    assert_string_equal(s.workload, "frontend-1");
    assert_string_equal(s.namespace_name, "shop");
    assert_string_equal(s.service_account, "frontend");
    assert_string_equal(s.source_label, "shop/frontend-1");
    assert_int_equal(addr_parse(SLICE("10.244.0.7"), &ip), ERR_OK);
    assert_true(addr_eq(&s.pod_ip, &ip));
    settings_dispose(&s);
}

static void test_what_counts_more(void **state)
{
    static const char *const argv[] = {"--policy-dir", "/p", "--workers=3"};
    struct settings s;
    setenv("POD_NAME", "of-the-pod", 1);
    setenv("WEFT_POD", "of-weft", 1);
    setenv("WEFT_WORKERS", "2", 1);
    assert_int_equal(parse(&s, COUNT(argv), argv), -1);
    assert_string_equal(s.workload, "of-weft");
    assert_int_equal(s.workers, 3);
    settings_dispose(&s);
    static const char *const more[] = {"--policy-dir", "/p", "--pod", "said"};
    assert_int_equal(parse(&s, COUNT(more), more), -1);
    assert_string_equal(s.workload, "said");
    assert_string_equal(s.namespace_name, "default");
    settings_dispose(&s);
}

static void test_discovery(void **state)
{
    struct settings s;
    setenv("WEFT_CERTD", "weft-certd.weft-system.svc:15012", 1);
    setenv("WEFT_DISCOVERY", "weft-policyd.weft-system.svc:15012", 1);
    static const char *const argv[] = {"--trust-bundle", "/ca.crt"};
    assert_int_equal(parse(&s, COUNT(argv), argv), -1);
    assert_string_equal(s.discovery_host, "weft-policyd.weft-system.svc");
    assert_int_equal(s.discovery_port, 15012);
    assert_string_equal(s.control_namespace, "weft-system");
    assert_int_equal(s.discovery_wait_ms, 1000);
    assert_int_equal(s.discovery_idle_ms, 600000);
    settings_dispose(&s);
    static const char *const literal[] = {"--trust-bundle", "/ca.crt", "--discovery", "[::1]:99"};
    assert_int_equal(parse(&s, COUNT(literal), literal), -1);
    assert_string_equal(s.discovery_host, "::1");
    settings_dispose(&s);
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *argv[6];
        int argc;
    } rows[] = {
        {{NULL}, 0},
        {{"--policy-dir", "/p", "--discovery", "x:1", "--cert-file", "c"}, 6},
        {{"--discovery", "policyd", "--certd", "c:1", "--trust-bundle", "b"}, 6},
        {{"--discovery", "policyd:0", "--certd", "c:1", "--trust-bundle", "b"}, 6},
        {{"--discovery", "policyd:15012"}, 2},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct settings s;
        assert_int_equal(parse(&s, rows[i].argc, rows[i].argv), 2);
        settings_dispose(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_pods_are_told_about_themselves, clean),
        cmocka_unit_test_setup(test_what_counts_more, clean),
        cmocka_unit_test_setup(test_discovery, clean),
        cmocka_unit_test_setup(test_mistakes, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
