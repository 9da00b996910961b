/* See sim_road.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

void sim_road_prepare(struct sim_road *r)
{
    *r = (struct sim_road){0};
    sim_open(&r->sim);
    sim_conf_init(&r->conf);
    r->cluster = sim_conf_cluster(&r->conf, "app");
    r->endpoint = sim_conf_endpoint(&r->conf, r->cluster, ROAD_APP);
    r->destination = sim_conf_destination(&r->conf, ROAD_VIP, "app", SIM_HTTP, "app");
}

void sim_road_start(struct sim_road *r)
{
    sim_app_open(&r->app, ROAD_APP);
    sim_node_open(&r->node, &r->sim, MODE_SIDECAR, "10.0.9.1", &r->conf);
}

void sim_road_open(struct sim_road *r)
{
    sim_road_prepare(r);
    sim_road_start(r);
}

void sim_road_close(struct sim_road *r)
{
    sim_node_close(&r->node);
    sim_app_close(&r->app);
    sim_conf_dispose(&r->conf);
    sim_close(&r->sim);
}

struct sim_peer *sim_road_client(struct sim_road *r)
{
    return sim_node_connect(&r->node, ROAD_VIP);
}

struct sim_peer *sim_road_app(struct sim_road *r)
{
    sim_turn(&r->sim);
    struct sim_peer *p = sim_app_accept(&r->app);
    assert_non_null(p);
    sim_turn(&r->sim);
    return p;
}

void sim_road_done(struct sim_road *r, struct sim_peer *client)
{
    sim_peer_destroy(client);
    sim_node_check_idle(&r->node);
}
