/* A document that a filter needs to decide, which somebody else publishes: the keys of an issuer,
 * say. It is fetched by one worker for all, apart from any exchange, over the same pools and limits
 * as the calls of filters; redirects are not followed. Lies in what is kept of a filter (keep.h).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>

#include "filters/filter.h"

/* What came of it. */
struct filter_fetched {
    const struct fail_info *failed; /* NULL: it was answered, with whatever status */
    struct slice detail;
    const struct message *response; /* NULL when it failed */
    struct slice body;
    uint64_t now_ms; /* of the loop */
    int64_t unix_ms; /* of the wall clock */
};

struct filter_fetch {
    struct filter_keep *keep;     /* in which it lies; held while it is under way */
    struct slice cluster;         /* whom: the name of a cluster of the configuration */
    struct slice authority, path; /* what for: GET */
    struct slice accept;
    uint32_t timeout_ms, body_max;
    _Atomic bool is_under_way;
    /* On a worker, once for each that was begun and not cut off by the end of the process. Another
     * may begin when it has returned. */
    void (*done)(struct filter_fetch *f, const struct filter_fetched *got);
    /* Last of all, also where it was cut off: it is nobody's from now on. May be NULL. */
    void (*over)(struct filter_fetch *f);
};
