/* The RequestMirror filter: where copies of requests go, and of how many.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/route.h"

struct http_route_fraction {
    int64_t numerator, denominator;
};

struct http_route_mirror {
    struct route_backend *backend;        /* never NULL in a valid object */
    int64_t percent;                      /* SCHEMA_UNSET: not said */
    struct http_route_fraction *fraction; /* instead of percent */
};

extern const struct schema http_route_mirror_schema;
