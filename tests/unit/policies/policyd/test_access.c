/* access.c and gateway_names.c: who may have what.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/access.h"

#include <stdio.h>

#include "policies/policy_index.h"
#include "policies/policyd/gateway_names.h"
#include "tests/unit/policies/policyd/policy_text.h"

static const char world[] =
    "{apiVersion: v1, kind: Pod, metadata: {namespace: a, name: app}, spec: {serviceAccountName: "
    "app, containers: [{name: c}]}}\n---\n"
    "{apiVersion: v1, kind: Pod, metadata: {namespace: a, name: plain}, spec: {containers: "
    "[{name: c}]}}\n---\n"
    "{apiVersion: v1, kind: Pod, metadata: {namespace: a, name: door-1, labels: "
    "{gateway.networking.k8s.io/gateway-name: door}}, spec: {serviceAccountName: door-weft, "
    "containers: [{name: c}]}}\n---\n"
    "{apiVersion: v1, kind: Pod, metadata: {namespace: a, name: thief, labels: "
    "{gateway.networking.k8s.io/gateway-name: door}}, spec: {serviceAccountName: thief, "
    "containers: [{name: c}]}}\n---\n"
    "{apiVersion: v1, kind: Pod, metadata: {namespace: a, name: own-7f, labels: "
    "{gateway.networking.k8s.io/gateway-name: given}}, spec: {serviceAccountName: x, containers: "
    "[{name: c}]}}\n---\n"
    "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {namespace: a, name: "
    "door}, spec: {gatewayClassName: weft, listeners: [{name: h, port: 80, protocol: HTTP}]}}\n"
    "---\n"
    "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {namespace: a, name: "
    "given, annotations: {weft.dev/deployment: own}}, spec: {gatewayClassName: weft, listeners: "
    "[{name: h, port: 80, protocol: HTTP}]}}\n";

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

static void test_a_deployment_that_the_gateway_names(void **state)
{
    assert_int_equal(judge("a", "x", "own-7f", "given", true), ACCESS_YES);
    assert_int_equal(judge("a", "x", "own-7f", "door", true), ACCESS_NO);
    assert_int_equal(judge("a", "thief", "thief", "given", true), ACCESS_NO);
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
        cmocka_unit_test(test_a_deployment_that_the_gateway_names),
        cmocka_unit_test(test_names_are_names_of_services),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
