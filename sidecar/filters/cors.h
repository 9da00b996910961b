/* Gateway API CORS: preflights are answered here and never reach a backend, and answers say which
 * origins may read them (Fetch, "CORS protocol").
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "filters/filter.h"

/* "https://a.b", or with anything in the place of one '*'. Lower-case, without the port that the
 * scheme has anyway. */
struct cors_origin {
    struct slice before, after; /* the '*'; without one all is in `before` */
    bool is_wildcard;
};

struct cors_conf {
    const struct cors_origin *origins;
    uint32_t origin_count;
    bool any_origin, any_method, any_header;
    bool credentials;
    struct slice methods, headers, expose; /* lists as they are sent; empty: not sent */
    struct slice max_age;
};

extern const struct filter filter_cors;

/* Is a page of this origin allowed? */
bool cors_allows(const struct cors_conf *c, struct slice origin);
