/* Virtual hosts and routes, compiled once, before it is known which clusters there are; binding
 * the plan to clusters is a copy of two arrays, so that a changed endpoint costs no parsing.
 * Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/filter_part.h"
#include "lib/codec/http/header_set.h"
#include "sidecar/config/part.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/config/route/route_hosts.h"

#define ROUTE_PLAN_NONE UINT32_MAX
#define ROUTE_PLAN_MIRRORS_MAX 16

struct route_plan {
    struct route_hosts hosts;
    struct route_conf *routes; /* their backends are in `backends`, without clusters */
    struct backend_conf *backends;
    uint32_t *backend_names;     /* into names; ROUTE_PLAN_NONE: does not resolve */
    struct mirror_conf *mirrors; /* of routes and backends, without clusters */
    uint32_t *mirror_names;
    struct slice *names; /* of clusters, each once */
    uint32_t route_count, backend_count, mirror_count, name_count;
    struct route_hosts *streams; /* for each listener: which of `routes` has a connection */
    uint32_t default_route;      /* "everything to the default cluster"; ROUTE_PLAN_NONE: none */
    uint8_t *says;               /* for each route: what it says itself */
    struct header_set headers;   /* that matches look at */
    struct filter_names filters; /* that are resources of their own */
    struct filter_uses *route_filters, *backend_filters; /* for each route and backend */
    const struct filter_chain *route_own; /* what every route has besides; NULL: nothing */
    struct filter_uses guard_filters;     /* of the Gateway, before a route is known */
    struct filter_uses unrouted_filters;
};

enum { ROUTE_SAYS_TIMEOUTS = 1, ROUTE_SAYS_RETRY = 2 };

struct route_plan_source {
    Weft__Config__V1__VirtualHost *const *hosts;
    size_t host_count;
    Weft__Config__V1__GatewayListener *const *listeners;
    size_t listener_count;
    char *const *unrouted_filters;
    size_t unrouted_count;
    const char *default_cluster; /* may be empty */
    uint16_t port;               /* that clients connect to */
    const struct filter_chain *route_own; /* as in the plan */
    char *const *guard_filters;           /* names */
    size_t guard_filter_count;
    const struct filter_chain *guard_own; /* filters that stand there besides; NULL: none */
};

MUST_USE enum err route_plan_create(const struct part_build *b,
                                    const struct route_plan_source *from, struct route_plan *p);
/* clusters, filters: one for each of p->names and p->filters, NULL where there is none. The result
 * lies in `arena` and refers to p. */
void route_plan_bind(const struct route_plan *p, const struct cluster_conf *const *clusters,
                     struct filter_part *const *filters, struct arena *arena,
                     struct route_table *out);
