/* Which virtual host serves a host name: the exact one, else the longest wildcard, else "*". For
 * route_table.c and the compiler of it. Immutable once built.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "sidecar/config/lookup.h"

/* A run of routes in the table's array. */
struct route_range {
    uint32_t first, count;
};

struct route_host {
    struct slice name; /* lower-case: "a.b", or ".b" for "*.b" */
    struct route_range routes;
};

struct route_hosts {
    struct lookup exact, suffixes;
    uint32_t exact_count, suffix_count;
    struct route_range any;
    bool has_any;
};

/* host: as in the request, without port. False: none. */
bool route_hosts_find(const struct route_hosts *h, struct slice host, struct route_range *out);
/* One entry as the configuration writes it; ERR_EXISTS when it is there already, ERR_SYNTAX when it
 * is no host. The lookups must have room. name: lower-case, and lives as long as h. */
MUST_USE enum err route_hosts_add(struct route_hosts *h, struct arena *arena, struct slice name,
                                  struct route_range routes);

struct header_set; /* config/header_set.h */
struct route_conf;

struct route_table {
    const struct route_hosts *hosts;
    const struct route_conf *routes;
    const struct header_set *headers; /* that matches look at */
};
