/* A pool's inside, shared by pool.c and pool_room.c only. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/timer.h"
#include "sidecar/upstream/pool.h"

struct pool {
    struct endpoint *endpoint;
    enum pool_kind kind;
    struct list dialling, ready, full;
    struct list waiting;
    uint32_t dials, waiters, connections;
    bool is_draining;
    bool is_starved; /* it has waiters and no connection, and may make none */
    struct timer again; /* then it looks whether it may now */
    bool chose_h2; /* POOL_EITHER: what the endpoint chose last */
    /* By what its connections were judged last; compared, and not used. */
    const struct backend_tls *reviewed_tls;
    uint64_t reviewed_identity;
};

struct pool_conn {
    struct pool *pool;
    struct list node;
    struct list idle_node;      /* in the cluster's; unlinked: in use, or there is no limit */
    struct stream *dialling;    /* until open */
    struct http_client *client; /* after */
    struct http_client_config config; /* its */
    uint32_t served;
    uint64_t identity_generation;
    struct backend_tls *tls; /* what it was dialled with, referenced; NULL: nothing of the kind */
    struct timer idle;
    uint64_t idle_since_ms;
};

/* ---- pool.c ---- */
void pool_dial_for_waiters(struct pool *p);

/* ---- pool_idle.c: no request uses it; and whatever becomes of it then ---- */
void pool_idle_enter(struct pool_conn *c);
void pool_idle_leave(struct pool_conn *c);

/* ---- pool_room.c: the cluster's limit of connections, which is one for all workers ---- */
/* There is none left for those who wait here: they go on waiting, and others hear of it. */
void pool_starve(struct pool *p);
void pool_end_starving(struct pool *p);
/* Somebody else needs a connection more than this pool, for which nobody waits. */
bool pool_is_asked_for_room(const struct pool *p);
