/* Every kind: what is accepted, and for each wrong field the exact line, path and sentence.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "policies/policy_set.h"
#include "tests/unit/policies/cases.h"

/* "accepted" or "refused", then all that was said. */
static void check(const struct cases_item *item, struct buf *out)
{
    struct policy_set *set = policy_set_create();
    struct diag_list diags;
    diag_list_init(&diags);
    enum err e = policy_set_add_text(set, SLICE("t.yaml"), item->input, &diags);
    if (!e)
        e = policy_set_finish(set, &diags);
    buf_append_slice(out, e ? SLICE("refused\n") : SLICE("accepted\n"));
    assert_int_equal(e != ERR_OK, diags.errors > 0);
    LIST_FOREACH(node, &diags.items)
    {
        buf_append_slice(out, diag_format(&diags, container_of(node, struct diag, node)));
        buf_append_slice(out, SLICE("\n"));
    }
    diag_list_dispose(&diags);
    policy_set_destroy(set);
}

#define KIND(name, least)                        \
    static void test_##name(void **state)        \
    {                                            \
        (void)state;                             \
        cases_run(#name ".cases", least, check); \
    }

KIND(documents, 10)
KIND(core, 12)
KIND(gateway, 12)
KIND(listener_set, 3)
KIND(listener_policy, 4)
KIND(stream_route, 4)
KIND(http_route, 25)
KIND(grpc_route, 4)
KIND(backend_tls_policy, 5)
KIND(ingress, 3)
KIND(reference_grant, 3)
KIND(traffic_policy, 8)
KIND(peer_authentication, 5)
KIND(authorization_policy, 15)
KIND(mesh_config, 4)
KIND(across, 6)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_core),
        cmocka_unit_test(test_gateway),
        cmocka_unit_test(test_listener_set),
        cmocka_unit_test(test_listener_policy),
        cmocka_unit_test(test_stream_route),
        cmocka_unit_test(test_http_route),
        cmocka_unit_test(test_grpc_route),
        cmocka_unit_test(test_backend_tls_policy),
        cmocka_unit_test(test_ingress),
        cmocka_unit_test(test_reference_grant),
        cmocka_unit_test(test_traffic_policy),
        cmocka_unit_test(test_peer_authentication),
        cmocka_unit_test(test_authorization_policy),
        cmocka_unit_test(test_mesh_config),
        cmocka_unit_test(test_across),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
