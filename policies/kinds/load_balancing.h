/* loadBalancing of a TrafficPolicy: how an endpoint of a Service is chosen.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/session_persistence.h"

/* What of a request is hashed; in the order of the names in load_balancing.c. */
enum hash_on_type {
    HASH_ON_HEADER,
    HASH_ON_COOKIE,
    HASH_ON_ADDRESS,
    HASH_ON_QUERY,
    HASH_ON_PATH,
    HASH_ON_CONSUMER,
    HASH_ON_CLAIM,
};

struct traffic_hash_on {
    int type; /* enum hash_on_type */
    struct slice name;
    struct slice path; /* of a cookie */
    int64_t ttl;       /* of a cookie, milliseconds; SCHEMA_UNSET: until the browser is closed */
};

struct traffic_slow_start {
    int64_t window, percent;
};

struct traffic_balancing {
    int algorithm; /* index of load_balancing_algorithms */
    struct schema_list hash_on; /* struct traffic_hash_on */
    struct traffic_slow_start *slow_start;
    int64_t panic; /* percent; 0: only when nobody is healthy */
    struct session_persistence *session;
};

extern const struct schema load_balancing_schema;
/* The names of lb.def; the first is what holds where nothing is said. NULL-terminated. */
extern const char *const load_balancing_algorithms[];
