/* Virtual hosts and their routes: the first match of the best host wins. Immutable.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/message.h"
#include "sidecar/config/snapshot.h"

struct route_table;

/* match_path: normalised, without query. host: message.authority without port is computed here.
 * NULL: no match. A CORS preflight finds the route of the request that it announces; where that
 * has no CORS, one that is for OPTIONS goes first. */
const struct route_conf *route_table_find(const struct route_table *t,
                                          const struct message *request, struct slice match_path);
/* By weight; `random` uniform in [0, 2^32). NULL when the weights are all zero. */
const struct backend_conf *route_pick_backend(const struct route_conf *r, uint32_t random);
bool string_match_test(const struct string_match *m, struct slice value);
