/* Filter chains from the messages of config.proto. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/part.h"
#include "sidecar/config/snapshot.h"
#include "filters/filter.h"

/* All set *out to NULL when there is nothing to do. */

/* What a route asks for: CORS, header modification, then redirect or rewrite. listener_port: what
 * its clients connect to. */
MUST_USE enum err filter_conf_route(const struct part_build *b,
                                    const Weft__Config__V1__Route *route, uint16_t listener_port,
                                    const struct filter_chain **out);
/* What one of its backends asks for, after that. */
MUST_USE enum err filter_conf_backend(const struct part_build *b,
                                      const Weft__Config__V1__Route *route,
                                      const Weft__Config__V1__WeightedCluster *backend,
                                      uint16_t listener_port, const struct filter_chain **out);
struct authz;
const struct filter_chain *filter_conf_authz(struct part *p, const struct authz *authz);
