/* sessionAffinity of a Service: each client keeps its endpoint. It comes before the balancer of a
 * TrafficPolicy, so it is no row of lb.def. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"
#include "sidecar/upstream/lb.h"

/* The key of a client's requests. client NULL: they are the app's own. */
uint64_t lb_affinity_key(const struct cluster *c, const struct addr *client);
/* The usable endpoint with the highest score for p->key; NULL: none is usable at this level. */
struct endpoint *lb_affinity_best(const struct pick *p);
/* The one that the cluster's table has for p->key, and where that cannot be used the one with the
 * highest score: who is ejected leaves its share to all others. */
struct hash_table;
struct endpoint *lb_hashed(const struct pick *p,
                           uint32_t (*find)(const struct hash_table *t, uint64_t key));
/* As balancer_pick, whatever the level. */
struct endpoint *lb_affinity_pick(struct pick *p);
