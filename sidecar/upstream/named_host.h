/* The endpoints of a cluster that is a host name instead of a list of addresses: looked up when the
 * cluster is adopted, and again when the answer is no longer good. What was found last holds until
 * something else is found. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/upstream/cluster.h"

struct named_host;

/* How long an answer is taken for good: as long as it says, within bounds. */
#define NAMED_HOST_SHORTEST_MS 1000
#define NAMED_HOST_LONGEST_MS 300000
#define NAMED_HOST_UNSAID_MS 30000 /* from /etc/hosts */
#define NAMED_HOST_RETRY_MS 5000   /* after a failure */

/* Begins to look up; until there is an answer the cluster has no endpoint. conf: one with a host.
 * The cluster's endpoints are ours from now on. */
struct named_host *named_host_create(struct cluster *c, const struct cluster_conf *conf);
/* The configuration has changed. What is known of a host of the same name stays. */
void named_host_adopt(struct named_host *n, const struct cluster_conf *conf);
/* The configured one. */
const struct cluster_conf *named_host_conf(const struct named_host *n);
/* NULL is allowed. */
void named_host_destroy(struct named_host *n);
