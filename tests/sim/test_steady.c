/* The steady state: once warm, requests ask nothing of the system's allocator. With the real
 * allocator and the real metrics. SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <string.h>

#include "lib/base/mem.h"

enum { WARM = 200, COUNTED = 1000 };

#define POST                                                                          \
    "POST /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\ncontent-length: 100\r\n\r\n" \
    "01234567890123456789012345678901234567890123456789"                              \
    "01234567890123456789012345678901234567890123456789"

static void exchange_once(struct sim *sim, struct sim_peer *client, struct sim_peer *app,
                          const char *request)
{
    sim_peer_send(client, request);
    sim_turn(sim);
    assert_true(app->in.len >= strlen(request) - 20);
    sim_peer_forget(app);
    sim_peer_send(app, ROAD_OK);
    sim_turn(sim);
    assert_string_equal(sim_peer_got(client), ROAD_OK);
    sim_peer_forget(client);
}

static void check_steady(struct sim *sim, struct sim_peer *client, struct sim_peer *app)
{
    static const char *const requests[] = {ROAD_GET, POST};
    for (int i = 0; i < WARM; i++)
        exchange_once(sim, client, app, requests[i % 2]);
    uint64_t before = mem_fresh_count();
    for (int i = 0; i < COUNTED; i++) {
        exchange_once(sim, client, app, requests[i % 2]);
        if (i % 100 == 0)
            sim_advance(sim, 50);
    }
    assert_int_equal(mem_fresh_count() - before, 0);
}

static void plain(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_forget(app);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    check_steady(&r.sim, client, app);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* HTTP/2 between two sidecars. */
static void mesh(void **state)
{
    static char id[] = "spiffe://cluster.local/ns/default/sa/app";
    struct sim_road r;
    struct sim_node to;
    struct sim_app app;
    sim_road_prepare(&r);
    r.endpoint->meshed = true;
    r.endpoint->spiffe_id = id;
    sim_node_open(&r.node, &r.sim, MODE_SIDECAR, "10.0.9.1", &r.conf);
    sim_node_open(&to, &r.sim, MODE_SIDECAR, "10.0.0.1", NULL);
    sim_node_identify(&r.node, id);
    sim_node_identify(&to, id);
    sim_app_open(&app, ROAD_APP);
    app.host.behind_proxy = true;
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    sim_turn(&r.sim);
    struct sim_peer *at = sim_app_accept(&app);
    assert_non_null(at);
    sim_peer_forget(at);
    sim_peer_send(at, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    check_steady(&r.sim, client, at);
    sim_peer_destroy(client);
    sim_node_check_idle(&r.node);
    cluster_table_drain(&r.node.worker.clusters);
    sim_advance(&r.sim, 3000);
    sim_app_close(&app);
    sim_node_close(&to);
    sim_node_close(&r.node);
    sim_conf_dispose(&r.conf);
    sim_close(&r.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(mesh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
