/* The counters that the limits of a rateLimit filter come to, and what they are asked about a
 * request.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "filters/rate/rate_ask.h"
#include "filters/rate/rate_key.h"
#include "filters/rate/rate_spec.h"

/* One window or bucket. */
struct rate_counter {
    struct rate_limit limit;
    const struct rate_part *parts; /* of its key; those of one item's windows are the same */
    unsigned part_count;
    uint32_t units;                               /* that a request costs, where nothing says so */
    struct slice request_header, response_header; /* that say so; lower case; empty: none does */
    const char *response_field;                   /* NULL: none */
};

/* Immutable, in the arena of the configuration. */
struct rate_plan {
    struct rate_counter *counters;
    struct slice *names; /* theirs: "minute", "tokens-bucket"; the same while limits change */
    unsigned count;      /* 1 to RATE_ASKS_MAX */
    unsigned ipv6_prefix;
    bool reads_body; /* some cost is in the response's body */
};

void rate_plan_make(struct arena *arena, const struct rate_spec *spec, struct rate_plan *plan);
struct rate_limit rate_plan_bucket(const struct rate_bucket_spec *spec);
/* "at most 100 (minute) by consumer, 10 (bucket) by address". */
struct slice rate_plan_describe(struct arena *arena, const struct rate_plan *plan);
/* One for each counter, in the exchange's arena. Worker thread. */
struct rate_ask *rate_plan_ask(struct filter_exchange *x, const struct rate_plan *plan);
