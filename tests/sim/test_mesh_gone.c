/* An app that is gone before its sidecar: nothing was delivered, and the sidecars know it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_mesh.h"

#include <string.h>

#define HEAD(line) line "\r\nhost: reviews\r\nx-request-id: 1\r\n"

/* Nothing of the request was delivered, so even a POST goes to another endpoint, once. */
static void app_gone_before(void **state)
{
    struct sim_mesh m;
    struct sim_app other;
    sim_mesh_prepare(&m);
    sim_conf_endpoint(&m.out_conf, m.cluster, "10.0.9.3:8080");
    sim_conf_balance(m.cluster, "RoundRobin");
    sim_mesh_start(&m);
    m.app.host.answer = SIM_REFUSE;
    sim_app_open(&other, "10.0.9.3:8080");
    for (int i = 0; i < 4; i++) {
        struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
        sim_peer_send(client, HEAD("POST /x HTTP/1.1") "content-length: 6\r\n\r\nabcdef");
        sim_turn(&m.sim);
        sim_advance(&m.sim, 60);
        struct sim_peer *app = sim_app_accept(&other);
        assert_non_null(app);
        assert_non_null(strstr(sim_peer_got(app), "abcdef"));
        sim_peer_send(app,
                      "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello");
        sim_turn(&m.sim);
        assert_non_null(strstr(sim_peer_got(client), "HTTP/1.1 200 OK"));
        sim_peer_destroy(client);
    }
    assert_int_not_equal(m.app.host.dials, 0);
    sim_app_close(&other);
    sim_mesh_finish(&m);
}

/* With nobody else to ask, the client hears what the sidecar there said. */
static void app_gone_and_nobody_else(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    sim_mesh_start(&m);
    m.app.host.answer = SIM_REFUSE;
    struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
    sim_peer_send(client, HEAD("GET /x HTTP/1.1") "\r\n");
    sim_turn(&m.sim);
    sim_advance(&m.sim, 60);
    assert_non_null(strstr(sim_peer_got(client), "HTTP/1.1 503 "));
    assert_non_null(strstr(sim_peer_got(client), "x-weft-reason: connect_failed"));
    sim_peer_destroy(client);
    sim_mesh_finish(&m);
}

/* An app cannot make the sidecars believe that. */
static void app_says_it_itself(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
    sim_peer_send(client, HEAD("GET /x HTTP/1.1") "\r\n");
    struct sim_peer *app = sim_mesh_accept(&m);
    sim_peer_send(app, "HTTP/1.1 503 Service Unavailable\r\nx-weft-reason: connect_failed\r\n"
                       "content-length: 0\r\n\r\n");
    sim_turn(&m.sim);
    sim_advance(&m.sim, 60);
    assert_non_null(strstr(sim_peer_got(client), "HTTP/1.1 503 "));
    assert_null(strstr(sim_peer_got(client), "x-weft-reason"));
    assert_int_equal(m.app.host.dials, 1);
    sim_peer_destroy(client);
    sim_mesh_finish(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(app_gone_before),
        cmocka_unit_test(app_gone_and_nobody_else),
        cmocka_unit_test(app_says_it_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
