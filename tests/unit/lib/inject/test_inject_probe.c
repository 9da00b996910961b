/* Tests of rewritten probes: they keep their meaning, and only those are touched that can be led to
 * the sidecar.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "lib/codec/doc_json.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http),         cmocka_unit_test(test_tcp_and_grpc),
        cmocka_unit_test(test_left_alone),   cmocka_unit_test(test_ports_that_are_not_to_be_found),
        cmocka_unit_test(test_switched_off), cmocka_unit_test(test_native_sidecars_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
