/* One data-plane thread: its loop, what it currently believes (snapshot, identity), its sessions
 * and its upstream state. Nothing in it is touched by another thread; letters come by mailbox.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/list.h"
#include "lib/base/rand.h"
#include "lib/io/listener.h"
#include "lib/io/loop.h"
#include "lib/io/mailbox.h"
#include "lib/io/timer.h"
#include "sidecar/config/lease.h"
#include "sidecar/config/snapshot.h"
#include "lib/net/idle_memory.h"
#include "sidecar/session/flow.h"
#include "sidecar/session/subscription.h"
#include "sidecar/worker/mesh_identity.h"
#include "sidecar/control/settings.h"
#include "sidecar/telemetry/metrics.h"
#include "sidecar/upstream/cluster.h"

#define WORKER_LISTENERS_MAX 256

struct app;
struct side;
struct udp_port; /* session/udp_port.h */

/* What this worker listens on; free while both are NULL. */
struct worker_listener {
    struct listener *listener; /* for connections */
    struct udp_port *udp;      /* or, at a gateway, for datagrams */
    uint16_t port; /* of the Gateway, not of the socket */
    struct worker *worker;
    const struct side *side;
};

struct worker {
    unsigned index;
    struct app *app;
    const struct settings *settings;
    struct loop *loop;
    struct mailbox *mailbox;
    struct lease *lease;            /* never NULL once running */
    struct mesh_identity *identity; /* NULL until the first certificate */
    struct cluster_table clusters;
    /* Of connections to endpoints, with the mesh's limits; to other sidecars. */
    struct http_client_config client, client_mesh;
    struct subscription_table subscriptions;
    struct list sessions;
    struct flow_table flows; /* of datagrams */
    struct list mirrors;  /* copies of requests under way */
    struct list fetches;  /* of filters, under way */
    struct list awaiting; /* exchanges whose filters wait for what others do */
    struct list posts;    /* to Redis, which nobody waits for */
    struct list runnable; /* exchanges that were woken */
    struct loop_task run; /* runs them at the end of the turn */
    struct rand_state rand;
    struct timer sweep;
    struct idle_memory memory;
    struct timer rebind; /* while a gateway's port could not be bound */
    unsigned unbound;    /* such ports */
    struct worker_listener listeners[WORKER_LISTENERS_MAX];
    unsigned listener_count;
    uint32_t session_count, exchange_count, mirror_count, post_count;
    struct metrics_shard *metrics;
    struct metrics_party self; /* this workload, for metrics */
    struct metrics_service unknown_service; /* of ports that no service has */
    char *self_spiffe_id;
    bool is_draining;     /* what comes in … */
    bool is_draining_out; /* … and what the app sends as well */
    bool is_stopping;
};

static inline const struct snapshot *worker_snapshot(const struct worker *w)
{
    return w->lease->snapshot;
}

/* On the control thread, before the thread starts. Takes one reference of each. */
void worker_init(struct worker *w, struct app *app, unsigned index, struct snapshot *s);
/* The thread's function: opens listeners, runs the loop until stopped, cleans up. */
void worker_run(void *worker);

/* What worker_run is made of, for simulations, which own the loop: worker_open begins the work;
 * after worker_close the loop must turn until everything that is closing has closed. */
void worker_init_on(struct worker *w, struct loop *loop, struct app *app, unsigned index,
                    struct snapshot *s);
void worker_open(struct worker *w);
void worker_close(struct worker *w);
void worker_dispose(struct worker *w);

/* Letters, from the control thread. */
void worker_post_snapshot(struct worker *w, struct snapshot *s);      /* takes a reference */
void worker_post_identity(struct worker *w, struct mesh_identity *m); /* takes a reference */
/* What policyd answered, see interest_table_answer; copied. After the snapshot that says it. */
void worker_post_answers(struct worker *w, const struct addr *addrs, size_t count,
                         bool is_connected);
/* What its exchanges may wait for has come. */
void worker_post_news(struct worker *w, const void *what);
/* Stops accepting new work, lets sessions finish; after worker_post_stop the thread ends. */
/* What comes in, or (`all`) what the app sends as well. */
void worker_post_drain(struct worker *w, bool all);
void worker_post_stop(struct worker *w);
/* Runs on the worker: `visit` may read everything; then `done` runs on the control thread. */
struct worker_visit {
    struct letter letter;
    struct worker *worker;
    void (*visit)(struct worker_visit *v);
    void (*done)(struct worker_visit *v);
};
void worker_post_visit(struct worker *w, struct worker_visit *v);

/* Runs `ex`'s steps at the end of this turn. */
struct exchange;
void worker_wake(struct worker *w, struct list *runnable_node);
/* A session or a flow ended. */
void worker_session_gone(struct worker *w);
void worker_flow_gone(struct worker *w);
