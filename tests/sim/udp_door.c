/* See udp_door.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/udp_door.h"

static const char *const addresses[] = {"10.0.0.1:5353", "10.0.0.2:5353", "10.0.0.3:5353"};

void udp_door_prepare(struct udp_door *d)
{
    *d = (struct udp_door){0};
    sim_udp_sent = (struct sim_udp_sent){0};
    sim_open(&d->sim);
    sim_conf_init(&d->conf);
    d->one = sim_conf_cluster(&d->conf, "one");
    d->two = sim_conf_cluster(&d->conf, "two");
    sim_conf_balance(d->one, "RoundRobin");
    for (unsigned i = 0; i < 3; i++) {
        sim_udp_add(&d->hosts[i], addresses[i]);
        sim_conf_endpoint(&d->conf, i < 2 ? d->one : d->two, addresses[i]);
    }
    d->port = sim_conf_port(&d->conf, 53, SIM_LISTENER_UDP);
    sim_listener *l = sim_conf_listener(&d->conf, d->port, "", SIM_LISTENER_UDP);
    d->route = sim_conf_stream(&d->conf, l, NULL, NULL);
}

void udp_door_start(struct udp_door *d)
{
    sim_node_open(&d->node, &d->sim, MODE_INGRESS, "10.0.9.1", &d->conf);
}

void udp_door_open(struct udp_door *d)
{
    udp_door_prepare(d);
    sim_conf_share(&d->conf, d->route, "one", 1);
    udp_door_start(d);
}

void udp_door_close(struct udp_door *d)
{
    sim_udp_refuse_sends(ERR_OK, ERR_OK);
    sim_advance(&d->sim, 3600 * 1000);
    assert_int_equal(udp_door_flows(d), 0);
    assert_int_equal(sim_udp_connected(), 0);
    sim_node_close(&d->node);
    for (unsigned i = 0; i < 3; i++)
        sim_udp_remove(&d->hosts[i]);
    sim_conf_dispose(&d->conf);
    sim_close(&d->sim);
}

uint32_t udp_door_flows(const struct udp_door *d)
{
    return flow_table_count(&d->node.worker.flows);
}

void udp_door_ask(struct udp_door *d, const char *client, const char *text)
{
    sim_udp_arrive(53, client, "198.51.100.1", text, 1);
    sim_turn(&d->sim);
}

unsigned udp_door_had(const struct udp_door *d)
{
    return d->hosts[0].count + d->hosts[1].count + d->hosts[2].count;
}

struct sim_udp_host *udp_door_server(struct udp_door *d)
{
    for (unsigned i = 0; i < 3; i++)
        if (d->hosts[i].count)
            return &d->hosts[i];
    return NULL;
}
