/* Timeouts, retries, ejection and health checks, from their messages. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/tcp.h"
#include "sidecar/config/part.h"
#include "sidecar/config/snapshot.h"

/* How long a request may carry no byte in either direction, where no policy says so. */
enum { TRAFFIC_IDLE_MS = 300000 };

/* NULL: the mesh's defaults (none, but idle). */
struct timeouts_conf traffic_conf_timeouts(const Weft__Config__V1__Timeouts *from);
/* Where nothing is said, NULL among it: 0. */
struct tcp_keepalive traffic_conf_keepalive(const Weft__Config__V1__TcpKeepalive *from);
/* NULL: the data plane's own. */
struct http2_keepalive_conf
traffic_conf_http2_keepalive(const Weft__Config__V1__Http2Keepalive *from);
/* NULL: none, until the route has a cluster that says so. */
MUST_USE enum err traffic_conf_retry(const struct part_build *b,
                                     const Weft__Config__V1__RetryPolicy *from,
                                     struct retry_conf *to);
MUST_USE enum err traffic_conf_outlier(const struct part_build *b,
                                       const Weft__Config__V1__OutlierDetection *from,
                                       struct outlier_conf *to);
/* NULL: endpoints are not asked. */
MUST_USE enum err traffic_conf_health_check(const struct part_build *b,
                                            const Weft__Config__V1__HealthCheck *from,
                                            const struct health_check_conf **to);
/* NULL: clients go anywhere. */
MUST_USE enum err traffic_conf_persistence(const struct part_build *b,
                                           const Weft__Config__V1__SessionPersistence *from,
                                           const struct persistence_conf **to);
/* The name of the cookie or header of a route; in the arena where it is made of the route's. */
struct slice traffic_conf_persistence_name(struct arena *arena, const struct persistence_conf *p,
                                           struct slice route);
