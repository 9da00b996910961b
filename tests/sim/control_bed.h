/* A worker with one service ("app" at 10.0.0.1:8080), for tests of the control thread around it.
 * It shows no struct app: those tests have the real one (sidecar/control/app_priv.h).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "tests/sim/sim_peer.h"

struct control_bed_room;

struct control_bed {
    struct control_bed_room *room;
    struct loop *loop;
    struct settings *settings;
    struct worker *worker;
    struct mailbox *mailbox; /* the control thread's */
};

void control_bed_open(struct control_bed *b);
/* Everything must be closed. */
void control_bed_close(struct control_bed *b);
void control_bed_turn(struct control_bed *b);
void control_bed_advance(struct control_bed *b, uint64_t ms);
/* Somebody connects to a listener of this process. */
struct sim_peer *control_bed_call(struct control_bed *b, const struct addr *at);
/* A request from the pod that the service has and does not answer, until it is ended. */
struct sim_peer *control_bed_begin_request(struct control_bed *b);
/* Bytes from the pod to an address that the mesh does not know, where somebody is. Once. */
struct sim_peer *control_bed_begin_passthrough(struct control_bed *b, const char *to);
/* What the worker said last of how many sessions it has while draining; UINT32_MAX: nothing. */
uint32_t control_bed_sessions_left(const struct control_bed *b);
