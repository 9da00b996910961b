/* plural.c: every kind's path is the one that the API server has.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "policies/kinds/kind.h"
#include "weftctl/plural.h"

static void test_words(void **state)
{
    static const char *const cases[][2] = {
        {"Pod", "pods"},
        {"Gateway", "gateways"},
        {"GatewayClass", "gatewayclasses"},
        {"Ingress", "ingresses"},
        {"AuthorizationPolicy", "authorizationpolicies"},
        {"BackendTLSPolicy", "backendtlspolicies"},
        {"EndpointSlice", "endpointslices"},
        {"Endpoints", "endpoints"},
        {"MutatingWebhookConfiguration", "mutatingwebhookconfigurations"},
        {"PodDisruptionBudget", "poddisruptionbudgets"},
        {"NetworkPolicy", "networkpolicies"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *plural = plural_of(slice_from_cstr(cases[i][0]));
        assert_string_equal(plural, cases[i][1]);
        mem_free(plural);
    }
}

/* The plurals of our kinds are written down: by the same rule. */
static void test_kinds(void **state)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        char *plural = plural_of(slice_from_cstr(kind_all[i]->name));
        assert_string_equal(kind_all[i]->plural, plural);
        mem_free(plural);
    }
    assert_string_equal(kind_path(kind_all[KIND_POD]), "/api/v1/pods");
    assert_string_equal(kind_path(kind_all[KIND_HTTP_ROUTE]),
                        "/apis/gateway.networking.k8s.io/v1/httproutes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
