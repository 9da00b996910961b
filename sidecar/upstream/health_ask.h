/* One health check of one endpoint: an HTTP request, a question of the gRPC health checking
 * protocol, or a connection that is opened and closed. It goes the way of requests: over the pools
 * and the mutual TLS of the cluster, and within its limits. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "sidecar/upstream/call.h"

/* UNKNOWN: it says nothing of the endpoint, since our own limits kept it from being asked, or an
 * idle connection was closed just then. */
enum health_result { HEALTH_PASSED, HEALTH_FAILED, HEALTH_UNKNOWN };

struct health_ask {
    /* Once for each start, never from inside of it. why: for people, of one that failed; valid
     * during the call. */
    void (*done)(struct health_ask *a, enum health_result result, struct slice why);
    enum health_check_kind kind;
    struct endpoint *endpoint; /* held while it is asked; else NULL */
    struct arena arena;        /* of what is asked and answered; until the next start */
    struct upstream_call call;
    struct stream *stream; /* TCP: being opened */
    struct timer deadline; /* of that */
    struct loop_task at_once;
    enum fail refused; /* the start has failed */
};

/* All zero before, but for `done`. */
void health_ask_init(struct health_ask *a, struct loop *loop);
/* Its cluster must have a health check. */
void health_ask_start(struct health_ask *a, struct endpoint *e);
/* done is not called any more. Idempotent. Memory is given back with health_ask_dispose, in a later
 * turn. */
void health_ask_cancel(struct health_ask *a);
void health_ask_dispose(struct health_ask *a);
