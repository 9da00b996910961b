/* A worker's running view of clusters: which endpoints there are, how busy and how fast each is,
 * and the pools of connections to them. Survives configuration changes; an endpoint that a change
 * removed finishes what it is doing and disappears. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/ewma.h"
#include "lib/base/list.h"
#include "lib/base/map.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/upstream/redis_room.h"
#include "sidecar/upstream/retry.h"

struct health_checker;
struct named_host;
struct pool;
struct worker;

/* EITHER: over TLS that is not the mesh's, the endpoint chooses. */
enum pool_kind { POOL_H1, POOL_H2, POOL_EITHER, POOL_MESH_H2, POOL_MESH_H1, POOL_KIND_COUNT };

struct endpoint {
    struct cluster *cluster;
    const struct endpoint_conf *conf; /* never NULL; lives in owner */
    const struct cluster_conf *owner; /* referenced */
    struct list node;                 /* in cluster->gone when removed */
    struct ewma latency;
    uint32_t active; /* attempts and tunnels in flight */
    uint64_t since_ms; /* when it came, or became ready, after others; 0: it is no new one */
    bool gone;
    struct pool *pools[POOL_KIND_COUNT];
    struct redis_room redis; /* connections that are none of HTTP */
};

struct cluster {
    struct worker *worker;
    const struct cluster_conf *conf; /* referenced */
    struct endpoint **endpoints;
    uint32_t endpoint_count;
    struct health_checker *health; /* NULL: this worker does not ask its endpoints */
    struct named_host *named; /* whose addresses the endpoints are; NULL: they are configured */
    struct list gone;
    struct list idle; /* connections that no request uses, the one that is so for longest first */
    uint32_t idle_count; /* of these, where there is a limit */
    void *lb_state; /* what its balancer remembers (upstream/lb.h) */
    /* Of this worker; limits are about `usage`. */
    uint32_t active;  /* exchanges that chose this cluster and are not finished */
    uint32_t pending; /* waiting for a connection */
    uint32_t connections;
    struct cluster_usage *usage;    /* of all workers, or own_usage */
    struct cluster_usage own_usage; /* dynamic: of this worker alone */
    bool vanished;       /* the configuration names it no more */
    bool dynamic;        /* made here for one address, not from configuration */
    bool is_own_app;     /* dynamic: the app behind this sidecar */
    uint64_t used_ms;    /* dynamic: last use … */
    uint64_t ordered_ms; /* … and what it was when it was linked */
    struct list order;   /* dynamic: in the table's */
};

/* Clusters of one address that nothing uses, of all workers together: above it the one that was
 * unused for longest goes. Those in use are as many as there are connections to them. */
#define CLUSTER_DYNAMIC_MAX 2048u

struct cluster_table {
    struct worker *worker;
    struct cluster **by_slot;
    uint32_t slots;
    struct map dynamic; /* key text -> struct cluster */
    struct cluster *last_dynamic; /* the one of these that was asked for last; NULL: none */
    struct list order;  /* of those, about by their last use */
    size_t limit;       /* of those that nothing uses */
};

void cluster_table_init(struct cluster_table *t, struct worker *w);
/* All connections closed first (cluster_table_drain and the end of the last exchange). */
void cluster_table_dispose(struct cluster_table *t);
/* After a new snapshot was adopted: takes over its clusters, retires what is gone. */
void cluster_table_adopt(struct cluster_table *t, const struct snapshot *s);
/* After a change of roots or certificates: connections to whom would not be trusted today close. */
void cluster_table_review(struct cluster_table *t);
/* No new connections are kept; idle ones close now. */
void cluster_table_drain(struct cluster_table *t);
/* Forgets vanished clusters that nothing uses, and dynamic ones that were unused for five minutes.
 * Call now and then. */
void cluster_table_sweep(struct cluster_table *t);

/* The running state of a configured cluster. O(1). */
struct cluster *cluster_of(struct cluster_table *t, const struct cluster_conf *conf);
/* A cluster of one address: the app behind an inbound port, or a pod called by its own IP.
 * mesh_spiffe_id empty: plain. `name` is for logs: "inbound". Who keeps it counts it as active
 * before the next call. */
struct cluster *cluster_for_addr(struct cluster_table *t, struct slice name, const struct addr *to,
                                 struct slice mesh_spiffe_id);

/* For who finds endpoints (named_host.h): those that are in both stay. */
void cluster_reconcile(struct cluster *c, const struct cluster_conf *conf);

/* For circuit breakers: one more, unless there are `limit` in all workers together. Each that was
 * had is given back. */
bool cluster_take_connection(struct cluster *c, uint32_t limit);
void cluster_give_back_connection(struct cluster *c);
bool cluster_take_pending(struct cluster *c, uint32_t limit);
void cluster_give_back_pending(struct cluster *c, uint32_t count);

/* Are requests to it hops of the mesh, from sidecar to sidecar? */
static inline bool endpoint_is_mesh_hop(const struct endpoint *e)
{
    return e->conf->meshed && !e->owner->mtls_disabled && !e->owner->tls;
}
/* By its health checks. */
static inline bool endpoint_is_unhealthy(const struct endpoint *e)
{
    return atomic_load_explicit(&e->conf->health->is_unhealthy, memory_order_relaxed);
}
void endpoint_hold(struct endpoint *e);    /* active++ */
void endpoint_release(struct endpoint *e); /* active--; may free a gone endpoint */
/* Pools tell when they have become empty. */
void endpoint_pool_emptied(struct endpoint *e);
