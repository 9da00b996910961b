/* See sim_service.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_service.h"

#include <stdio.h>

void sim_service_prepare(struct sim_service *s, unsigned endpoints)
{
    sim_road_prepare(&s->r);
    for (unsigned i = 1; i < endpoints; i++) {
        char at[32];
        snprintf(at, sizeof(at), "10.0.0.%u:8080", i + 1);
        sim_conf_endpoint(&s->r.conf, s->r.cluster, at);
    }
}

void sim_service_start(struct sim_service *s, enum http_protocol protocol)
{
    s->r.cluster->protocol = protocol == HTTP_PROTOCOL_2 ? SIM_HTTP2 : SIM_HTTP1;
    sim_node_open(&s->r.node, &s->r.sim, MODE_SIDECAR, "10.0.9.1", &s->r.conf);
    for (unsigned i = 0; i < SIM_SERVICE_APPS; i++) {
        char at[32];
        snprintf(at, sizeof(at), "10.0.0.%u:8080", i + 1);
        sim_server_open(&s->apps[i], s->r.sim.loop, at, protocol);
    }
    sim_client_open(&s->client, sim_node_dial(&s->r.node, ROAD_VIP), HTTP_PROTOCOL_2);
    sim_turn(&s->r.sim);
}

void sim_service_finish(struct sim_service *s)
{
    sim_client_close(&s->client);
    sim_node_check_idle(&s->r.node);
    for (unsigned i = 0; i < SIM_SERVICE_APPS; i++)
        sim_server_close(&s->apps[i]);
    sim_turn(&s->r.sim);
    sim_node_close(&s->r.node);
    sim_conf_dispose(&s->r.conf);
    sim_close(&s->r.sim);
}

struct sim_call *sim_service_ask(struct sim_service *s)
{
    struct sim_call *call = sim_client_call(&s->client, "GET", "app", "/", NULL, true);
    sim_turn(&s->r.sim);
    return call;
}

void sim_service_ask_times(struct sim_service *s, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        sim_service_ask(s);
        sim_advance(&s->r.sim, 10);
    }
}
