/* One simulated machine room: a clock that only moves when told to, a network, and sidecars on it,
 * each with its worker, without threads. Everything happens in the same order every time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop_sim.h"
#include "sidecar/worker/worker.h"
#include "tests/sim/cmocka_sim.h"
#include "tests/sim/sim_app.h"
#include "tests/sim/sim_conf.h"
#include "tests/sim/sim_http.h"
#include "tests/sim/sim_net.h"
#include "tests/sim/sim_peer.h"
#include "tests/sim/sim_tls.h"

struct sim {
    struct loop *loop;
};

struct sim_node {
    struct sim *sim;
    struct settings settings;
    struct app app;
    struct worker worker;
    struct snapshot_builder *builder;
    struct sim_host host; /* its pod's address: everything that is sent there arrives inbound */
    uint64_t identity_generation;
    struct memstream_options pieces; /* of connections that sim_node_connect makes */
};

void sim_open(struct sim *s);
/* Everything must be closed. */
void sim_close(struct sim *s);
/* Until all is quiet. */
void sim_turn(struct sim *s);
void sim_advance(struct sim *s, uint64_t ms);

/* A sidecar at that address. `conf` is copied into a snapshot. */
void sim_node_open(struct sim_node *n, struct sim *s, enum sidecar_mode mode, const char *ip,
                   const struct sim_conf *conf);
/* The next configuration. */
void sim_node_adopt(struct sim_node *n, const struct sim_conf *conf);
/* A new certificate, or its first. */
void sim_node_identify(struct sim_node *n, const char *spiffe_id);
/* No session, exchange, attempt or wait is left. */
void sim_node_check_idle(struct sim_node *n);
void sim_node_close(struct sim_node *n);

/* A connection of the app in the pod to `to`; NULL: to the sidecar's own port. */
struct stream *sim_node_dial(struct sim_node *n, const char *to);
struct sim_peer *sim_node_connect(struct sim_node *n, const char *to);
/* From outside to this port of the pod. */
struct stream *sim_node_dial_inbound(struct sim_node *n, const char *from, uint16_t port);
struct sim_peer *sim_node_connect_inbound(struct sim_node *n, const char *from, uint16_t port);
/* To a gateway's port. */
struct stream *sim_node_dial_gateway(struct sim_node *n, uint16_t port);
struct sim_peer *sim_node_connect_gateway(struct sim_node *n, uint16_t port);
/* The running state of a configured cluster. */
struct cluster *sim_node_cluster(struct sim_node *n, const char *name);
