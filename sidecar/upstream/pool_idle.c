/* How many connections of a cluster a worker keeps that no request uses: where there are more, the
 * one that was unused for longest goes, whichever endpoint it leads to. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/pool_priv.h"

static struct cluster *cluster_of_conn(const struct pool_conn *c)
{
    return c->pool->endpoint->cluster;
}

void pool_idle_leave(struct pool_conn *c)
{
    if (!list_is_linked(&c->idle_node))
        return;
    list_unlink(&c->idle_node);
    cluster_of_conn(c)->idle_count--;
}

/* One that never served was made for somebody who is about to use it, and so is one that somebody
 * waits for. */
void pool_idle_enter(struct pool_conn *c)
{
    struct cluster *cluster = cluster_of_conn(c);
    uint32_t most = cluster->conf->max_idle_connections;
    pool_idle_leave(c);
    if (!most || !c->served || c->pool->waiters)
        return;
    list_link_last(&cluster->idle, &c->idle_node);
    cluster->idle_count++;
    while (cluster->idle_count > most) {
        struct pool_conn *oldest =
            container_of(cluster->idle.next, struct pool_conn, idle_node);
        pool_idle_leave(oldest);
        list_unlink(&oldest->node); /* it takes no request any more, until it is gone */
        list_link_last(&oldest->pool->full, &oldest->node);
        http_client_drain(oldest->client);
    }
}
