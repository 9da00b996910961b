/* gateway_manifest.c: what is applied for a Gateway, as JSON that is read back.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/gateway_manifest.h"

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
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

static void make(struct made *m, void (*write)(const struct gateway_manifest *m, struct buf *to))
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
    m->set = policy_text_set(listener);
    struct gateway_manifest manifest = {
        (const void *)policy_index_find(m->set, KIND_GATEWAY, SLICE("a"), SLICE("door")), &options,
        "door-weft", ports, 3};
    buf_init(&text);
    write(&manifest, &text);
    m->text = mem_alloc(text.len);
    buf_copy_out(&text, m->text, text.len);
    arena_init(&m->arena, 4096);
    assert_int_equal(doc_json_parse(slice_of(m->text, text.len), &m->arena, &m->doc, &error),
                     ERR_OK);
    buf_dispose(&text);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_belong_to_the_gateway),
        cmocka_unit_test(test_a_pod_without_privileges),
        cmocka_unit_test(test_ports_and_a_static_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
