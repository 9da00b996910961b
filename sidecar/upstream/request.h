/* One request to a cluster, from the choice of an endpoint to its end: a place within the cluster's
 * limits, an endpoint, a connection of its pool, the head and the body. Whoever sends one embeds
 * it, decides about time and about another attempt, and hears of the answer by http_events:
 * exchanges (exchange_attempt.c), and what runs on its own (upstream/call.h). Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/net/http_stream.h"
#include "sidecar/upstream/balancer.h"
#include "sidecar/upstream/pool.h"

/* Room above a limit for what a sidecar adds to a head that was within it. */
enum { MESH_HEADERS_COUNT_MAX = 24, MESH_HEADERS_BYTES_MAX = 8192 };

struct upstream_request {
    struct cluster *cluster;   /* NULL until upstream_request_begin */
    struct endpoint *endpoint; /* of this attempt, held; stays until _leave or _end */
    struct endpoint *tried[BALANCER_TRIED_MAX];
    unsigned tried_count, attempts; /* attempts: begun so far */
    struct http_stream stream;      /* of this attempt */
    struct pool_wait wait;
    enum err error; /* for the owner's on_abort to write: what broke the stream */
    bool has_place; /* it counts in the cluster's usage */
    bool reused;    /* the attempt's connection had served before */
    uint64_t attempt_ns;
    uint64_t key; /* what the cluster's balancer hashes of the request; 0: the client */
    struct slice client; /* what sidecars behind a gateway are told of the client; empty: nothing */
};

/* All zero before. `events`, `owner` and `arena` are those of every attempt's stream. on_ready: a
 * connection that was waited for is there, or will not come: call upstream_request_send again. */
void upstream_request_init(struct upstream_request *r, const struct http_events *events,
                           void *owner, struct arena *arena, void (*on_ready)(struct pool_wait *));
/* The cluster counts it as active from here to the end. */
void upstream_request_begin(struct upstream_request *r, struct cluster *cluster);
/* Begins an attempt. client: see balancer_pick. FAIL_OVERFLOW: the cluster's limit of requests is
 * reached; others: there is no endpoint (balancer_why_none). */
enum fail upstream_request_pick(struct upstream_request *r, const struct addr *client);
/* The same with an endpoint that the owner has chosen; NULL: there is none. */
enum fail upstream_request_take(struct upstream_request *r, struct endpoint *e);
/* Puts into a head what the other sidecar is told, and takes out what an earlier attempt said.
 * version: what the app shall be spoken to in. */
void upstream_request_address(struct upstream_request *r, struct headers *head,
                              enum http_version version);
/* Sends the head, or waits. Where it waits already nothing happens. POOL_FAILED: wait.why and
 * wait.detail say why; the next attempt begins by clearing them. */
enum pool_result upstream_request_send(struct upstream_request *r, const struct message *head,
                                       bool end, enum http_version version, enum pool_reuse reuse);

/* Is that failure of an attempt a sign that its endpoint is in trouble? Not what our own limits
 * say, and not the peer's closing of an idle connection just as it is used again. */
bool upstream_request_is_fault(const struct upstream_request *r, enum fail why);
/* What the attempt says of its endpoint, for ejection and for the balancer. FAIL_NONE: an answer.
 */
void upstream_request_failed(struct upstream_request *r, enum fail why);
/* FAIL_UPSTREAM_REFUSED when the answer is a sidecar's own word that the app behind it never saw
 * the request: as good as a refusal, for an app that is being replaced stops listening before
 * everybody has heard of it. Else FAIL_NONE. Apps cannot say this. */
enum fail upstream_request_answered(struct upstream_request *r, const struct message *answer);
/* Which failure a stream's end is. */
enum fail upstream_request_fail_of(enum err why);

/* Ends the attempt, whatever state it is in; the endpoint is still known. why: for the peer, see
 * http_stream_reset. Idempotent. */
void upstream_request_cut(struct upstream_request *r, enum err why);
/* As _cut with ERR_CANCELED, and the next attempt avoids this endpoint. */
void upstream_request_abandon(struct upstream_request *r);
/* Ends it all and gives back what it had. Idempotent. */
void upstream_request_end(struct upstream_request *r);
