/* What a Gateway found out it says in a header of its own, which counts for whoever trusts it:
 * more than what clients told the Gateway, and also that it could not find out.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_mesh.h"
#include "tests/sim/sim_pod.h"
#include "tests/sim/sim_tls.h"

#include <stdio.h>
#include <string.h>

static void what_a_gateway_found_out(void **state)
{
    static const char edge[] = "spiffe://cluster.local/ns/default/sa/edge";
    static const struct {
        bool is_trusted;
        const char *said;
        bool is_let_in;
    } cases[] = {{true, "198.51.100.7", true},
                {true, "8.8.8.8", false},
                {true, "unknown", false},
                {false, "198.51.100.7", false}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_pod p;
        char request[300];
        sim_pod_prepare(&p);
        if (cases[i].is_trusted)
            sim_conf_trust_identity(&p.conf, sim_conf_clients(&p.conf, NULL),
                                    &edge[strlen("spiffe://")]);
        sim_authz *policy = sim_conf_authz(&p.conf, SIM_ALLOW, NULL, NULL);
        sim_conf_remote(&p.conf, policy, "198.51.100.7");
        sim_conf_guard(&p.conf, p.inbound, policy);
        sim_pod_start(&p);
        sim_node_identify(&p.node, SIM_MESH_SERVER_ID);
        struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
        sim_tls_connect(client->s, edge, "weft-h1");
        snprintf(request, sizeof(request),
                 "GET /x HTTP/1.1\r\nhost: app\r\nx-weft-client: %s\r\n"
                 "x-forwarded-for: 8.8.8.8, 198.51.100.7\r\n\r\n",
                 cases[i].said);
        sim_peer_send(client, request);
        sim_turn(&p.sim);
        struct sim_peer *app = sim_app_accept(&p.app);
        assert_int_equal(app != NULL, cases[i].is_let_in);
        if (!app)
            assert_non_null(strstr(sim_peer_got(client), "HTTP/1.1 403 "));
        sim_peer_destroy(client);
        sim_turn(&p.sim);
        sim_pod_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_a_gateway_found_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
