/* Which endpoint of a cluster gets the next attempt. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/fail.h"
#include "sidecar/upstream/cluster.h"

#define BALANCER_TRIED_MAX 4

/* The cluster has another configuration than before (NULL: none): its balancer begins anew where it
 * is another. */
void balancer_adopt(struct cluster *c, const struct cluster_conf *before);
/* client: whom the request is from, for clusters that tell clients apart: each keeps its endpoint.
 * key: what the cluster's balancer hashes of the request (exchange/exchange_hash.c); 0: the client.
 * `tried`: endpoints that earlier attempts of this request used, avoided while there is another.
 * NULL when no endpoint is ready. Ejected and unhealthy endpoints are used only when every ready
 * one is. */
struct endpoint *balancer_pick(struct cluster *c, const struct addr *client, uint64_t key,
                               struct endpoint *const *tried, unsigned tried_count);
/* The same by a key: as long as they are healthy, every data plane that knows the same endpoints
 * chooses the same one for it, whatever the cluster's balancer. */
struct endpoint *balancer_pick_by_key(struct cluster *c, uint64_t key,
                                      struct endpoint *const *tried, unsigned tried_count);
/* Ready, and neither ejected nor unhealthy: a client that has met it may stay. */
bool balancer_may_keep(const struct endpoint *e);
/* Why there was none. */
enum fail balancer_why_none(const struct cluster *c);
