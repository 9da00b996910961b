/* What circuit breakers count of a cluster, on this worker and on all of them together. Worker
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/cluster.h"

#include "sidecar/config/cluster_usage.h"

bool cluster_take_connection(struct cluster *c, uint32_t limit)
{
    if (!cluster_usage_take(&c->usage->connections, limit))
        return false;
    c->connections++;
    return true;
}

void cluster_give_back_connection(struct cluster *c)
{
    c->connections--;
    cluster_usage_give_back(&c->usage->connections);
}

bool cluster_take_pending(struct cluster *c, uint32_t limit)
{
    if (!cluster_usage_take(&c->usage->pending, limit))
        return false;
    c->pending++;
    return true;
}

void cluster_give_back_pending(struct cluster *c, uint32_t count)
{
    c->pending -= count;
    atomic_fetch_sub_explicit(&c->usage->pending, count, memory_order_relaxed);
}
