/* gateway_manifest.c: what is applied for a Gateway, as JSON that is read back.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/gateway_manifest.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "policies/gateway/gateway_model.h"
#include "policies/gateway/gateway_parameters.h"
#include "policies/store/policy_index.h"
#include "tests/unit/policies/policyd/policy_text.h"

static const char listener[] =
    "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {namespace: a, name: "
    "door, uid: u-1, annotations: {weft.dev/replicas: '3', "
    "weft.dev/external-traffic-policy: Local, "
    "weft.dev/proxy-access-log: 'errors,json', weft.dev/proxy-log-level: loud}}, "
    "spec: {gatewayClassName: weft, "
    "addresses: [{type: IPAddress, value: 192.0.2.9}], infrastructure: {labels: {team: web, "
    "gateway.networking.k8s.io/gateway-name: other}, annotations: {note: '\"quoted\"', "
    "weft.dev/inject: enabled}}, listeners: [{name: h, port: 80, protocol: HTTP}]}}\n";

struct made {
    struct policy_set *set;
    struct arena arena;
    char *text;
    const struct doc *doc;
};

typedef void write_fn(const struct gateway_manifest *m, struct buf *to);

static void make_of(struct made *m, const char *yaml, uint64_t replicas, write_fn *write)
{
    static struct policyd_options options;
    static const struct gateway_manifest_port ports[] = {{80, false}, {8443, false}, {80, true}};
    struct doc_error error;
    struct buf text;
    options.image = (char *)"weft.local/weft:1";
    options.trust_domain = (char *)"cluster.local";
    options.discovery_address = (char *)"weft-policyd.weft-system.svc:15012";
    options.certd_address = (char *)"weft-certd.weft-system.svc:15012";
    options.certd_name = (char *)"weft-certd.weft-system.svc";
    m->set = policy_text_set(yaml);
    arena_init(&m->arena, 4096);
    const struct gateway *gateway =
        (const void *)policy_index_find(m->set, KIND_GATEWAY, SLICE("a"), SLICE("door"));
    struct slice why;
    const struct gateway_settings_spec *settings = gateway_parameters_find(
        m->set, gateway_model_class(m->set, gateway), gateway, &m->arena, &why);
    assert_non_null(settings);
    struct gateway_manifest manifest = {.gateway = gateway,
                                        .settings = settings,
                                        .options = &options,
                                        .name = "door-weft",
                                        .ports = ports,
                                        .n_ports = 3,
                                        .replicas = replicas};
    buf_init(&text);
    write(&manifest, &text);
    m->text = mem_alloc(text.len);
    buf_copy_out(&text, m->text, text.len);
    assert_int_equal(doc_json_parse(slice_of(m->text, text.len), &m->arena, &m->doc, &error),
                     ERR_OK);
    buf_dispose(&text);
}

static void make(struct made *m, write_fn *write)
{
    make_of(m, listener, 0, write);
}

static void dispose(struct made *m)
{
    arena_dispose(&m->arena);
    mem_free(m->text);
    policy_set_destroy(m->set);
}

static void expect(const struct made *m, const char *path, const char *wanted)
{
    const struct doc *at = doc_find(m->doc, path);
    if (!at || !slice_eq_cstr(doc_string(at), wanted))
        fail_msg("%s is %.*s, not %s", path, SLICE_ARG(doc_string(at)), wanted);
}

static bool has_arg(const struct made *m, const char *wanted)
{
    const struct doc *args = doc_find(m->doc, "spec.template.spec.containers[0].args");
    for (size_t i = 0; i < args->count; i++)
        if (slice_eq_cstr(doc_string(args->items[i]), wanted))
            return true;
    return false;
}

static void test_all_belong_to_the_gateway(void **state)
{
    void (*writes[])(const struct gateway_manifest *, struct buf *) = {
        gateway_manifest_account, gateway_manifest_deployment, gateway_manifest_service};
    for (size_t i = 0; i < 3; i++) {
        struct made m;
        make(&m, writes[i]);
        expect(&m, "metadata.name", "door-weft");
        expect(&m, "metadata.namespace", "a");
        expect(&m, "metadata.ownerReferences[0].uid", "u-1");
        expect(&m, "metadata.labels.team", "web");
        expect(&m, "metadata.labels[\"gateway.networking.k8s.io/gateway-name\"]", "door");
        expect(&m, "metadata.annotations.note", "\"quoted\"");
        dispose(&m);
    }
}

static void test_a_pod_without_privileges(void **state)
{
    struct made m;
    make(&m, gateway_manifest_deployment);
    const char *container = "spec.template.spec.containers[0].securityContext";
    assert_int_equal(doc_find(m.doc, "spec.replicas")->integer, 3);
    assert_true(has_arg(&m, "--mode=ingress") && has_arg(&m, "--gateway=door"));
    assert_true(has_arg(&m, "--discovery=weft-policyd.weft-system.svc:15012"));
    assert_true(has_arg(&m, "--access-log=errors,json"));
    assert_false(has_arg(&m, "--log-level=loud"));
    assert_true(has_arg(&m, "--token-file=/var/run/secrets/weft/token"));
    assert_true(doc_find(m.doc, "spec.template.spec.securityContext.runAsNonRoot")->boolean);
    assert_false(doc_find(m.doc, "spec.template.spec.automountServiceAccountToken")->boolean);
    expect(&m, "spec.template.spec.containers[0].securityContext.capabilities.drop[0]", "ALL");
    assert_non_null(doc_find(m.doc, container));
    expect(&m, "spec.template.spec.serviceAccountName", "door-weft");
    expect(&m, "spec.template.spec.volumes[0].projected.sources[0].serviceAccountToken.audience",
           "weft-certd");
    /* What decides how the pod is run is not the Gateway's to say. */
    expect(&m, "spec.template.metadata.annotations[\"weft.dev/inject\"]", "disabled");
    dispose(&m);
}

static void test_ports_and_a_static_address(void **state)
{
    struct made m;
    make(&m, gateway_manifest_service);
    expect(&m, "spec.type", "LoadBalancer");
    expect(&m, "spec.loadBalancerIP", "192.0.2.9");
    expect(&m, "spec.externalTrafficPolicy", "Local");
    assert_int_equal(doc_find(m.doc, "spec.ports")->count, 3);
    assert_int_equal(doc_find(m.doc, "spec.ports[1].port")->integer, 8443);
    expect(&m, "spec.ports[0].name", "port-80");
    expect(&m, "spec.ports[0].protocol", "TCP");
    assert_int_equal(doc_find(m.doc, "spec.ports[2].port")->integer, 80);
    expect(&m, "spec.ports[2].name", "udp-80");
    expect(&m, "spec.ports[2].protocol", "UDP");
    expect(&m, "spec.selector[\"gateway.networking.k8s.io/gateway-name\"]", "door");
    dispose(&m);
}

/* ---- GatewaySettings ---- */

#define GATEWAY_OF(more)                                                                        \
    "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {namespace: a, name: " \
    "door, uid: u-1}, spec: {gatewayClassName: weft, listeners: [{name: h, port: 80, "         \
    "protocol: HTTP}]" more "}}\n---\n"
#define OWN ", infrastructure: {annotations: {note: all}, parametersRef: " \
            "{group: policy.weft.dev, kind: GatewaySettings, name: own}}"
#define CLASS                                                                              \
    "{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: weft}, " \
    "spec: {controllerName: weft.dev/gateway-controller, parametersRef: {group: "          \
    "policy.weft.dev, kind: GatewaySettings, namespace: b, name: wide}}}\n---\n"
#define SETTINGS(ns, name)                                                                  \
    "{apiVersion: policy.weft.dev/v1alpha1, kind: GatewaySettings, metadata: {namespace: " ns \
    ", name: " name "}, spec: %s}\n"

static void expect_number(const struct made *m, const char *path, int64_t wanted)
{
    const struct doc *at = doc_find(m->doc, path);
    assert_non_null(at);
    assert_int_equal(at->integer, wanted);
}

static void make_with(struct made *m, const char *spec, uint64_t replicas, write_fn *write)
{
    char yaml[2048];
    snprintf(yaml, sizeof yaml, GATEWAY_OF(OWN) SETTINGS("a", "own"), spec);
    make_of(m, yaml, replicas, write);
}

#define POD "spec.template.spec."
#define CONTAINER POD "containers[0]."
#define SCALED "{resources: {requests: {cpu: 1}}, autoscaling: {minReplicas: 2, maxReplicas: 5, "

static const struct setting {
    const char *spec;
    write_fn *write;
    const char *path, *text; /* NULL text: the number */
    int64_t number;
} settings[] = {
    {"{replicas: 4}", gateway_manifest_deployment, "spec.replicas", NULL, 4},
    {"{replicas: 0}", gateway_manifest_deployment, "spec.replicas", NULL, 0},
    {SCALED "targetCPU: 70%}}", gateway_manifest_autoscaler, "spec.minReplicas", NULL, 2},
    {SCALED "targetCPU: 70%}}", gateway_manifest_autoscaler, "spec.maxReplicas", NULL, 5},
    {SCALED "targetCPU: 70%}}", gateway_manifest_autoscaler,
     "spec.metrics[0].resource.target.averageUtilization", NULL, 70},
    {SCALED "targetCPU: 250m}}", gateway_manifest_autoscaler,
     "spec.metrics[0].resource.target.averageValue", "250m", 0},
    {SCALED "}}", gateway_manifest_autoscaler,
     "spec.metrics[0].resource.target.averageValue", "500m", 0},
    {SCALED "}}", gateway_manifest_autoscaler, "spec.scaleTargetRef.name", "door-weft", 0},
    {"{}", gateway_manifest_deployment, CONTAINER "resources.requests.cpu", "20m", 0},
    {"{resources: {requests: {memory: 1Gi}}}", gateway_manifest_deployment,
     CONTAINER "resources.requests.memory", "1Gi", 0},
    {"{resources: {requests: {memory: 1Gi}}}", gateway_manifest_deployment,
     CONTAINER "resources.requests.cpu", "20m", 0},
    {"{resources: {limits: {cpu: 2}}}", gateway_manifest_deployment,
     CONTAINER "resources.limits.cpu", "2", 0},
    {"{resources: {limits: {ephemeral-storage: 512Mi}}}", gateway_manifest_deployment,
     CONTAINER "resources.limits[\"ephemeral-storage\"]", "512Mi", 0},
    {"{}", gateway_manifest_service, "spec.type", "LoadBalancer", 0},
    {"{service: {type: NodePort}}", gateway_manifest_service, "spec.type", "NodePort", 0},
    {"{service: {externalTrafficPolicy: Local}}", gateway_manifest_service,
     "spec.externalTrafficPolicy", "Local", 0},
    {"{service: {loadBalancerClass: a.b/c}}", gateway_manifest_service,
     "spec.loadBalancerClass", "a.b/c", 0},
    {"{service: {annotations: {lb: nlb}}}", gateway_manifest_service,
     "metadata.annotations.lb", "nlb", 0},
    {"{service: {annotations: {note: own}}}", gateway_manifest_service,
     "metadata.annotations.note", "own", 0},
    {"{service: {annotations: {note: own}}}", gateway_manifest_account,
     "metadata.annotations.note", "all", 0},
    {"{service: {loadBalancerSourceRanges: [192.0.2.0/24]}}", gateway_manifest_service,
     "spec.loadBalancerSourceRanges[0]", "192.0.2.0/24", 0},
    {"{pod: {nodeSelector: {role: edge}}}", gateway_manifest_deployment,
     POD "nodeSelector.role", "edge", 0},
    {"{pod: {tolerations: [{key: k, value: v, effect: NoExecute, tolerationSeconds: 7}]}}",
     gateway_manifest_deployment, POD "tolerations[0].tolerationSeconds", NULL, 7},
    {"{pod: {tolerations: [{key: k, value: v, effect: NoExecute}]}}",
     gateway_manifest_deployment, POD "tolerations[0].effect", "NoExecute", 0},
    {"{pod: {tolerations: [{key: k, value: v}]}}", gateway_manifest_deployment,
     POD "tolerations[0].value", "v", 0},
    {"{pod: {tolerations: [{operator: Exists}]}}", gateway_manifest_deployment,
     POD "tolerations[0].operator", "Exists", 0},
    {"{pod: {annotations: {note: pod}}}", gateway_manifest_deployment,
     "spec.template.metadata.annotations.note", "pod", 0},
    {"{pod: {annotations: {weft.dev/inject: enabled}}}", gateway_manifest_deployment,
     "spec.template.metadata.annotations[\"weft.dev/inject\"]", "disabled", 0},
    {"{pod: {priorityClassName: high}}", gateway_manifest_deployment, POD "priorityClassName",
     "high", 0},
    {"{}", gateway_manifest_deployment, POD "terminationGracePeriodSeconds", NULL, 30},
    {"{pod: {terminationGracePeriod: 90500ms}}", gateway_manifest_deployment,
     POD "terminationGracePeriodSeconds", NULL, 91},
};

/* Each field reaches the object that it is for. */
static void test_settings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct made m;
        make_with(&m, settings[i].spec, 0, settings[i].write);
        if (settings[i].text)
            expect(&m, settings[i].path, settings[i].text);
        else
            expect_number(&m, settings[i].path, settings[i].number);
        dispose(&m);
    }
}

static void test_settings_of_the_program(void **state)
{
    struct made m;
    (void)state;
    make_with(&m, "{proxy: {logLevel: debug, accessLog: all, workers: 3, drainTime: 1500ms}}", 0,
              gateway_manifest_deployment);
    assert_true(has_arg(&m, "--log-level=debug") && has_arg(&m, "--access-log=all"));
    assert_true(has_arg(&m, "--workers=3") && has_arg(&m, "--drain-time=1500ms"));
    dispose(&m);
}

/* What only load balancers have would be refused elsewhere. */
static void test_a_service_within_the_cluster(void **state)
{
    struct made m;
    (void)state;
    make_with(&m,
              "{service: {type: ClusterIP, externalTrafficPolicy: Local, loadBalancerClass: a.b/c, "
              "loadBalancerSourceRanges: [192.0.2.0/24]}}",
              0, gateway_manifest_service);
    expect(&m, "spec.type", "ClusterIP");
    assert_null(doc_find(m.doc, "spec.externalTrafficPolicy"));
    assert_null(doc_find(m.doc, "spec.loadBalancerClass"));
    assert_null(doc_find(m.doc, "spec.loadBalancerSourceRanges"));
    dispose(&m);
}

/* The number that an autoscaler has chosen is never undone, and never outside of what it may be. */
static void test_the_number_of_an_autoscaler_stays(void **state)
{
    static const struct {
        uint64_t seen;
        int64_t said;
    } rows[] = {{0, 2}, {1, 2}, {4, 4}, {9, 5}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct made m;
        make_with(&m, SCALED "}}", rows[i].seen, gateway_manifest_deployment);
        expect_number(&m, "spec.replicas", rows[i].said);
        dispose(&m);
    }
    struct made m;
    make_with(&m, "{}", 4, gateway_manifest_deployment);
    assert_null(doc_find(m.doc, "spec.replicas"));
    dispose(&m);
}

/* The Gateway's own settings are asked first, leaf by leaf, then those of its class. */
static void test_settings_of_the_class(void **state)
{
    char yaml[2048];
    struct made m;
    (void)state;
    snprintf(yaml, sizeof yaml,
             CLASS GATEWAY_OF(OWN) SETTINGS("a", "own") "---\n" SETTINGS("b", "wide"),
             "{replicas: 3, pod: {priorityClassName: own}}",
             "{autoscaling: {maxReplicas: 9}, "
             "pod: {priorityClassName: wide, nodeSelector: {a: b}}}");
    make_of(&m, yaml, 7, gateway_manifest_deployment);
    expect_number(&m, "spec.replicas", 3);
    expect(&m, POD "priorityClassName", "own");
    expect(&m, POD "nodeSelector.a", "b");
    dispose(&m);
    snprintf(yaml, sizeof yaml, CLASS GATEWAY_OF("") SETTINGS("b", "wide"), "{replicas: 6}");
    make_of(&m, yaml, 0, gateway_manifest_deployment);
    expect_number(&m, "spec.replicas", 6);
    dispose(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_belong_to_the_gateway),
        cmocka_unit_test(test_a_pod_without_privileges),
        cmocka_unit_test(test_ports_and_a_static_address),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_settings_of_the_program),
        cmocka_unit_test(test_a_service_within_the_cluster),
        cmocka_unit_test(test_the_number_of_an_autoscaler_stays),
        cmocka_unit_test(test_settings_of_the_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
