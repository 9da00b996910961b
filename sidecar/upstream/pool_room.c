/* When a cluster may have no more connections and one worker has all of them: the others wait and
 * say so in the cluster's usage, and whoever has one that is not needed closes it. No worker ever
 * touches another's. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/cluster_usage.h"
#include "sidecar/upstream/pool_priv.h"
#include "sidecar/worker/worker.h"

enum { LOOK_MS = 10 };

static _Atomic uint32_t *starved_in(const struct pool *p)
{
    return &p->endpoint->cluster->usage->starved;
}

static void on_again(struct timer *t)
{
    struct pool *p = container_of(t, struct pool, again);
    if (p->waiters > 0)
        pool_dial_for_waiters(p);
    if (p->waiters == 0 || p->connections > 0)
        pool_end_starving(p);
    else
        timer_start(t, LOOK_MS);
}

void pool_starve(struct pool *p)
{
    if (p->is_starved)
        return;
    p->is_starved = true;
    atomic_fetch_add_explicit(starved_in(p), 1, memory_order_relaxed);
    timer_init(&p->again, p->endpoint->cluster->worker->loop, on_again);
    timer_start(&p->again, LOOK_MS);
}

void pool_end_starving(struct pool *p)
{
    if (!p->is_starved)
        return;
    p->is_starved = false;
    timer_stop(&p->again);
    cluster_usage_give_back(starved_in(p));
}

bool pool_is_asked_for_room(const struct pool *p)
{
    return p->waiters == 0 && atomic_load_explicit(starved_in(p), memory_order_relaxed) > 0;
}
