/* What a Gateway found out it says in a header of its own, which counts for whoever trusts it:
 * more than what clients told the Gateway, and also that it could not find out. And how it passes
 * on a list that is spread over many fields.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_door.h"
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

/* One list of what is believed, whatever stands between its parts and before them. */
static void a_list_over_many_fields(void **state)
{
    static const struct {
        uint32_t hops;
        const char *fields, *list;
    } cases[] = {
        {2,
         "x-weft-client: 9.9.9.9\r\nx-forwarded-for: 8.8.8.8, 198.51.100.7\r\nx-a: b\r\n"
         "x-forwarded-for: \r\nx-c: d\r\nx-forwarded-for: 192.0.2.1\r\n",
         "x-forwarded-for: 198.51.100.7, 192.0.2.1, 203.0.113.9\r\n"},
        {8,
         "x-forwarded-for: 8.8.8.8\r\nx-forwarded-for: 1.0.0.1\r\nx-forwarded-for: 1.0.0.2\r\n"
         "x-forwarded-for: 1.0.0.3\r\nx-forwarded-for: 1.0.0.4\r\nx-forwarded-for: 1.0.0.5\r\n"
         "x-forwarded-for: 1.0.0.6\r\nx-forwarded-for: 1.0.0.7\r\nx-forwarded-for: 1.0.0.8\r\n",
         "x-forwarded-for: 1.0.0.1, 1.0.0.2, 1.0.0.3, 1.0.0.4, 1.0.0.5, 1.0.0.6, 1.0.0.7, "
         "1.0.0.8, 203.0.113.9\r\n"},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_door d;
        char request[1000];
        sim_door_prepare(&d);
        sim_gateway *g = sim_conf_gateway(&d.conf, 8000, "one");
        sim_conf_clients(&d.conf, g)->trust->hops = cases[i].hops;
        sim_door_start(&d);
        struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
        snprintf(request, sizeof(request), "GET /x HTTP/1.1\r\nhost: shop\r\n%s\r\n",
                 cases[i].fields);
        sim_peer_send(client, request);
        struct sim_peer *app = sim_door_app(&d, 0);
        assert_non_null(app);
        if (!strstr(sim_peer_got(app), cases[i].list))
            fail_msg("\"%s\" is not in\n%s", cases[i].list, sim_peer_got(app));
        assert_null(strstr(sim_peer_got(app), "8.8.8.8"));
        assert_null(strstr(sim_peer_got(app), "9.9.9.9"));
        sim_door_done(&d, client);
        sim_door_close(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_gateway_found_out),
        cmocka_unit_test(a_list_over_many_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
