/* Starting and ending a simulated pair of sidecars. One thread, that of the test. Must not know
 * what is sent through them, nor what ought to come of it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_mesh.h"

void sim_mesh_prepare(struct sim_mesh *m)
{
    static char id[] = SIM_MESH_SERVER_ID;
    *m = (struct sim_mesh){0};
    sim_open(&m->sim);
    sim_conf_init(&m->out_conf);
    sim_conf_init(&m->in_conf);
    m->cluster = sim_conf_cluster(&m->out_conf, "reviews");
    m->endpoint = sim_conf_endpoint(&m->out_conf, m->cluster, SIM_MESH_APP);
    m->endpoint->meshed = true;
    m->endpoint->spiffe_id = id;
    m->destination = sim_conf_destination(&m->out_conf, ROAD_VIP, "reviews", SIM_AUTO, "reviews");
    m->inbound = sim_conf_inbound(&m->in_conf);
    m->inbound->mtls = SIM_STRICT;
}

void sim_mesh_start_nodes(struct sim_mesh *m)
{
    sim_node_open(&m->out, &m->sim, MODE_SIDECAR, "10.0.9.1", &m->out_conf);
    sim_node_open(&m->in, &m->sim, MODE_SIDECAR, "10.0.9.2", &m->in_conf);
    sim_node_identify(&m->out, SIM_MESH_CLIENT_ID);
    if (!m->no_certificate)
        sim_node_identify(&m->in, SIM_MESH_SERVER_ID);
}

void sim_mesh_start(struct sim_mesh *m)
{
    sim_mesh_start_nodes(m);
    sim_app_open(&m->app, SIM_MESH_APP);
    m->app.host.behind_proxy = true;
}

void sim_mesh_start_http(struct sim_mesh *m, enum http_protocol protocol)
{
    sim_mesh_start_nodes(m);
    sim_server_open(&m->server, m->sim.loop, SIM_MESH_APP, protocol);
    m->server.host.behind_proxy = true;
    m->has_server = true;
}

void sim_mesh_finish(struct sim_mesh *m)
{
    /* The first closes its connections, and with them end the other's sessions. */
    sim_node_check_idle(&m->out);
    cluster_table_drain(&m->out.worker.clusters);
    sim_turn(&m->sim);
    sim_advance(&m->sim, 3000);
    sim_node_close(&m->out);
    if (m->has_server)
        sim_server_close(&m->server);
    sim_node_close(&m->in);
    if (!m->has_server)
        sim_app_close(&m->app);
    sim_conf_dispose(&m->out_conf);
    sim_conf_dispose(&m->in_conf);
    sim_close(&m->sim);
}

struct sim_peer *sim_mesh_accept(struct sim_mesh *m)
{
    sim_turn(&m->sim);
    struct sim_peer *p = sim_app_accept(&m->app);
    assert_non_null(p);
    return p;
}
