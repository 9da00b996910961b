/* The CORS filter: which pages of other origins may use what a rule serves.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

struct http_route_cors {
    struct schema_list origins; /* struct slice: "https://a.b", "*" or wildcard hosts */
    struct schema_list methods, headers, expose; /* struct slice */
    bool credentials;
    int64_t max_age; /* seconds */
};

extern const struct schema http_route_cors_schema;
