/* access.c and gateway_names.c: who may have what.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/access.h"

#include <stdio.h>

#include "policies/store/policy_index.h"
#include "policies/gateway/gateway_names.h"
#include "tests/unit/policies/policyd/policy_text.h"

#define POD(name, account, labels)                                                               \
    "{apiVersion: v1, kind: Pod, metadata: {namespace: a, name: " name ", labels: {" labels "}}, " \
    "spec: {serviceAccountName: " account ", containers: [{name: c}]}}\n---\n"
#define OF(gateway) "gateway.networking.k8s.io/gateway-name: " gateway
#define HASH(hash) "pod-template-hash: " hash
#define LONG "a-deployment-whose-name-is-so-long-that-its-pods-are-cut"

static const char world[] =
    POD("app", "app", "")
    "{apiVersion: v1, kind: Pod, metadata: {namespace: a, name: plain}, spec: {containers: "
    "[{name: c}]}}\n---\n"
    POD("door-1", "door-weft", OF("door"))
    POD("thief", "thief", OF("door"))
    POD("named", "door", OF("door"))
    POD("own-7f-abcde", "x", OF("given") ", " HASH("7f"))
    POD("own-7f", "x", OF("given"))
    POD("own-9-abcde", "x", OF("given") ", " HASH("7f"))
    POD("own-7fx-abcde", "x", OF("given") ", " HASH("7f"))
    POD("ownx-1", "x", OF("given") ", " HASH("1x"))
    POD("own-1-7f-abcde", "x", OF("given") ", " HASH("7f"))
    POD("own-7f-other", "x", HASH("7f"))
    POD(LONG "-5abcde", "x", OF("long") ", " HASH("5d9"))
    POD(LONG "-5", "x", OF("long") ", " HASH("5d9"))
    "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {namespace: a, name: "
    "door}, spec: {gatewayClassName: weft, listeners: [{name: h, port: 80, protocol: HTTP}]}}\n"
    "---\n"
    "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {namespace: a, name: "
    "given, annotations: {weft.dev/deployment: own}}, spec: {gatewayClassName: weft, listeners: "
    "[{name: h, port: 80, protocol: HTTP}]}}\n---\n"
    "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {namespace: a, name: "
    "long, annotations: {weft.dev/deployment: " LONG "}}, spec: {gatewayClassName: weft, "
    "listeners: [{name: h, port: 80, protocol: HTTP}]}}\n";

static enum access_verdict judge(const char *ns, const char *account, const char *pod,
                                 const char *gateway, bool needs_pod)
{
    char why[ACCESS_WHY_MAX];
    struct policy_set *set = policy_text_set(world);
    struct access_claim claim = {slice_from_cstr(ns), slice_from_cstr(account),
                                 slice_from_cstr(pod), slice_from_cstr(gateway), needs_pod};
    enum access_verdict v = access_judge(set, &claim, why);
    assert_int_equal(why[0] == 0, v == ACCESS_YES);
    policy_set_destroy(set);
    return v;
}

static void test_a_pod_is_its_service_account(void **state)
{
    assert_int_equal(judge("a", "app", "app", "", true), ACCESS_YES);
    assert_int_equal(judge("a", "other", "app", "", true), ACCESS_NO);
    assert_int_equal(judge("a", "default", "plain", "", true), ACCESS_YES);
    assert_int_equal(judge("a", "app", "plain", "", true), ACCESS_NO);
}

static void test_a_pod_that_nobody_knows(void **state)
{
    assert_int_equal(judge("a", "app", "new", "", true), ACCESS_WAIT);
    assert_int_equal(judge("b", "app", "app", "", true), ACCESS_WAIT);
    assert_int_equal(judge("a", "app", "", "", true), ACCESS_NO);
    /* In a folder not everybody is named; who is must fit all the same. */
    assert_int_equal(judge("a", "app", "new", "", false), ACCESS_YES);
    assert_int_equal(judge("a", "app", "", "", false), ACCESS_YES);
    assert_int_equal(judge("a", "other", "app", "", false), ACCESS_NO);
}

static void test_a_gateway_is_for_its_own_pods(void **state)
{
    assert_int_equal(judge("a", "door-weft", "door-1", "door", true), ACCESS_YES);
    assert_int_equal(judge("a", "app", "app", "door", true), ACCESS_NO);
    assert_int_equal(judge("a", "thief", "thief", "door", true), ACCESS_NO);
    assert_int_equal(judge("a", "door-weft", "door-1", "given", true), ACCESS_NO);
    assert_int_equal(judge("a", "door-weft", "door-1", "other", true), ACCESS_WAIT);
    assert_int_equal(judge("b", "door-weft", "door-1", "door", true), ACCESS_WAIT);
    assert_int_equal(judge("a", "door-weft", "", "door", false), ACCESS_YES);
    assert_int_equal(judge("a", "door", "", "door", false), ACCESS_YES);
    assert_int_equal(judge("a", "app", "", "door", false), ACCESS_NO);
}

/* Only where Kubernetes does not know the pods is a service account that is called like the Gateway
 * a claim to its keys. */
static void test_an_account_named_like_a_gateway_is_nobody(void **state)
{
    assert_int_equal(judge("a", "door", "named", "door", true), ACCESS_NO);
    assert_int_equal(judge("a", "door", "new", "door", true), ACCESS_WAIT);
    assert_int_equal(judge("a", "door", "", "door", true), ACCESS_NO);
    assert_int_equal(judge("a", "door", "new", "door", false), ACCESS_YES);
    assert_int_equal(judge("a", "given", "app", "given", true), ACCESS_NO);
}

static void test_a_deployment_that_the_gateway_names(void **state)
{
    assert_int_equal(judge("a", "x", "own-7f-abcde", "given", true), ACCESS_YES);
    assert_int_equal(judge("a", "x", "own-7f-abcde", "door", true), ACCESS_NO);
    assert_int_equal(judge("a", "thief", "thief", "given", true), ACCESS_NO);
    assert_int_equal(judge("a", "x", LONG "-5abcde", "long", true), ACCESS_YES);
}

static void test_pods_of_deployments_with_similar_names(void **state)
{
    static const char *const others[] = {
        "own-7f",         /* no hash at all */
        "own-9-abcde",    /* another hash than its label */
        "own-7fx-abcde",  /* a longer one */
        "ownx-1",         /* of a Deployment "ownx" */
        "own-1-7f-abcde", /* of a Deployment "own-1" */
        "own-7f-other",   /* without the Gateway's label */
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(judge("a", "x", others[i], "given", true), ACCESS_NO);
    assert_int_equal(judge("a", "x", LONG "-5", "long", true), ACCESS_NO);
}

static void expect_name(const char *gateway, const char *class, const char *wanted)
{
    char name[GATEWAY_NAMES_MAX];
    struct gateway g = {.object.meta.name = slice_from_cstr(gateway),
                        .spec.class_name = slice_from_cstr(class)};
    gateway_names_managed(&g, name);
    assert_true(strlen(name) < GATEWAY_NAMES_MAX);
    if (wanted)
        assert_string_equal(name, wanted);
    else
        assert_null(strchr(name, '.'));
}

static void test_names_are_names_of_services(void **state)
{
    char one[GATEWAY_NAMES_MAX], other[GATEWAY_NAMES_MAX];
    const char *base = "a-very-long-name-of-a-gateway-that-goes-on-and-on-until-it-is-too-long";
    struct gateway a = {.object.meta.name = slice_from_cstr(base),
                        .spec.class_name = SLICE("weft")};
    struct gateway b = {.object.meta.name = slice_from_cstr(base), .spec.class_name = SLICE("x")};
    expect_name("door", "weft", "door-weft");
    expect_name("a.b", "weft", NULL);
    expect_name(base, "weft", NULL);
    assert_string_not_equal(gateway_names_managed(&a, one), gateway_names_managed(&b, other));
    struct gateway digit = {.object.meta.name = SLICE("1st"), .spec.class_name = SLICE("weft")};
    assert_true(gateway_names_managed(&digit, one)[0] == 'g');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pod_is_its_service_account),
        cmocka_unit_test(test_a_pod_that_nobody_knows),
        cmocka_unit_test(test_a_gateway_is_for_its_own_pods),
        cmocka_unit_test(test_an_account_named_like_a_gateway_is_nobody),
        cmocka_unit_test(test_a_deployment_that_the_gateway_names),
        cmocka_unit_test(test_pods_of_deployments_with_similar_names),
        cmocka_unit_test(test_names_are_names_of_services),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
