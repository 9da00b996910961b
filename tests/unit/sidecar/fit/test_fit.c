/* What a data plane would not take is said, and what it would is not, for one configuration and for
 * all that a folder could give. SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/fit/fit.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/sidecar/cmocka_sidecar.h"
#include "tests/unit/sidecar/config_make.h"

static char last[256];

static void on_refused(void *owner, const char *resource, const char *why)
{
    (void)owner, (void)resource;
    snprintf(last, sizeof(last), "%s", why);
}

static void test_one_configuration(void **state)
{
    struct config_make make;
    config_make_init(&make);
    config_make_workload(&make, "10.0.0.1", "good", 1);
    assert_int_equal(fit_check(&make.message, on_refused, NULL), 0);
    config_make_workload(&make, "nonsense", "bad", 1);
    Weft__Config__V1__GatewayPort *g = config_make_gateway(&make, "infra/front:443", 1, 443);
    g->protocol = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS;
    assert_int_equal(fit_check(&make.message, on_refused, NULL), 2);
    assert_non_null(strstr(last, "no certificate"));
    config_make_dispose(&make);
}

static void test_one_resource(void **state)
{
    struct config_make make;
    config_make_init(&make);
    config_make_workload(&make, "10.0.0.1", "good", 1);
    config_make_workload(&make, "nonsense", "bad", 1);
    assert_int_equal(fit_check_resource(make.message.resources[0], on_refused, NULL), 0);
    assert_int_equal(fit_check_resource(make.message.resources[1], on_refused, NULL), 1);
    assert_non_null(strstr(last, "not an IP address"));
    config_make_dispose(&make);
}

static void test_a_set(void **state)
{
    static const char text[] =
        "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop}, spec: {}, "
        "status: {podIP: 10.0.0.1}}\n---\n"
        "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: g, "
        "namespace: shop}, spec: {gatewayClassName: weft, listeners: [{name: http, port: 80, "
        "protocol: HTTP}]}}\n";
    struct policy_set *set = policy_set_create();
    struct diag_list diags;
    diag_list_init(&diags);
    assert_int_equal(
        policy_set_add_text(set, SLICE("t.yaml"), slice_from_cstr(text), &diags), ERR_OK);
    assert_int_equal(policy_set_finish(set, &diags), ERR_OK);
    assert_int_equal(fit_check_set(set, &diags, NULL), 0);
    assert_int_equal(diags.errors, 0);
    diag_list_dispose(&diags);
    policy_set_destroy(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_configuration),
        cmocka_unit_test(test_one_resource),
        cmocka_unit_test(test_a_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
