/* One question to a Redis cluster and its answer: the endpoint that has the key, another when that
 * one fails, a few tries, one deadline over all of it. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "sidecar/upstream/redis_link.h"
#include "sidecar/upstream/request.h"

#define REDIS_TRIES_MAX 4u /* the first, and three more */

/* Embedded in what its owner allocates. */
struct redis_ask {
    struct upstream_request up; /* for its endpoint and its place; sends nothing itself */
    struct redis_wait wait;
    const struct filter_redis *asked;
    struct arena *arena; /* for what came of it */
    struct redis_link *link; /* that was asked last; only while it waits */
    uint64_t key;        /* equal for questions that have to meet the same endpoint */
    bool has_source;     /* the server does not know the script */
    unsigned tries;
    /* what came of it */
    enum fail why;
    struct slice detail; /* in the arena */
    const struct resp_value *reply;

    void (*on_over)(struct redis_ask *a);
    uint64_t began_ns, deadline_ms;
    struct timer timer;
    struct loop_task turn;
};

/* All zero before. What `asked` points at lives until it is over. True: it is under way, and
 * on_over follows, once. False: it has failed at once, why and detail say how, and nothing
 * follows. */
bool redis_ask_begin(struct redis_ask *a, struct cluster *cluster, const struct filter_redis *asked,
                     struct arena *arena, void (*on_over)(struct redis_ask *a));
/* It is over now; on_over is not called. Idempotent. */
void redis_ask_cancel(struct redis_ask *a);
