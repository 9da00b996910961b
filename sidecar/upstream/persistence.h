/* What a client keeps of the endpoint that it met: a text that says which endpoint of which cluster
 * it was, and since when. It is sealed for the route (lib/tls/seal.h), so that clients can neither
 * read nor make one; and whatever it says, it only chooses among the endpoints that the route leads
 * to. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "sidecar/upstream/cluster.h"

struct persistence_token {
    uint64_t endpoint; /* endpoint_conf.address_hash */
    uint32_t cluster;  /* persistence_cluster */
    uint32_t created_s, used_s; /* since 1970 */
};

/* What tells clusters of one route apart, in all data planes alike. */
uint32_t persistence_cluster(const struct cluster_conf *c);
struct slice persistence_seal(struct arena *arena, const struct route_conf *route,
                              const struct persistence_token *token);
/* False: it was not sealed for this route, or is over. */
bool persistence_open(struct arena *arena, const struct route_conf *route, struct slice text,
                      uint32_t now_s, struct persistence_token *token);
/* The token's, if it is one of this cluster and may be kept; else NULL. */
struct endpoint *persistence_endpoint(const struct persistence_token *token, struct cluster *c);
