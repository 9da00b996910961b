/* policyd's gateway_controller.c: what is made for a Gateway in an API server in memory, put back,
 * left alone, and what the Gateway's status says of it. SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "tests/sim/plane_bed.h"
#include "tests/sim/policyd_bed.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/policies/policyd/fake_fit.h"

#define ACCOUNT "/api/v1/namespaces/shop/serviceaccounts/door-weft"
#define DEPLOYMENT "/apis/apps/v1/namespaces/shop/deployments/door-weft"
#define LISTENER_POLICY "/apis/policy.weft.dev/v1alpha1/namespaces/shop/listenerpolicies/l"
#define SERVICE "/api/v1/namespaces/shop/services/door-weft"
#define SLICES "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/"
#define DOOR POLICYD_GATEWAYS "door"

static struct policyd_bed bed;

static int set_up(void **state)
{
    fake_fit_bad = NULL;
    policyd_bed_open(&bed);
    return 0;
}

static int tear_down(void **state)
{
    policyd_bed_close(&bed);
    return 0;
}

static bool is_there(const char *path)
{
    return fake_kube_get(bed.kube, path) != NULL;
}

static unsigned applied(void)
{
    return fake_kube_count(bed.kube, "PATCH", ACCOUNT) +
           fake_kube_count(bed.kube, "PATCH", DEPLOYMENT) +
           fake_kube_count(bed.kube, "PATCH", SERVICE);
}

static void expect_programmed(const char *status, const char *message)
{
    const char *said = policyd_bed_condition(&bed, DOOR, "Programmed", "status");
    assert_string_equal(said, status);
    said = policyd_bed_condition(&bed, DOOR, "Programmed", "message");
    if (!strstr(said, message))
        fail_msg("it says \"%s\", not \"%s\"", said, message);
}

static void test_a_gateway_gets_its_data_plane(void **state)
{
    policyd_bed_gateway(&bed, "door", "");
    assert_true(is_there(ACCOUNT) && is_there(DEPLOYMENT) && is_there(SERVICE));
    assert_string_equal(
        fake_kube_text(bed.kube, DEPLOYMENT, "spec.template.spec.serviceAccountName"),
        "door-weft");
    assert_int_equal(doc_find(fake_kube_get(bed.kube, SERVICE), "spec.ports[0].port")->integer, 80);
    /* What goes when the Gateway goes. */
    assert_string_equal(fake_kube_text(bed.kube, DEPLOYMENT, "metadata.ownerReferences[0].name"),
                        "door");
    policyd_bed_advance(&bed, 5000);
    unsigned before = applied(); /* once more when the Deployment is seen for the first time */
    assert_true(before <= 6);
    policyd_bed_advance(&bed, 120000);
    assert_int_equal(applied(), before);
}

static void test_only_the_leader_makes_any(void **state)
{
    policyd_bed_lead(&bed, false);
    policyd_bed_gateway(&bed, "door", "");
    policyd_bed_advance(&bed, 600000);
    assert_int_equal(applied(), 0);
    policyd_bed_lead(&bed, true);
    assert_true(is_there(DEPLOYMENT));
}

static void test_gateways_of_others_are_left_alone(void **state)
{
    fake_kube_put(bed.kube, POLICYD_GATEWAY_API "gatewayclasses/other",
                  "{metadata: {name: other}, spec: {controllerName: example.com/other}}");
    fake_kube_put(bed.kube, DOOR,
                  "{metadata: {name: door, namespace: shop}, spec: {gatewayClassName: other, "
                  "listeners: [{name: http, port: 80, protocol: HTTP}]}}");
    policyd_bed_gateway(&bed, "own", ", annotations: {weft.dev/deployment: mine}");
    policyd_bed_gateway(&bed, "leaving",
                        ", deletionTimestamp: \"2026-01-01T00:00:00Z\", finalizers: [x]");
    policyd_bed_advance(&bed, 600000);
    assert_int_equal(fake_kube_count(bed.kube, "PATCH", "/apis/apps/v1/"), 0);
    assert_int_equal(fake_kube_count(bed.kube, "PATCH", "/api/v1/"), 0);
    assert_int_equal(fake_kube_count(bed.kube, "PATCH", DOOR), 0);
}

static void test_what_others_delete_or_change_comes_back(void **state)
{
    policyd_bed_gateway(&bed, "door", "");
    fake_kube_remove(bed.kube, DEPLOYMENT);
    policyd_bed_advance(&bed, 5000);
    assert_true(is_there(DEPLOYMENT));
    fake_kube_remove(bed.kube, SERVICE);
    policyd_bed_advance(&bed, 5000);
    assert_true(is_there(SERVICE));
    fake_kube_put(bed.kube, DEPLOYMENT,
                  "{metadata: {name: door-weft, namespace: shop, labels: "
                  "{app.kubernetes.io/managed-by: weft-policyd, "
                  "gateway.networking.k8s.io/gateway-name: door}}, spec: {template: {spec: "
                  "{serviceAccountName: thief}}}}");
    policyd_bed_advance(&bed, 5000);
    assert_string_equal(
        fake_kube_text(bed.kube, DEPLOYMENT, "spec.template.spec.serviceAccountName"),
        "door-weft");
    unsigned before = applied();
    policyd_bed_advance(&bed, 120000);
    assert_int_equal(applied(), before);
}

static void test_accounts_and_services_come_back_too(void **state)
{
    policyd_bed_gateway(&bed, "door", "");
    fake_kube_remove(bed.kube, ACCOUNT);
    policyd_bed_advance(&bed, 5000);
    assert_true(is_there(ACCOUNT));
    fake_kube_put(bed.kube, SERVICE,
                  "{metadata: {name: door-weft, namespace: shop, labels: "
                  "{app.kubernetes.io/managed-by: weft-policyd, "
                  "gateway.networking.k8s.io/gateway-name: door}}, spec: {ports: []}}");
    policyd_bed_advance(&bed, 5000);
    assert_int_equal(doc_find(fake_kube_get(bed.kube, SERVICE), "spec.ports[0].port")->integer, 80);
}

/* When nothing happens, nothing is written, for hours. */
static void test_an_idle_cluster_is_left_alone(void **state)
{
    policyd_bed_gateway(&bed, "door", "");
    policyd_bed_route(&bed, "r", "door");
    policyd_bed_advance(&bed, 60000);
    unsigned before = fake_kube_count(bed.kube, "PATCH", "");
    policyd_bed_advance(&bed, 4 * 3600000);
    assert_int_equal(fake_kube_count(bed.kube, "PATCH", ""), before);
    assert_int_equal(fake_kube_count(bed.kube, "PUT", ""), 0);
    assert_int_equal(fake_kube_count(bed.kube, "POST", ""), 0);
}

/* Each object by itself: the others are not written again for it. One Event, whatever numbers the
 * refusals have. */
static void test_refusals_that_last(void **state)
{
    static const unsigned statuses[] = {403, 409, 422, 429, 500, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char name[20], path[200];
        snprintf(name, sizeof name, "g%zu", i);
        snprintf(path, sizeof path, "/apis/apps/v1/namespaces/shop/deployments/%s-weft", name);
        unsigned events = fake_kube_count(bed.kube, "POST", "/apis/events.k8s.io/");
        fake_kube_refuse(bed.kube, "PATCH", path, statuses[i]);
        policyd_bed_gateway(&bed, name, "");
        policyd_bed_advance(&bed, 60000);
        assert_in_range(fake_kube_count(bed.kube, "PATCH", path), 5, 13);
        policyd_bed_advance(&bed, 1200000);
        unsigned before = fake_kube_count(bed.kube, "PATCH", path);
        unsigned all = fake_kube_count(bed.kube, "PATCH", "");
        policyd_bed_advance(&bed, 600000);
        unsigned more = fake_kube_count(bed.kube, "PATCH", path) - before;
        assert_in_range(more, 1, 5);
        assert_true(fake_kube_count(bed.kube, "PATCH", "") - all <= 2 * more);
        assert_int_equal(fake_kube_count(bed.kube, "POST", "/apis/events.k8s.io/"), events + 1);
        fake_kube_refuse(bed.kube, "PATCH", path, 0);
        policyd_bed_advance(&bed, 400000);
        assert_true(is_there(path));
    }
}

/* Somebody undoes every write. */
static void test_somebody_who_will_not_have_it(void **state)
{
    unsigned before = 0;
    policyd_bed_gateway(&bed, "door", "");
    for (int i = 0; i < 1800; i++) {
        fake_kube_put(bed.kube, DEPLOYMENT,
                      "{metadata: {name: door-weft, namespace: shop, labels: "
                      "{app.kubernetes.io/managed-by: weft-policyd, "
                      "gateway.networking.k8s.io/gateway-name: door}}, spec: {template: {}}}");
        policyd_bed_advance(&bed, 1000);
        if (i == 1200)
            before = fake_kube_count(bed.kube, "PATCH", DEPLOYMENT);
    }
    assert_in_range(fake_kube_count(bed.kube, "PATCH", DEPLOYMENT) - before, 8, 22);
}

/* Labels have room for 63 bytes, names of Services too, and neither begins with a digit there. */
static void test_long_names(void **state)
{
    static const char *const names[] = {
        "a-gateway-with-a-name-that-is-a-good-deal-longer-than-a-label-may-be-at-most",
        "0.digits-and.dots-in-a-name-that-is-a-good-deal-longer-than-a-label-may-be-at-most"};
    for (size_t i = 0; i < 2; i++) {
        policyd_bed_gateway(&bed, names[i], "");
        const char *body = fake_kube_body(bed.kube, "PATCH", "/apis/apps/v1/namespaces/shop/");
        assert_null(strstr(body, "\"gateway.networking.k8s.io/gateway-name\":\"\""));
        const char *key = "\"gateway.networking.k8s.io/gateway-name\":\"";
        for (const char *at = body; (at = strstr(at, key)); at++)
            assert_true(strcspn(at + strlen(key), "\"") <= 63);
        assert_non_null(strstr(body, names[i])); /* what the program is told is the whole name */
        unsigned before = fake_kube_count(bed.kube, "PATCH", "");
        policyd_bed_advance(&bed, 600000);
        assert_int_equal(fake_kube_count(bed.kube, "PATCH", ""), before);
    }
}

static void test_ports_follow_the_listeners(void **state)
{
    policyd_bed_gateway(&bed, "door", "");
    fake_kube_put(bed.kube, DOOR,
                  "{metadata: {name: door, namespace: shop}, spec: {gatewayClassName: weft, "
                  "listeners: [{name: a, port: 8080, protocol: HTTP}, {name: b, port: 8080, "
                  "protocol: HTTP, hostname: b.com}, {name: c, port: 9000, protocol: TCP}]}}");
    policyd_bed_advance(&bed, 5000);
    const struct doc *ports = doc_find(fake_kube_get(bed.kube, SERVICE), "spec.ports");
    assert_int_equal(ports->count, 2);
    assert_int_equal(doc_get(ports->items[1], SLICE("port"))->integer, 9000);
}

static void test_what_cannot_be_applied_is_said_and_tried_again(void **state)
{
    fake_kube_refuse(bed.kube, "PATCH", DEPLOYMENT, 403);
    policyd_bed_gateway(&bed, "door", "");
    policyd_bed_advance(&bed, 10000);
    assert_false(is_there(DEPLOYMENT));
    assert_true(is_there(ACCOUNT) && is_there(SERVICE));
    expect_programmed("False", "deployments door-weft cannot be applied: 403");
    unsigned tries = fake_kube_count(bed.kube, "PATCH", DEPLOYMENT);
    assert_true(tries >= 3 && tries <= 8);
    fake_kube_refuse(bed.kube, "PATCH", DEPLOYMENT, 0);
    policyd_bed_advance(&bed, 20000);
    assert_true(is_there(DEPLOYMENT));
    expect_programmed("False", "no pod of its Deployment is ready yet");
}

static void put_slice(const char *ready)
{
    char text[500];
    snprintf(text, sizeof text,
             "{metadata: {name: door-weft-1, namespace: shop, labels: {kubernetes.io/service-name: "
             "door-weft}}, addressType: IPv4, ports: [{name: p, port: 80}], endpoints: "
             "[{addresses: [10.1.0.1], conditions: {ready: %s}}]}",
             ready);
    fake_kube_put(bed.kube, SLICES "door-weft-1", text);
    policyd_bed_advance(&bed, 5000);
}

/* Programmed once a pod is ready, with an address from then on. */
static void test_the_status_of_a_gateway(void **state)
{
    policyd_bed_gateway(&bed, "door", "");
    fake_kube_put(bed.kube, SERVICE,
                  "{metadata: {name: door-weft, namespace: shop}, spec: {clusterIP: 10.96.0.9, "
                  "ports: [{name: p, port: 80}]}, status: {loadBalancer: {ingress: [{ip: "
                  "192.0.2.9}]}}}");
    put_slice("false");
    expect_programmed("False", "no pod of its Deployment is ready yet");
    assert_string_equal(fake_kube_text(bed.kube, DOOR, "status.addresses[0].value"), "");
    put_slice("true");
    expect_programmed("True", "");
    assert_string_equal(fake_kube_text(bed.kube, DOOR, "status.addresses[0].value"), "192.0.2.9");
    put_slice("false");
    expect_programmed("False", "");
    assert_string_equal(fake_kube_text(bed.kube, DOOR, "status.addresses[0].value"), "192.0.2.9");
}

static void put_door(const char *hostname)
{
    char text[300];
    snprintf(text, sizeof text,
             "{metadata: {name: door, namespace: shop}, spec: {gatewayClassName: weft, listeners: "
             "[{name: http, port: 80, protocol: HTTP, hostname: %s}]}}",
             hostname);
    fake_kube_put(bed.kube, DOOR, text);
    policyd_bed_advance(&bed, 5000);
}

static void expect_reason(const char *reason, const char *message)
{
    expect_programmed("False", message);
    assert_string_equal(policyd_bed_condition(&bed, DOOR, "Programmed", "reason"), reason);
    assert_string_equal(
        fake_kube_text(bed.kube, DOOR, "status.listeners[0].conditions[1].reason"), reason);
}

static void put_running_door(void)
{
    put_door("good.example");
    fake_kube_put(bed.kube, SERVICE,
                  "{metadata: {name: door-weft, namespace: shop}, spec: {clusterIP: 10.96.0.9, "
                  "ports: [{name: p, port: 80}]}, status: {loadBalancer: {ingress: [{ip: "
                  "192.0.2.9}]}}}");
    fake_kube_put(bed.kube, "/api/v1/namespaces/shop/pods/door-1",
                  "{metadata: {name: door-1, namespace: shop, labels: "
                  "{gateway.networking.k8s.io/gateway-name: door}}, spec: {serviceAccountName: "
                  "door-weft, containers: [{name: c}]}}");
    put_slice("true");
    expect_programmed("True", "");
}

/* By the data plane's word, or because ours is that no data plane could use it. */
static void test_what_cannot_be_used_is_in_the_status(void **state)
{
    struct plane_bed streams;
    struct plane listener;
    put_running_door();
    plane_bed_lend(&streams, bed.loop, bed.subscribers);
    plane_connect(&listener, &streams, "spiffe://cluster.local/ns/shop/sa/door-weft",
                  clock_wall_ms() + PLANE_LIFE_MS);
    plane_hello(&listener, "door-1", "door", NULL);
    plane_ack_refused(&listener, "its certificate is none");
    policyd_bed_advance(&bed, 5000);
    expect_reason("Invalid", "its certificate is none");
    put_door("better.example");
    expect_reason("Pending", "its data plane is taking an update");
    plane_ack(&listener);
    policyd_bed_advance(&bed, 5000);
    expect_programmed("True", "");
    fake_kube_put(bed.kube, LISTENER_POLICY,
                  "{metadata: {name: l, namespace: shop}, spec: {targetRefs: [{kind: Gateway, "
                  "name: door}], trustedHops: 1}}");
    policyd_bed_advance(&bed, 1000);
    assert_int_equal(listener.updates, 3);
    plane_ack(&listener);
    fake_fit_bad = "bad.example";
    put_door("bad.example");
    assert_int_equal(listener.updates, 3);
    expect_reason("Invalid", "it has bad.example");
    assert_string_equal(policyd_bed_condition(&bed, LISTENER_POLICY, "Programmed", "reason"),
                        "Refused");
    put_door("better.example");
    expect_programmed("True", "");
    assert_string_equal(policyd_bed_condition(&bed, LISTENER_POLICY, "Programmed", "reason"), "");
    plane_disconnect(&listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_a_gateway_gets_its_data_plane),
        TEST(test_only_the_leader_makes_any),
        TEST(test_gateways_of_others_are_left_alone),
        TEST(test_what_others_delete_or_change_comes_back),
        TEST(test_accounts_and_services_come_back_too),
        TEST(test_ports_follow_the_listeners),
        TEST(test_what_cannot_be_applied_is_said_and_tried_again),
        TEST(test_an_idle_cluster_is_left_alone),
        TEST(test_refusals_that_last),
        TEST(test_somebody_who_will_not_have_it),
        TEST(test_long_names),
        TEST(test_the_status_of_a_gateway),
        TEST(test_what_cannot_be_used_is_in_the_status),
    };
    return cmocka_run_group_tests(tests, fake_kube_set_up, fake_kube_tear_down);
}
