/* A pod that is called by its own address, without a service: mutual TLS with the identity that the
 * control plane knows it by, and no other.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_mesh.h"

#include <string.h>

#define GET "GET /x HTTP/1.1\r\nhost: 10.0.9.2:8080\r\nx-request-id: 1\r\n\r\n"

static void request(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    sim_conf_workload(&m.out_conf, "10.0.9.2", SIM_MESH_SERVER_ID);
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, SIM_MESH_APP);
    sim_peer_send(client, GET);
    sim_turn(&m.sim);
    struct sim_peer *app = sim_mesh_accept(&m);
    sim_peer_expect_part(app, "GET /x HTTP/1.1\r\n", "URI=" SIM_MESH_CLIENT_ID);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_peer_destroy(client);
    sim_mesh_finish(&m);
}

static void opaque(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    sim_conf_workload(&m.out_conf, "10.0.9.2", SIM_MESH_SERVER_ID);
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, SIM_MESH_APP);
    sim_peer_send(client, "\x01\x02 no HTTP\r\n\r\n");
    sim_turn(&m.sim);
    struct sim_peer *app = sim_mesh_accept(&m);
    sim_peer_expect(app, "\x01\x02 no HTTP\r\n\r\n");
    sim_peer_send(app, "me neither");
    sim_peer_expect(client, "me neither");
    sim_peer_destroy(client);
    sim_mesh_finish(&m);
}

/* Somebody else at that address hears nothing of it. */
static void somebody_else(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    sim_conf_workload(&m.out_conf, "10.0.9.2", SIM_MESH_OTHER_ID);
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, SIM_MESH_APP);
    sim_peer_send(client, GET);
    sim_advance(&m.sim, 500);
    assert_non_null(strstr(sim_peer_got(client), "expected was " SIM_MESH_OTHER_ID));
    sim_peer_expect_part(client, "HTTP/1.1 503 ", "x-weft-reason: tls_failed\r\n");
    assert_int_equal(m.app.connections, 0);
    sim_peer_destroy(client);
    sim_mesh_finish(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request),
        cmocka_unit_test(opaque),
        cmocka_unit_test(somebody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
