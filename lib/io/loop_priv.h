/* What the files of this room know about a loop. Owned by the loop's thread. Must not be included
 * outside lib/io.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <uv.h>

#include "lib/base/buf.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/io/wheel.h"

struct resolver; /* resolve.c */
struct udp_room; /* udp.c */

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare; /* also what keeps uv_run from returning */
    uv_check_t check;
    uv_idle_t hurry; /* active when the turn could not be finished: the next poll must not block */
    uv_timer_t wake;
    uint64_t armed_ms; /* when `wake` will fire; WHEEL_NEVER when it will not */
    struct wheel wheel;
    struct list soon; /* run first at the end of the turn */
    struct list tasks;
    struct list graves;
    struct list tcps; /* connections, see tcp_alive.c */
    struct timer tcp_look;
    struct list closed_mailboxes; /* posts to them may still come; freed with the loop */
    struct chunk *read_chunk;
    bool chunk_is_lent; /* by loop_read_chunk: how much of it was filled is not known */
    uint64_t now_ns;    /* 0: not asked yet in this batch */
    uint64_t sim_ms;    /* the clock of a simulated loop */
    struct resolver *resolvers[2]; /* for absolute names and for others; NULL: none is asked */
    struct udp_room *udp; /* what UDP sockets read into; NULL: there are none */
    unsigned lingering; /* streams that are closed for their users but still sending */
    bool simulated;     /* no libuv beneath, see loop_sim.h */
    bool running;
    bool stop_asked;
    bool draining; /* it was stopped; what is still being sent has to hurry */
};

/* Everything but libuv's parts. */
void loop_init_common(struct loop *l, uint64_t now_ms);
/* Runs flush tasks and graves until there are none, within bounds; false when some are left. */
bool loop_end_turn(struct loop *l);
/* Where the next bytes from a socket go: free room in the read chunk, of which at least a quarter
 * is left. Give the number of bytes to loop_read_commit before anything else runs. */
uint8_t *loop_read_room(struct loop *l, size_t *room);
/* The chunk that now holds them, referenced for the caller. */
struct chunk *loop_read_commit(struct loop *l, const uint8_t *data, size_t len);
