/* The destinations that a worker's sessions call, where policyd is asked what each of them is: made
 * when the first session calls it, kept a while after the last. A session whose destination nobody
 * knows yet parks here. One table per worker, on its thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/addr.h"
#include "lib/base/list.h"
#include "lib/base/map.h"

/* Destinations that all workers together may ask for: policyd's limit for one data plane. A worker
 * that has its share of them lets go of the one that was unused for longest. */
#define SUBSCRIPTION_MAX 16384u

struct session;
struct worker;

struct subscription {
    struct addr to;
    struct list unused; /* in the table's, oldest first, while no session has it */
    struct list parked; /* sessions that wait to hear what it is */
    uint32_t sessions;
    bool is_answered;
    uint64_t unused_since_ms;
    uint64_t given_up_ms; /* when a session waited in vain; 0: none has */
};

struct subscription_table {
    struct worker *worker;
    struct map by_addr; /* struct subscription */
    struct list unused;
    size_t limit;
    bool is_connected; /* policyd can be asked */
};

void subscription_table_init(struct subscription_table *t, struct worker *w);
void subscription_table_dispose(struct subscription_table *t);
/* Policyd has answered for these (what they are is in the worker's snapshot), or came or went. */
void subscription_table_answer(struct subscription_table *t, const struct addr *addrs, size_t count,
                               bool is_connected);
/* Lets go of what has been unused for too long. */
void subscription_table_sweep(struct subscription_table *t, uint64_t now_ms, uint32_t idle_ms);

/* Asks about it, if that was not done. NULL: there are too many. */
struct subscription *subscription_pin(struct subscription_table *t, const struct addr *to);
void subscription_unpin(struct subscription_table *t, struct subscription *i);
/* The session's node; side_outbound_resume is called when there is an answer. */
void subscription_park(struct subscription *i, struct list *node);
