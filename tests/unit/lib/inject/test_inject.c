/* Tests of injection: which pods get a sidecar, what they get, and that a second time nothing
 * happens.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/inject/inject.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/inject/pod_text.h"

#define APP "spec: {containers: [{name: app, image: a:1}]}"

static void check_at(struct pod_text *p, const char *path, const char *json)
{
    if (strcmp(pod_text_at(p, path), json) != 0)
        fail_msg("%s: wanted %s, got %s", path, json, pod_text_at(p, path));
}

static void inject(struct pod_text *p, const char *yaml)
{
    pod_text_inject(p, &pod_text_config, yaml);
    if (p->result.verdict != INJECT_PATCHED)
        fail_msg("%.*s", SLICE_ARG(p->result.why));
}

/* ---- what a pod gets */

static void test_native(void **state)
{
    struct pod_text p;
    inject(&p, "{metadata: {name: a}, " APP "}");
    check_at(&p, "spec.containers[1]", "");
    check_at(&p, "spec.initContainers[0].name", "\"weft-redirect\"");
    check_at(&p, "spec.initContainers[1].name", "\"weft-sidecar\"");
    check_at(&p, "spec.initContainers[2]", "");
    check_at(&p, "spec.initContainers[0].restartPolicy", "");
    check_at(&p, "spec.initContainers[1].restartPolicy", "\"Always\"");
    check_at(&p, "spec.initContainers[1].startupProbe.httpGet",
             "{\"path\":\"/healthz/ready\",\"port\":15021}");
    check_at(&p, "metadata.annotations[\"weft.dev/status\"]", "\"injected\"");
    check_at(&p, "metadata.annotations[\"kubectl.kubernetes.io/default-container\"]", "\"app\"");
    pod_text_dispose(&p);
}

static void test_rights(void **state)
{
    struct pod_text p;
    inject(&p, "{metadata: {name: a}, " APP "}");
    check_at(&p, "spec.initContainers[0].securityContext",
             "{\"allowPrivilegeEscalation\":false,\"privileged\":false,"
             "\"readOnlyRootFilesystem\":true,\"runAsNonRoot\":false,\"runAsUser\":0,"
             "\"runAsGroup\":0,\"capabilities\":{\"add\":[\"NET_ADMIN\",\"NET_RAW\"],"
             "\"drop\":[\"ALL\"]},\"seccompProfile\":{\"type\":\"RuntimeDefault\"}}");
    check_at(&p, "spec.initContainers[1].securityContext",
             "{\"allowPrivilegeEscalation\":false,\"privileged\":false,"
             "\"readOnlyRootFilesystem\":true,\"runAsNonRoot\":true,\"runAsUser\":1337,"
             "\"runAsGroup\":1337,\"capabilities\":{\"drop\":[\"ALL\"]},"
             "\"seccompProfile\":{\"type\":\"RuntimeDefault\"}}");
    /* Only where it keeps its own state may it write. */
    check_at(&p, "spec.initContainers[1].volumeMounts",
             "[{\"name\":\"weft-token\",\"mountPath\":\"/var/run/secrets/weft\",\"readOnly\":true},"
             "{\"name\":\"weft-trust\",\"mountPath\":\"/etc/weft/trust\",\"readOnly\":true},"
             "{\"name\":\"weft-state\",\"mountPath\":\"/var/lib/weft\"}]");
    check_at(&p, "spec.volumes[0].projected.sources",
             "[{\"serviceAccountToken\":{\"audience\":\"weft-certd\",\"expirationSeconds\":3600,"
             "\"path\":\"token\"}}]");
    check_at(&p, "spec.volumes[1]",
             "{\"name\":\"weft-trust\",\"configMap\":{\"name\":\"weft-trust-bundle\"}}");
    pod_text_dispose(&p);
}

static void test_what_is_there_stays(void **state)
{
    struct pod_text p;
    inject(&p, "{metadata: {name: a, labels: {app: x}, annotations: {mine: yes}},"
               " spec: {volumes: [{name: v}], initContainers: [{name: prepare, image: i}],"
               " containers: [{name: app, image: a}, {name: other, image: b}]}}");
    check_at(&p, "metadata.annotations.mine", "\"yes\"");
    check_at(&p, "spec.volumes[0].name", "\"v\"");
    check_at(&p, "spec.volumes[4].name", "\"weft-run\"");
    /* A native sidecar serves the pod's own init containers too. */
    check_at(&p, "spec.initContainers[0].name", "\"weft-redirect\"");
    check_at(&p, "spec.initContainers[1].name", "\"weft-sidecar\"");
    check_at(&p, "spec.initContainers[2].name", "\"prepare\"");
    check_at(&p, "spec.containers[0].name", "\"app\"");
    check_at(&p, "spec.containers[1].name", "\"other\"");
    pod_text_dispose(&p);
}

static void test_classic(void **state)
{
    struct pod_text p;
    inject(&p, "{metadata: {annotations: {weft.dev/native-sidecar: \"false\"}},"
               " spec: {restartPolicy: Never, initContainers: [{name: prepare, image: i}],"
               " containers: [{name: app, image: a, livenessProbe: {tcpSocket: {port: 80}}}]}}");
    check_at(&p, "spec.initContainers[0].name", "\"prepare\"");
    check_at(&p, "spec.initContainers[1].name", "\"weft-redirect\"");
    check_at(&p, "spec.initContainers[2]", "");
    check_at(&p, "spec.containers[0].name", "\"weft-sidecar\"");
    check_at(&p, "spec.containers[0].restartPolicy", "");
    check_at(&p, "spec.containers[0].startupProbe", "");
    check_at(&p, "spec.containers[1].livenessProbe.httpGet.path", "\"/app-health/app/livez\"");
    check_at(&p, "metadata.annotations[\"kubectl.kubernetes.io/default-container\"]", "\"app\"");
    assert_int_equal(p.result.warning_count, 1);
    assert_non_null(strstr(p.result.warnings[0].ptr, "the pod never ends"));
    pod_text_dispose(&p);
}

static void test_without_redirection(void **state)
{
    struct pod_text p;
    inject(&p, "{metadata: {annotations: {weft.dev/redirect: none}}, spec: {containers: ["
               "{name: app, image: a, readinessProbe: {httpGet: {port: 80, path: /}}}]}}");
    check_at(&p, "spec.initContainers[0].name", "\"weft-sidecar\"");
    check_at(&p, "spec.initContainers[1]", "");
    check_at(&p, "spec.volumes[3]", "");
    check_at(&p, "spec.containers[0].readinessProbe.httpGet.port", "15021");
    check_at(&p, "metadata.annotations[\"weft.dev/status\"]", "\"injected\"");
    const char *args = pod_text_at(&p, "spec.initContainers[0].args");
    assert_non_null(strstr(args, "\"--outbound=127.0.0.1:15001\""));
    assert_non_null(strstr(args, "\"--native-sidecar=on\""));
    assert_non_null(strstr(args, "\"--token-file=/var/run/secrets/weft/token\""));
    assert_non_null(strstr(args, "\"--trust-bundle=/etc/weft/trust/ca.crt\""));
    assert_non_null(strstr(args, "\"--identity-dir=/var/lib/weft/identity\""));
    assert_non_null(strstr(args, "\"--last-good=/var/lib/weft/last-good\""));
    pod_text_dispose(&p);
    inject(&p, "{metadata: {annotations: {weft.dev/redirect: none, weft.dev/inbound-forward: "
               "\"8080\"}}, " APP "}");
    check_at(&p, "metadata.annotations[\"weft.dev/status\"]", "\"injected\"");
    args = pod_text_at(&p, "spec.initContainers[0].args");
    assert_non_null(strstr(args, "\"--inbound-forward=127.0.0.1:8080\""));
    pod_text_dispose(&p);
}

static void test_names_need_no_search_list(void **state)
{
    struct pod_text p;
    inject(&p, "{" APP "}");
    const char *args = pod_text_at(&p, "spec.initContainers[1].args");
    assert_non_null(
        strstr(args, "\"--discovery=weft-policyd.weft-system.svc.cluster.local.:15012\""));
    assert_non_null(strstr(args, "\"--certd=weft-certd.weft-system.svc.cluster.local.:15012\""));
    assert_null(strstr(args, "--discovery-ip"));
    pod_text_dispose(&p);
    struct inject_config config = pod_text_config;
    config.discovery_ip = SLICE("10.96.0.7");
    config.certd_ip = SLICE("fd00::8");
    pod_text_inject(&p, &config, "{" APP "}");
    args = pod_text_at(&p, "spec.initContainers[1].args");
    assert_non_null(strstr(args, "\"--discovery-ip=10.96.0.7\""));
    assert_non_null(strstr(args, "\"--certd-ip=fd00::8\""));
    pod_text_dispose(&p);
}

static void test_annotations_become_arguments(void **state)
{
    struct pod_text p;
    inject(&p, "{metadata: {annotations: {weft.dev/exclude-inbound-ports: \"9000,9001\","
               " weft.dev/exclude-outbound-cidrs: 10.0.0.0/8, weft.dev/proxy-cpu-request: 250m,"
               " weft.dev/proxy-memory-limit: 1Gi, weft.dev/proxy-access-log: json,"
               " weft.dev/exclude-interfaces: \"veth+\"}}, " APP "}");
    const char *args = pod_text_at(&p, "spec.initContainers[0].args");
    assert_non_null(strstr(args, "\"--exclude-inbound-ports=15020,15021,9000,9001\""));
    assert_non_null(strstr(args, "\"--exclude-outbound-cidrs=10.0.0.0/8\""));
    assert_non_null(strstr(args, "\"--exclude-interfaces=veth+\""));
    assert_non_null(
        strstr(pod_text_at(&p, "spec.initContainers[1].args"), "\"--access-log=json\""));
    check_at(
        &p, "spec.initContainers[1].resources",
        "{\"requests\":{\"cpu\":\"250m\",\"memory\":\"32Mi\"},\"limits\":{\"memory\":\"1Gi\"}}");
    pod_text_dispose(&p);
}

static void test_odd_shapes(void **state)
{
    static const char *const pods[] = {
        "{" APP "}",
        "{metadata: , " APP "}",
        "{metadata: {annotations: }, " APP "}",
        "{metadata: {annotations: {}}, " APP "}",
        "{spec: {containers: [{name: app, image: a}], volumes: , initContainers: }}",
        "{spec: {containers: [{name: app, image: a}], volumes: [], initContainers: []}}",
        "{spec: {containers: [{}]}}",
        "{spec: {containers: [7, [], {name: 3}]}}",
        "{metadata: {labels: {weft.dev/inject: enabled}}, " APP "}",
    };
    for (size_t i = 0; i < sizeof(pods) / sizeof(pods[0]); i++) {
        struct pod_text p;
        inject(&p, pods[i]);
        check_at(&p, "spec.initContainers[1].name", "\"weft-sidecar\"");
        check_at(&p, "metadata.annotations[\"weft.dev/status\"]", "\"injected\"");
        check_at(&p, "spec.volumes[0].name", "\"weft-token\"");
        pod_text_dispose(&p);
    }
}

/* ---- a second time */

static void test_twice(void **state)
{
    static const char *const pods[] = {
        "{metadata: {name: a}, " APP "}",
        "{metadata: {annotations: {weft.dev/native-sidecar: \"false\"}}, " APP "}",
        "{metadata: {annotations: {weft.dev/redirect: none}}, " APP "}",
    };
    for (size_t i = 0; i < sizeof(pods) / sizeof(pods[0]); i++) {
        struct pod_text p;
        struct inject_result again;
        inject(&p, pods[i]);
        inject_pod(&pod_text_config, p.after, SLICE("shop"), "", &p.arena, &again);
        assert_int_equal(again.verdict, INJECT_SKIPPED);
        assert_int_equal(again.patch.count, 0);
        assert_non_null(strstr(again.why.ptr, "has a sidecar already"));
        pod_text_dispose(&p);
    }
}

/* ---- who gets none */

static void check_verdict(const char *yaml, enum inject_verdict verdict, const char *why)
{
    struct pod_text p;
    pod_text_inject(&p, &pod_text_config, yaml);
    if (p.result.verdict != verdict ||
        slice_find(p.result.why, slice_from_cstr(why)) == p.result.why.len)
        fail_msg("wanted '%s', got %d '%.*s'", why, p.result.verdict, SLICE_ARG(p.result.why));
    assert_int_equal(p.result.patch.count, 0);
    pod_text_dispose(&p);
}

static void test_skipped(void **state)
{
    check_verdict("{spec: {hostNetwork: true, containers: [{name: a}]}}", INJECT_SKIPPED,
                  "the network of its node");
    check_verdict("{metadata: {labels: {weft.dev/inject: disabled}}, " APP "}", INJECT_SKIPPED,
                  "disabled");
    check_verdict("{metadata: {annotations: {weft.dev/inject: disabled}}, " APP "}", INJECT_SKIPPED,
                  "disabled");
    check_verdict("{metadata: {labels: {app.kubernetes.io/part-of: weft}}, " APP "}",
                  INJECT_SKIPPED, "a part of Weft");
    check_verdict("{spec: {os: {name: windows}, containers: [{name: a}]}}", INJECT_SKIPPED,
                  "Windows");
    check_verdict("{spec: {nodeSelector: {kubernetes.io/os: windows}, containers: [{name: a}]}}",
                  INJECT_SKIPPED, "Windows");
    check_verdict("{spec: {containers: [{name: weft-sidecar}]}}", INJECT_SKIPPED, "already");
    check_verdict("{metadata: {annotations: {kubernetes.io/config.mirror: x}}, " APP "}",
                  INJECT_SKIPPED, "a static pod");
}

static void test_namespaces(void **state)
{
    static const char *const names[] = {"kube-system", "kube-public", "weft-system"};
    struct arena arena;
    struct inject_result result;
    arena_init(&arena, 4096);
    const struct doc *pod = pod_text_parse(&arena, "{" APP "}");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        inject_pod(&pod_text_config, pod, slice_from_cstr(names[i]), "", &arena, &result);
        assert_int_equal(result.verdict, INJECT_SKIPPED);
    }
    inject_pod(&pod_text_config, pod, SLICE("kube-systems"), "", &arena, &result);
    assert_int_equal(result.verdict, INJECT_PATCHED);
    arena_dispose(&arena);
}

static void test_refused(void **state)
{
    check_verdict("{metadata: {labels: {weft.dev/inject: \"no\"}}, " APP "}", INJECT_REFUSED,
                  "\"no\" is neither enabled nor disabled");
    check_verdict("{spec: {containers: [{name: a, securityContext: {runAsUser: 1337}}]}}",
                  INJECT_REFUSED, "container a runs as user 1337");
    check_verdict("{spec: {securityContext: {runAsUser: 1337}, containers: [{name: a}]}}",
                  INJECT_REFUSED, "container a runs as user 1337");
    check_verdict("{spec: {initContainers: [{name: i, securityContext: {runAsUser: 1337}}],"
                  " containers: [{name: a}]}}",
                  INJECT_REFUSED, "container i runs as user 1337");
    check_verdict("{spec: {volumes: [{name: weft-token}], containers: [{name: a}]}}",
                  INJECT_REFUSED, "a volume named weft-token");
    check_verdict("{spec: {initContainers: [{name: weft-redirect}], containers: [{name: a}]}}",
                  INJECT_REFUSED, "an init container named weft-redirect");
    check_verdict("{metadata: {annotations: {weft.dev/inbound-forward: \"80\"}}, " APP "}",
                  INJECT_REFUSED, "goes with weft.dev/redirect: none");
    check_verdict("{metadata: {annotations: {weft.dev/redirect: maybe}}, " APP "}", INJECT_REFUSED,
                  "weft.dev/redirect: \"maybe\" is not iptables or none");
    check_verdict("{spec: {containers: []}}", INJECT_REFUSED, "no spec.containers");
    check_verdict("{spec: {}}", INJECT_REFUSED, "no spec.containers");
    check_verdict("{}", INJECT_REFUSED, "no spec.containers");
    check_verdict("[]", INJECT_REFUSED, "no spec.containers");
}

/* A pod whose user is another one for each container is no bypass. */
static void test_users(void **state)
{
    struct pod_text p;
    inject(&p, "{spec: {securityContext: {runAsUser: 1337}, containers: ["
               "{name: a, securityContext: {runAsUser: 1000}}]}}");
    pod_text_dispose(&p);
}

static void test_warnings(void **state)
{
    struct pod_text p;
    inject(&p, "{metadata: {annotations: {weft.dev/exclude-inbound-port: \"1\","
               " weft.dev/opaque-ports: \"1\", other.dev/x: \"1\"}}, spec: {containers: ["
               "{name: a, ports: [{containerPort: 15006}, {containerPort: 80}]}]}}");
    assert_int_equal(p.result.warning_count, 2);
    assert_non_null(strstr(p.result.warnings[0].ptr, "port 15006 is the sidecar's"));
    assert_non_null(
        strstr(p.result.warnings[1].ptr, "annotation weft.dev/exclude-inbound-port is not known"));
    pod_text_dispose(&p);
}

/* ---- metrics */

static void test_metrics(void **state)
{
    struct pod_text p;
    inject(&p, "{metadata: {annotations: {prometheus.io/scrape: \"true\", prometheus.io/port: "
               "\"9090\", prometheus.io/path: /stats}}, " APP "}");
    check_at(&p, "metadata.annotations[\"prometheus.io/port\"]", "\"15020\"");
    check_at(&p, "metadata.annotations[\"prometheus.io/path\"]", "\"/metrics\"");
    check_at(&p, "spec.initContainers[1].env[4]",
             "{\"name\":\"WEFT_APP_METRICS\",\"value\":\"9090/stats\"}");
    pod_text_dispose(&p);
    inject(&p, "{metadata: {name: a}, " APP "}");
    check_at(&p, "metadata.annotations[\"prometheus.io/scrape\"]", "\"true\"");
    check_at(&p, "spec.initContainers[1].env[4]", "");
    pod_text_dispose(&p);
}

static void test_metrics_left_alone(void **state)
{
    static const char *const annotations[] = {
        "prometheus.io/scrape: \"false\", prometheus.io/port: \"9090\"",
        "weft.dev/merge-metrics: \"false\", prometheus.io/port: \"9090\"",
        "prometheus.io/scheme: https, prometheus.io/port: \"9090\"",
        "prometheus.io/port: \"9090\", prometheus.io/path: metrics",
    };
    for (size_t i = 0; i < sizeof(annotations) / sizeof(annotations[0]); i++) {
        struct pod_text p;
        char yaml[400];
        snprintf(yaml, sizeof(yaml), "{metadata: {annotations: {%s}}, " APP "}", annotations[i]);
        inject(&p, yaml);
        check_at(&p, "metadata.annotations[\"prometheus.io/port\"]", "\"9090\"");
        check_at(&p, "spec.initContainers[1].env[4]", "");
        pod_text_dispose(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_native),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_what_is_there_stays),
        cmocka_unit_test(test_classic),
        cmocka_unit_test(test_without_redirection),
        cmocka_unit_test(test_names_need_no_search_list),
        cmocka_unit_test(test_annotations_become_arguments),
        cmocka_unit_test(test_odd_shapes),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_skipped),
        cmocka_unit_test(test_namespaces),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_metrics_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
