/* A request to a cluster that runs on its own: one attempt, a deadline, limits on what lies here of
 * it. Its events record facts and ask for a turn; only the turn decides. Mirrors, the calls of
 * filters and health checks are made of it. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "sidecar/upstream/request.h"

/* Embedded in what its owner allocates and frees, at the end of a turn at the earliest. */
struct upstream_call {
    struct upstream_request up;
    struct arena *arena;
    /* what is sent */
    struct message *head;
    enum http_version version; /* what the app shall be spoken to in */
    struct buf body;           /* has come and was not sent yet */
    const struct headers *trailers;
    bool has_end; /* nothing comes behind `body` */
    /* limits */
    size_t behind_max; /* of the body, between the owner and the connection */
    size_t answer_max; /* of the answer's body */
    bool keeps_answer; /* else its body is thrown away as it comes, and nothing is learnt of the
                        * endpoint: nobody waits for it */
    bool is_check;     /* of the endpoint's health: what it says counts there, and not as what
                        * requests teach of it */
    /* what came of it */
    enum fail why;          /* FAIL_NONE: answered */
    struct slice detail;    /* constant, or in the arena */
    struct message *answer; /* in the arena; NULL: none has come */
    const struct headers *answer_trailers;
    struct buf answer_body;
    size_t answered; /* bytes of its body */

    void (*on_over)(struct upstream_call *c);
    bool is_sent, is_end_sent, is_answered, is_over;
    uint64_t began_ns;
    struct timer deadline;
    struct loop_task turn;
};

/* All zero before, with its limits set. on_over: once, at the end of a turn, when it is over; what
 * it had of the cluster is given back right after. */
void upstream_call_init(struct upstream_call *c, struct arena *arena,
                        void (*on_over)(struct upstream_call *c));
/* Picks an endpoint of the cluster. client: see balancer_pick. Where this says that it failed
 * nothing was taken, and nothing follows. */
enum fail upstream_call_begin(struct upstream_call *c, struct cluster *cluster,
                              const struct addr *client);
/* The same of that endpoint. */
enum fail upstream_call_begin_at(struct upstream_call *c, struct endpoint *e);
/* Sends it: `head` without what sidecars tell each other, which is put in here. It is over in
 * deadline_ms at the latest. */
void upstream_call_run(struct upstream_call *c, struct message *head, enum http_version version,
                       uint32_t deadline_ms);
/* The owner has changed what is sent. */
void upstream_call_wake(struct upstream_call *c);
/* What is sent will not be complete: it is over at the end of this turn. */
void upstream_call_give_up(struct upstream_call *c);
/* It is over now, whatever it was doing; on_over is not called. Idempotent. */
void upstream_call_cancel(struct upstream_call *c);
