/* A client's datagrams to one port of a Gateway, and the answers to them: the endpoint is chosen
 * once, and has a socket of its own for them, so that answers come back from one address and
 * nobody else can slip in any. It ends when nothing moves for a while, when the endpoint refuses
 * it, or when the configuration allows it no more. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/downstream.h"
#include "filters/fail.h"
#include "lib/base/list.h"
#include "lib/base/map.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/io/udp.h"

struct cluster;
struct endpoint;
struct udp_port;
struct worker;

/* Of all workers together; each has a descriptor. Above it the one that was silent for longest
 * ends: who answered a question is silent, and a flood from made-up addresses is too. */
#define FLOW_MAX 16384u
#define FLOW_IDLE_MS 60000u      /* where no policy says `timeouts.idle` */
#define FLOW_DRAIN_IDLE_MS 5000u /* at most, while the worker drains */

struct flow_table {
    struct worker *worker;
    struct map by_key;
    struct list order; /* the one that was silent for longest first */
    uint32_t limit;
};

struct flow {
    struct udp_port *port;
    struct udp *up; /* connected to the endpoint */
    struct cluster *cluster;
    struct endpoint *endpoint; /* held */
    struct downstream_info client;
    uint64_t received, sent; /* bytes, from and to the client */
    uint64_t moved_ms;       /* when a datagram last did */
    uint64_t opened_ns;
    struct list order;
    struct timer idle;
    struct loop_task grave;
    bool is_closed;
};

void flow_table_init(struct flow_table *t, struct worker *w);
/* All flows have ended. */
void flow_table_dispose(struct flow_table *t);
static inline uint32_t flow_table_count(const struct flow_table *t)
{
    return (uint32_t)t->by_key.count;
}

/* Datagrams of one client to one address: on they go, or they are dropped and counted. */
void flow_take(struct udp_port *p, const struct udp_datagram *d, size_t count);
/* Of one port; the others are left alone. */
void flow_end_all(struct udp_port *p);
/* After a change of the configuration: those end that would not be begun today. */
void flow_judge_all(struct udp_port *p);
/* The worker drains: they get less time. */
void flow_drain_all(struct udp_port *p);
