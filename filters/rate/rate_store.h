/* Where the counters of a filter's limits are, and asking there: in this process, exact over all
 * workers, or in a Redis server, exact over all gateways too. Worker thread, but for what is said.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/rate/rate_local.h"
#include "filters/rate/rate_redis.h"

struct rate_store_spec {
    const struct rate_redis_spec *redis;
};

extern const struct schema rate_store_schema;

struct rate_keep;

/* In the filter's configuration: one of both. */
struct rate_store {
    struct rate_keep *keep;
    const struct rate_redis *redis;
};

/* Control thread, in prepare, instead of filter_keep. spec NULL: in this process. */
MUST_USE enum err rate_store_prepare(const struct filter_build *b,
                                     const struct rate_store_spec *spec, struct rate_store *out);

enum rate_outcome {
    RATE_WITHIN,
    RATE_ABOVE,
    RATE_UNKNOWN, /* the store has failed */
    RATE_NOT_YET, /* answer FILTER_WAIT, and ask again */
};

/* In the filter's ctx, zeroed. */
struct rate_question {
    struct rate_ask *asks;
    unsigned count;
    struct filter_redis redis;
    bool is_sent;
};

/* Takes what q->asks ask for, or nothing, and fills in every verdict. *evicted: raised by the
 * counters that had to go. Once it has said anything but RATE_NOT_YET it is not called again. */
enum rate_outcome rate_store_take(struct filter_exchange *x, const struct rate_store *s,
                                  struct rate_question *q, unsigned *evicted);
/* Counts what was used already. */
void rate_store_charge(struct filter_exchange *x, const struct rate_store *s,
                       const struct rate_ask *ask, uint32_t cost, unsigned *evicted);
/* Are requests refused while nobody knows? */
bool rate_store_denies(const struct rate_store *s);
