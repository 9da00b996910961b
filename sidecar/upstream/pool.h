/* HTTP connections of one worker to one endpoint, of one kind. HTTP/1 connections serve one
 * exchange at a time and are reused newest first; HTTP/2 connections are shared up to the peer's
 * limit. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/list.h"
#include "lib/net/http_client.h"
#include "filters/fail.h"
#include "sidecar/upstream/cluster.h"

#define POOL_DETAIL_MAX 192 /* both SPIFFE ids of a mismatch fit */

struct pool;

/* Somebody who waits for a connection; embed. */
struct pool_wait {
    struct list node;
    struct pool *pool;                     /* while it waits */
    void (*on_ready)(struct pool_wait *w); /* try pool_send again, or give up when why says so */
    enum fail why;                         /* FAIL_NONE, or what became of the dial */
    bool is_woken; /* there is room for it, and it has not tried again yet */
    char detail[POOL_DETAIL_MAX];
};

enum pool_result {
    POOL_SENT,    /* the stream is live on a connection */
    POOL_WAITING, /* on_ready will be called */
    POOL_FAILED,  /* w->why says why; nothing waits */
};

/* The endpoint's pool of that kind, made at first use. */
struct pool *pool_of(struct endpoint *e, enum pool_kind kind);
void pool_wait_init(struct pool_wait *w, void (*on_ready)(struct pool_wait *));
/* Which HTTP/1 connections will do. One that served before may be one that the peer is closing just
 * now; what meets that is lost. */
enum pool_reuse {
    POOL_REUSE_ANY,     /* the request can be tried again */
    POOL_REUSE_CHECKED, /* only if nothing has come from the peer, not even its end (one system
                           call) */
    POOL_REUSE_NONE,    /* only one that has not served yet */
};

/* Sends the request on a connection that has room, or waits for one. *reused tells whether the
 * connection had served before. */
enum pool_result pool_send(struct pool *p, struct pool_wait *w, struct http_stream *st,
                           const struct message *request, bool end, enum pool_reuse reuse,
                           bool *reused);
/* Waits for others to be done with their connections, not for one that is being dialled. */
bool pool_wait_is_queued(const struct pool_wait *w);
void pool_wait_stop(struct pool_wait *w);
/* Stops waiting. Idempotent. */
static inline void pool_wait_cancel(struct pool_wait *w)
{
    if (list_is_linked(&w->node) || w->is_woken)
        pool_wait_stop(w);
}
/* Takes no part any more: connections close as their streams end, dials that nobody waits for now.
 * Hold the endpoint meanwhile. */
void pool_drain(struct pool *p);
/* After a change of roots: connections whose peers would not be let in today are closed, with what
 * runs on them. Cheap when nothing has changed for this pool. Hold the endpoint
 * meanwhile. */
void pool_review(struct pool *p);
/* No connections and nothing dialling. */
bool pool_is_empty(const struct pool *p);
/* Must be empty. */
void pool_destroy(struct pool *p);
unsigned pool_connections(const struct pool *p);
