/* Tests of command line and environment: which counts more, what pods are told about themselves,
 * and where the configuration comes from. SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/settings.h"

#include <stdlib.h>
#include <string.h>

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
        const char *argv[8];
        int argc;
    } rows[] = {
        {{NULL}, 0},
        {{"--policy-dir", "/p", "--mode", "ingress"}, 4},
        {{"--policy-dir", "/p", "--certd", "c:1"}, 4},
        {{"--policy-dir", "/p", "--cert-file", "c", "--trust-bundle", "b"}, 6},
        {{"--policy-dir", "/p", "--key-file", "k", "--trust-bundle", "b"}, 6},
        {{"--policy-dir", "/p", "--cert-file", "c", "--key-file", "k"}, 6},
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

/* What only goes together, together. */
static void test_no_mistakes(void **state)
{
    static const struct {
        const char *argv[8];
        int argc;
    } rows[] = {
        {{"--policy-dir", "/p", "--mode", "ingress", "--gateway", "g"}, 6},
        {{"--policy-dir", "/p", "--certd", "c:1", "--trust-bundle", "b"}, 6},
        {{"--policy-dir", "/p", "--cert-file", "c", "--key-file", "k", "--trust-bundle", "b"}, 8},
        {{"--discovery", "p:1", "--cert-file", "c", "--key-file", "k", "--trust-bundle", "b"}, 8},
        {{"--discovery", "policyd:15012", "--certd", "c:1", "--trust-bundle", "b"}, 6},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct settings s;
        assert_int_equal(parse(&s, rows[i].argc, rows[i].argv), -1);
        settings_dispose(&s);
    }
}

/* Of each listener: the default, an address, and off, however it is said. */
static void test_listeners(void **state)
{
    static const struct {
        const char *name, *variable;
        size_t offset;
        int port; /* of the default */
    } options[] = {
        {"--outbound", "WEFT_OUTBOUND", offsetof(struct settings, outbound), 15001},
        {"--inbound", "WEFT_INBOUND", offsetof(struct settings, inbound), 15006},
        {"--admin", "WEFT_ADMIN", offsetof(struct settings, admin), 15000},
        {"--metrics", "WEFT_METRICS", offsetof(struct settings, metrics), 15020},
        {"--health", "WEFT_HEALTH", offsetof(struct settings, health), 15021},
    };
    static const struct {
        const char *argument, *environment; /* NULL: not given */
        int port;                           /* -1: the default's; 0: off */
    } cases[] = {
        {NULL, NULL, -1},           {"off", NULL, 0},           {NULL, "off", 0},
        {"false", NULL, 0},         {NULL, "", -1},             {"off", "127.0.0.1:7", 0},
        {"127.0.0.1:8", "off", 8},  {NULL, "127.0.0.1:7", 7},   {"*:9", "off", 9},
    };
    for (int i = 0; i < COUNT(options); i++)
        for (int j = 0; j < COUNT(cases); j++) {
            const char *argv[] = {"--policy-dir", "/p", options[i].name, cases[j].argument};
            struct settings s;
            clean(NULL);
            unsetenv(options[i].variable);
            if (cases[j].environment)
                setenv(options[i].variable, cases[j].environment, 1);
            assert_int_equal(parse(&s, cases[j].argument ? 4 : 2, argv), -1);
            const struct addr *a = (const void *)((char *)&s + options[i].offset);
            int want = cases[j].port < 0 ? options[i].port : cases[j].port;
            if (a->port != want || (a->family == 0) != (want == 0))
                fail_msg("%s %s, environment %s: port %u", options[i].name, cases[j].argument,
                         cases[j].environment, a->port);
            settings_dispose(&s);
            unsetenv(options[i].variable);
        }
}

/* Values that would mean something else than they say. */
static void test_values_that_mean_nothing(void **state)
{
    static const char *const rows[][2] = {
        {"--outbound", "10.0.0.1"},      {"--inbound", ""},           {"--admin", "15000"},
        {"--health", "localhost:15021"}, {"--gateway-bind", "off"},   {"--gateway-bind", "*:80"},
        {"--pod-ip", "off"},             {"--pod-ip", "10.0.0.1:80"}, {"--inbound-forward", "::1"},
        {"--namespace", ""},             {"--last-good", ""},         {"--workers", "off"},
        {"--drain-time", "off"},         {"--access-log", "maybe"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        const char *argv[] = {"--policy-dir", "/p", rows[i][0], rows[i][1]};
        struct settings s;
        if (parse(&s, 4, argv) != 2)
            fail_msg("%s \"%s\" is accepted", rows[i][0], rows[i][1]);
        settings_dispose(&s);
    }
}

/* What is no setting of a data plane: help and the version end it well, mistakes do not. */
static void test_other_arguments(void **state)
{
    static const struct {
        const char *argument, *next;
        int status;
    } rows[] = {
        {"--help", NULL, 0},         {"-h", NULL, 0},           {"--version", NULL, 0},
        {"--no-such", "x", 2},       {"workers", "3", 2},       {"--workers", NULL, 2},
        {"--worker", "3", 2},        {"--workersx", "3", 2},    {"-workers", "3", 2},
        {"--workers=3", NULL, -1},   {"--workers=", NULL, 2},   {"--workers", "3", -1},
        {"--policy-dir=/q", NULL, -1},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        const char *argv[] = {"--policy-dir", "/p", rows[i].argument, rows[i].next};
        struct settings s;
        if (parse(&s, rows[i].next ? 4 : 3, argv) != rows[i].status)
            fail_msg("%s %s", rows[i].argument, rows[i].next);
        settings_dispose(&s);
    }
}

/* The largest numbers that there are, and the next. */
static void test_limits(void **state)
{
    static const struct {
        const char *name, *value;
        int64_t want; /* -1: refused */
        size_t offset, size;
    } rows[] = {
#define FIELD(f) offsetof(struct settings, f), sizeof(((struct settings *)0)->f)
        {"--workers", "1", 1, FIELD(workers)},
        {"--workers", "256", 256, FIELD(workers)},
        {"--workers", "257", -1, FIELD(workers)},
        {"--gateway-port-offset", "65535", 65535, FIELD(gateway_port_offset)},
        {"--gateway-port-offset", "65536", -1, FIELD(gateway_port_offset)},
        {"--drain-time", "4294967295ms", 4294967295, FIELD(drain_ms)},
        {"--drain-time", "4294967296ms", -1, FIELD(drain_ms)},
        {"--silence", "0s", 0, FIELD(silence_ms)},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        const char *argv[] = {"--policy-dir", "/p", rows[i].name, rows[i].value};
        struct settings s;
        int status = parse(&s, 4, argv);
        if (status != (rows[i].want < 0 ? 2 : -1))
            fail_msg("%s %s: %d", rows[i].name, rows[i].value, status);
        uint32_t got = 0;
        memcpy(&got, (const char *)&s + rows[i].offset, rows[i].size);
        if (rows[i].want >= 0)
            assert_int_equal(got, rows[i].want);
        settings_dispose(&s);
    }
}

static void test_access_log(void **state)
{
    static const struct {
        const char *value;
        int which, form; /* which -1: refused */
    } rows[] = {
        {NULL, ACCESS_LOG_AS_MESH, ACCESS_LOG_FORM_AS_MESH},
        {"off", ACCESS_LOG_SAID_OFF, ACCESS_LOG_FORM_AS_MESH},
        {"no", ACCESS_LOG_SAID_OFF, ACCESS_LOG_FORM_AS_MESH},
        {"on", ACCESS_LOG_SAID_ALL, ACCESS_LOG_FORM_AS_MESH},
        {"errors", ACCESS_LOG_SAID_ERRORS, ACCESS_LOG_FORM_AS_MESH},
        {"text", ACCESS_LOG_SAID_ALL, ACCESS_LOG_FORM_TEXT},
        {"json", ACCESS_LOG_SAID_ALL, ACCESS_LOG_FORM_JSON},
        {"errors,json", ACCESS_LOG_SAID_ERRORS, ACCESS_LOG_FORM_JSON},
        {"all,text", ACCESS_LOG_SAID_ALL, ACCESS_LOG_FORM_TEXT},
        {"json,all", -1, 0},
        {"all,", -1, 0},
        {"all,xml", -1, 0},
        {"text,json", -1, 0},
        {"", -1, 0},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        const char *argv[] = {"--policy-dir", "/p", "--access-log", rows[i].value};
        struct settings s;
        int status = parse(&s, rows[i].value ? 4 : 2, argv);
        if (status != (rows[i].which < 0 ? 2 : -1))
            fail_msg("--access-log %s", rows[i].value);
        if (rows[i].which >= 0)
            assert_true((int)s.access_log == rows[i].which &&
                        (int)s.access_log_form == rows[i].form);
        settings_dispose(&s);
    }
}

/* A file or server that the environment names can be taken back. */
static void test_off_is_as_if_not_given(void **state)
{
    static const char *const argv[] = {"--policy-dir", "/p", "--certd", "off", "--last-good", "no"};
    struct settings s;
    setenv("WEFT_CERTD", "weft-certd.weft-system.svc:15012", 1);
    setenv("WEFT_LAST_GOOD", "/state/last", 1);
    assert_int_equal(parse(&s, COUNT(argv), argv), -1);
    assert_null(s.certd_address);
    assert_null(s.last_good_file);
    settings_dispose(&s);
    unsetenv("WEFT_LAST_GOOD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_pods_are_told_about_themselves, clean),
        cmocka_unit_test_setup(test_what_counts_more, clean),
        cmocka_unit_test_setup(test_discovery, clean),
        cmocka_unit_test_setup(test_mistakes, clean),
        cmocka_unit_test_setup(test_no_mistakes, clean),
        cmocka_unit_test_setup(test_listeners, clean),
        cmocka_unit_test_setup(test_values_that_mean_nothing, clean),
        cmocka_unit_test_setup(test_other_arguments, clean),
        cmocka_unit_test_setup(test_limits, clean),
        cmocka_unit_test_setup(test_access_log, clean),
        cmocka_unit_test_setup(test_off_is_as_if_not_given, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
