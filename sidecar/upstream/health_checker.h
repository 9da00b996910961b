/* Active health checks: the endpoints of a cluster are asked at intervals, by one worker for all,
 * and what they say is in struct endpoint_health, where the balancers of all workers see it.
 * Unhealthy ones get requests only when there is no healthy one. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/upstream/cluster.h"

struct health_checker;

/* Are its endpoints asked by this worker? */
bool health_checker_is_for(const struct worker *w, const struct cluster_conf *conf);
/* The cluster has other endpoints, or another configuration: *h is made, changed or ended. */
void health_checker_adopt(struct health_checker **h, struct cluster *c);
/* That endpoint is about to go. NULL is allowed. */
void health_checker_forget(struct health_checker *h, const struct endpoint *e);
/* Nobody is asked any more. What is known stays. *h may be NULL. */
void health_checker_stop(struct health_checker **h);
