/* Tests of rewritten probes: they keep their meaning, and only those are touched that can be led to
 * the sidecar.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "lib/codec/doc/doc_json.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/inject/pod_text.h"

/* One container "app" with these fields; what the sidecar is told of it, as JSON. */
static const char *told(struct pod_text *p, const char *fields)
{
    char yaml[1000];
    snprintf(yaml, sizeof(yaml), "{spec: {containers: [{name: app, %s}]}}", fields);
    pod_text_inject(p, &pod_text_config, yaml);
    assert_int_equal(p->result.verdict, INJECT_PATCHED);
    const struct doc *env = doc_find(p->after, "spec.initContainers[1].env[4]");
    if (!slice_eq(doc_string(doc_get(env, SLICE("name"))), SLICE("WEFT_APP_PROBES")))
        return "";
    const struct doc *parsed;
    struct doc_error error;
    assert_int_equal(
        doc_json_parse(doc_string(doc_get(env, SLICE("value"))), &p->arena, &parsed, &error),
        ERR_OK);
    return pod_text_json(&p->arena, parsed);
}

static void test_http(void **state)
{
    struct pod_text p;
    const char *json = told(&p, "ports: [{name: web, containerPort: 8080}], livenessProbe: "
                                "{httpGet: {path: \"/live?a=b\", port: web, scheme: HTTPS, "
                                "httpHeaders: [{name: X, value: y}]}, timeoutSeconds: 3, "
                                "periodSeconds: 7, failureThreshold: 2}");
    assert_string_equal(json, "{\"app/livez\":{\"httpGet\":{\"path\":\"/live?a=b\",\"port\":8080,"
                              "\"scheme\":\"HTTPS\",\"httpHeaders\":[{\"name\":\"X\",\"value\":"
                              "\"y\"}]},\"timeoutSeconds\":3}}");
    assert_string_equal(pod_text_at(&p, "spec.containers[0].livenessProbe"),
                        "{\"timeoutSeconds\":3,\"periodSeconds\":7,\"failureThreshold\":2,"
                        "\"httpGet\":{\"path\":\"/app-health/app/livez\",\"port\":15021,"
                        "\"scheme\":\"HTTP\"}}");
    pod_text_dispose(&p);
}

static void test_tcp_and_grpc(void **state)
{
    struct pod_text p;
    assert_string_equal(
        told(&p, "readinessProbe: {tcpSocket: {port: 5432}}, startupProbe: {grpc: {port: 9000, "
                 "service: x}}"),
        "{\"app/readyz\":{\"tcpSocket\":{\"port\":5432}},\"app/startupz\":{\"grpc\":{\"port\":9000,"
        "\"service\":\"x\"}}}");
    assert_string_equal(pod_text_at(&p, "spec.containers[0].readinessProbe.tcpSocket"), "");
    assert_string_equal(pod_text_at(&p, "spec.containers[0].startupProbe.grpc"), "");
    assert_string_equal(pod_text_at(&p, "spec.containers[0].startupProbe.httpGet.path"),
                        "\"/app-health/app/startupz\"");
    pod_text_dispose(&p);
}

static void test_left_alone(void **state)
{
    static const char *const fields[] = {
        "livenessProbe: {exec: {command: [x]}}",
        "livenessProbe: {httpGet: {port: 15021, path: /x}}",
        "livenessProbe: {}",
        "livenessProbe: ",
        "livenessProbe: 7",
        "livenessProbe: {httpGet: [1]}",
        "image: a",
        /* What names a host is not for this pod. */
        "livenessProbe: {httpGet: {port: 80, path: /x, host: example.org}}",
        "readinessProbe: {tcpSocket: {port: 80, host: 10.0.0.1}}",
        "lifecycle: {preStop: {httpGet: {port: 80, host: 127.0.0.1}}}",
        /* Hooks that open no connection. */
        "lifecycle: {preStop: {exec: {command: [x]}}, postStart: {sleep: {seconds: 3}}}",
        "lifecycle: {preStop: {tcpSocket: {port: 80}}}",
        "lifecycle: {}",
        "lifecycle: [1]",
        "lifecycle: {preStop: 7}",
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct pod_text p;
        assert_string_equal(told(&p, fields[i]), "");
        const struct doc *before = doc_find(p.before, "spec.containers[0]");
        assert_string_equal(pod_text_at(&p, "spec.containers[0]"), pod_text_json(&p.arena, before));
        assert_int_equal(p.result.warning_count, 0);
        pod_text_dispose(&p);
    }
}

static void test_ports_that_are_not_to_be_found(void **state)
{
    static const char *const ports[] = {"nowhere", "0", "70000", "-1", "\"\"", "{}"};
    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        struct pod_text p;
        char field[100];
        snprintf(field, sizeof(field), "livenessProbe: {tcpSocket: {port: %s}}", ports[i]);
        assert_string_equal(told(&p, field), "");
        assert_int_equal(p.result.warning_count, 1);
        assert_non_null(strstr(p.result.warnings[0].ptr, "port of its livenessProbe"));
        pod_text_dispose(&p);
    }
}

static void test_switched_off(void **state)
{
    struct pod_text p;
    pod_text_inject(&p, &pod_text_config,
                    "{metadata: {annotations: {weft.dev/rewrite-probes: \"false\"}}, spec: "
                    "{containers: [{name: app, livenessProbe: {tcpSocket: {port: 80}}}]}}");
    assert_string_equal(pod_text_at(&p, "spec.containers[0].livenessProbe.tcpSocket.port"), "80");
    pod_text_dispose(&p);
}

/* Init containers that go on running have probes as well. */
static void test_native_sidecars_of_others(void **state)
{
    struct pod_text p;
    pod_text_inject(
        &p, &pod_text_config,
        "{spec: {initContainers: [{name: one, image: i}, {name: db, restartPolicy: "
        "Always, startupProbe: {tcpSocket: {port: 5432}}}], containers: [{name: app}]}}");
    assert_string_equal(pod_text_at(&p, "spec.initContainers[3].startupProbe.httpGet.path"),
                        "\"/app-health/db/startupz\"");
    pod_text_dispose(&p);
}

#define KEY "0123456789abcdef0123456789abcdef"

static const char *told_with_key(struct pod_text *p, const char *fields)
{
    struct inject_config config = pod_text_config;
    const struct doc *parsed;
    struct doc_error error;
    config.hook_key = SLICE(KEY);
    pod_text_inject(p, &config, fields);
    assert_int_equal(p->result.verdict, INJECT_PATCHED);
    const struct doc *env = doc_find(p->after, "spec.initContainers[1].env[4].value");
    assert_int_equal(doc_json_parse(doc_string(env), &p->arena, &parsed, &error), ERR_OK);
    return pod_text_json(&p->arena, parsed);
}

/* The kubelet would take the refusal of STRICT for a success. */
static void test_hooks(void **state)
{
    struct pod_text p;
    const char *json =
        told_with_key(&p, "{spec: {terminationGracePeriodSeconds: 50, containers: [{name: app, "
                          "ports: [{name: web, containerPort: 8080}], lifecycle: {postStart: "
                          "{httpGet: {path: /up, port: web, scheme: HTTPS, httpHeaders: [{name: X, "
                          "value: y}]}}, preStop: {httpGet: {path: /down, port: 81}}}}]}}");
    assert_string_equal(
        json, "{\"" KEY "/app/poststart\":{\"httpGet\":{\"path\":\"/up\",\"port\":8080,"
              "\"scheme\":\"HTTPS\",\"httpHeaders\":[{\"name\":\"X\",\"value\":\"y\"}]},"
              "\"timeoutSeconds\":86400},\"" KEY "/app/prestop\":{\"httpGet\":{\"path\":"
              "\"/down\",\"port\":81},\"timeoutSeconds\":51}}");
    assert_string_equal(pod_text_at(&p, "spec.containers[0].lifecycle"),
                        "{\"postStart\":{\"httpGet\":{\"path\":\"/app-lifecycle/" KEY
                        "/app/poststart\",\"port\":15021,\"scheme\":\"HTTP\"}},\"preStop\":"
                        "{\"httpGet\":{\"path\":\"/app-lifecycle/" KEY
                        "/app/prestop\",\"port\":15021,\"scheme\":\"HTTP\"}}}");
    pod_text_dispose(&p);
    json = told_with_key(&p, "{spec: {initContainers: [{name: db, restartPolicy: Always, "
                             "lifecycle: {preStop: {httpGet: {port: 1}}}}], containers: [{name: "
                             "a}]}}");
    assert_string_equal(json, "{\"" KEY "/db/prestop\":{\"httpGet\":{\"port\":1},"
                              "\"timeoutSeconds\":31}}");
    pod_text_dispose(&p);
}

/* Without a key: the same file gives the same, and another one something else. */
static void test_hooks_of_a_file(void **state)
{
#define HOOK(port) \
    "{spec: {containers: [{name: a, lifecycle: {preStop: {httpGet: {port: " port "}}}}]}}"
    static const char at[] = "spec.containers[0].lifecycle.preStop.httpGet.path";
    struct pod_text a, b, c;
    pod_text_inject(&a, &pod_text_config, HOOK("80"));
    pod_text_inject(&b, &pod_text_config, HOOK("80"));
    pod_text_inject(&c, &pod_text_config, HOOK("81"));
    assert_string_equal(pod_text_at(&a, at), pod_text_at(&b, at));
    assert_string_not_equal(pod_text_at(&a, at), pod_text_at(&c, at));
    assert_int_equal(strlen(pod_text_at(&a, at)),
                     strlen("\"/app-lifecycle/" KEY "/a/prestop\""));
    pod_text_dispose(&a);
    pod_text_dispose(&b);
    pod_text_dispose(&c);
}

/* Longer than the sidecar takes it for would be a sidecar that does not start. */
static void test_very_long_timeouts(void **state)
{
    struct pod_text p;
    assert_string_equal(told(&p, "livenessProbe: {timeoutSeconds: 2000000, tcpSocket: {port: 80}}"),
                        "{\"app/livez\":{\"tcpSocket\":{\"port\":80},\"timeoutSeconds\":86400}}");
    pod_text_dispose(&p);
}

/* An ordinary container is told to end at once, and must outlive the hooks of the others. */
static void test_classic_sidecars_outlive_hooks(void **state)
{
    static const struct {
        const char *annotation, *grace, *hook, *drain;
    } cases[] = {
        {"", "", "lifecycle: {preStop: {sleep: {seconds: 9}}}", "\"--drain-time=30s\""},
        {"", "terminationGracePeriodSeconds: 70, ", "lifecycle: {preStop: {exec: {command: [x]}}}",
         "\"--drain-time=70s\""},
        {"", "terminationGracePeriodSeconds: 7000, ", "lifecycle: {preStop: {httpGet: {port: 1}}}",
         "\"--drain-time=3600s\""},
        {"weft.dev/proxy-drain-time: 3s, ", "", "lifecycle: {preStop: {sleep: {seconds: 9}}}",
         "\"--drain-time=3s\""},
        {"", "terminationGracePeriodSeconds: 0, ", "lifecycle: {preStop: {sleep: {seconds: 9}}}",
         NULL},
        {"", "", "lifecycle: {postStart: {sleep: {seconds: 9}}}", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pod_text p;
        char yaml[600];
        snprintf(yaml, sizeof(yaml),
                 "{metadata: {annotations: {%sweft.dev/native-sidecar: \"false\"}}, spec: {%s"
                 "containers: [{name: app, %s}]}}",
                 cases[i].annotation, cases[i].grace, cases[i].hook);
        pod_text_inject(&p, &pod_text_config, yaml);
        const char *args = pod_text_at(&p, "spec.containers[0].args");
        if (!strstr(args, cases[i].drain ? cases[i].drain : "--drain-time") == !!cases[i].drain)
            fail_msg("%s: %s", yaml, args);
        pod_text_dispose(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http),         cmocka_unit_test(test_tcp_and_grpc),
        cmocka_unit_test(test_left_alone),   cmocka_unit_test(test_ports_that_are_not_to_be_found),
        cmocka_unit_test(test_switched_off), cmocka_unit_test(test_native_sidecars_of_others),
        cmocka_unit_test(test_hooks),        cmocka_unit_test(test_hooks_of_a_file),
        cmocka_unit_test(test_very_long_timeouts),
        cmocka_unit_test(test_classic_sidecars_outlive_hooks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
