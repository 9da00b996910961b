/* A gateway with a port for datagrams, 53, and two services behind it: "one" with two servers,
 * 10.0.0.1 and 10.0.0.2, and "two" with one, 10.0.0.3; all at port 5353.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/session/flow.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_report.h"
#include "tests/sim/sim_udp.h"

#define UDP_CLIENT "203.0.113.9:40000"

struct udp_door {
    struct sim sim;
    struct sim_conf conf;
    struct sim_node node;
    struct sim_udp_host hosts[3];
    sim_cluster *one, *two;
    sim_gateway *port;
    sim_stream *route; /* without shares */
};

/* The configuration, which a test may change before udp_door_start. */
void udp_door_prepare(struct udp_door *d);
/* The same with a share for "one" alone. */
void udp_door_open(struct udp_door *d);
void udp_door_start(struct udp_door *d);
/* Everything that was begun is given back. */
void udp_door_close(struct udp_door *d);

uint32_t udp_door_flows(const struct udp_door *d);
/* From that client to port 53. */
void udp_door_ask(struct udp_door *d, const char *client, const char *text);
/* Datagrams that one of the servers had. */
unsigned udp_door_had(const struct udp_door *d);
/* The server that has heard something last from who asked alone; NULL: none has. */
struct sim_udp_host *udp_door_server(struct udp_door *d);
