/* Virtual hosts and their routes: the first match of the best host wins. Immutable.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/message.h"
#include "lib/codec/http/normalize.h"
#include "sidecar/config/snapshot.h"

struct match_trace; /* route/match_trace.h */
struct route_table;

/* match_path: normalised, without query. host: message.authority without port is computed here.
 * claims: of the token that the request has shown; may be NULL. NULL: no match. A CORS preflight
 * finds the route of the request that it announces; where that has no CORS, one that is for OPTIONS
 * goes first. */
const struct route_conf *route_table_find(const struct route_table *t,
                                          const struct message *request, struct slice match_path,
                                          const struct doc *claims);
/* The same, telling why the ones before it do not match. */
const struct route_conf *route_table_trace(const struct route_table *t,
                                           const struct message *request, struct slice match_path,
                                           const struct doc *claims, struct match_trace *trace);
/* Is it the same route for whatever else the next hop may read the path as? others: may be NULL. */
bool route_table_is_one_route(const struct route_table *t, const struct message *request,
                              const struct normalize_readings *others, const struct doc *claims,
                              const struct route_conf *route);
/* By weight; `random` uniform in [0, 2^32). NULL when the weights are all zero. */
const struct backend_conf *route_pick_backend(const struct route_conf *r, uint32_t random);
