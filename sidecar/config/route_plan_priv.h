/* What the route_plan*.c files share while a plan is made: routes are compiled in one, hosts and
 * binding are the other's. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/map.h"
#include "sidecar/config/route_plan.h"

struct plan_build {
    const struct part_build *b;
    struct route_plan *plan;
    struct map *names; /* cluster name -> index + 1, as a pointer */
    uint16_t port;
};

/* Into the plan's names; ROUTE_PLAN_NONE for the empty name. */
uint32_t route_plan_name_index(struct plan_build *pb, const char *cluster);
/* The plan's next route. */
MUST_USE enum err route_plan_take_route(struct plan_build *pb, const Weft__Config__V1__Route *from);
/* The same, for connections: a name and backends. */
MUST_USE enum err route_plan_take_stream(struct plan_build *pb,
                                         const Weft__Config__V1__StreamRoute *from);
