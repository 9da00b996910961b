/* The shortest road there is, which most tests walk: one sidecar that knows one service
 * (10.96.0.1:80, "app", plain HTTP) with one endpoint (10.0.0.1:8080), and an app there whose
 * connections the test speaks for. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "tests/sim/sim.h"
#include "tests/sim/sim_report.h"

#define ROAD_VIP "10.96.0.1:80"
#define ROAD_APP "10.0.0.1:8080"

struct sim_road {
    struct sim sim;
    struct sim_conf conf;
    struct sim_node node;
    struct sim_app app;
    sim_cluster *cluster;
    sim_destination *destination;
    sim_endpoint *endpoint;
};

/* The simulation and the configuration, which a test may change before sim_road_start. */
void sim_road_prepare(struct sim_road *r);
void sim_road_start(struct sim_road *r);
/* prepare and start. */
void sim_road_open(struct sim_road *r);
void sim_road_close(struct sim_road *r);

/* The client's bytes go in, in one piece; a client connection and the app's end of the request. */
struct sim_peer *sim_road_client(struct sim_road *r);
struct sim_peer *sim_road_app(struct sim_road *r);
/* Ends the client's part and checks that nothing of it is left in the sidecar. */
void sim_road_done(struct sim_road *r, struct sim_peer *client);

#define ROAD_GET "GET /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\n\r\n"
#define ROAD_OK "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
