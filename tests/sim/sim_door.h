/* A gateway at 10.0.9.1 and two services behind it: "one" and "two", with an app each (10.0.0.1 and
 * 10.0.0.2, port 8080) whose connections the test speaks for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "tests/sim/sim.h"
#include "tests/sim/sim_report.h"

#define DOOR_GET "GET /x HTTP/1.1\r\nhost: shop\r\nx-request-id: 1\r\n\r\n"
#define DOOR_OK "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"

struct sim_door {
    struct sim sim;
    struct sim_conf conf;
    sim_cluster *one, *two;
    struct sim_node node;
    struct sim_app apps[2];
};

/* The configuration, which a test may change before sim_door_start. */
void sim_door_prepare(struct sim_door *d);
void sim_door_start(struct sim_door *d);
void sim_door_close(struct sim_door *d);
/* What came to that app (0 or 1) after everything has moved; NULL: nothing new. */
struct sim_peer *sim_door_app(struct sim_door *d, unsigned app);
/* A TLS client: hello with that name (NULL: none), certificate and ALPN name (NULL: none). */
struct sim_peer *sim_door_tls(struct sim_door *d, uint16_t port, const char *sni, const char *id,
                              const char *alpn);
/* Ends the client's part and checks that nothing of it is left. */
void sim_door_done(struct sim_door *d, struct sim_peer *client);
