/* Two sidecars back to back: "out" beside the client, "in" beside the app, mutual TLS between them.
 * For tests about what the two are to each other. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "tests/sim/sim_road.h"

#define SIM_MESH_CLIENT_ID "spiffe://cluster.local/ns/default/sa/frontend"
#define SIM_MESH_SERVER_ID "spiffe://cluster.local/ns/default/sa/reviews"
#define SIM_MESH_OTHER_ID "spiffe://cluster.local/ns/default/sa/somebody"
#define SIM_MESH_APP "10.0.9.2:8080"

struct sim_mesh {
    struct sim sim;
    struct sim_conf out_conf, in_conf;
    sim_cluster *cluster;
    sim_endpoint *endpoint;
    sim_destination *destination;
    sim_inbound *inbound;
    struct sim_node out, in;
    struct sim_app app;
    struct sim_server server;
    bool has_server;
    bool no_certificate; /* the destination has none yet */
};

/* The simulation and both configurations, which a test may change before it starts. */
void sim_mesh_prepare(struct sim_mesh *m);
void sim_mesh_start_nodes(struct sim_mesh *m);
/* With an app whose connections the test speaks for. */
void sim_mesh_start(struct sim_mesh *m);
/* With an app that speaks through a codec. */
void sim_mesh_start_http(struct sim_mesh *m, enum http_protocol protocol);
void sim_mesh_finish(struct sim_mesh *m);
/* The app's end of the next connection. */
struct sim_peer *sim_mesh_accept(struct sim_mesh *m);
