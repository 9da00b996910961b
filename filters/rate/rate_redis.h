/* The counters of limits that several gateways share, in a Redis or Valkey server: the same answers
 * as rate_local.h, by the server's clock. Worker thread, but for what is said.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/rate/rate_ask.h"
#include "filters/redis.h"

/* ---- what users write ---- */

struct rate_redis_spec {
    struct redis_server_spec server;
    struct slice key_prefix;
    int on_failure; /* enum rate_on_failure */
};

enum rate_on_failure { RATE_ALLOW, RATE_DENY };

extern const struct schema rate_redis_schema;

/* ---- what is made of it ---- */

struct rate_redis {
    struct filter_redis_server server;
    struct slice prefix; /* of all keys */
    struct slice id;     /* the filter's */
    bool denies;         /* when the server cannot be asked; else what comes passes */
};

/* Control thread, in prepare. */
MUST_USE enum err rate_redis_prepare(const struct filter_build *b,
                                     const struct rate_redis_spec *spec, struct rate_redis *out);

/* Asks for all of them; answer FILTER_WAIT until ask->is_done. */
void rate_redis_take(struct filter_exchange *x, const struct rate_redis *r,
                     const struct rate_ask *asks, unsigned count, struct filter_redis *ask);
/* Once it is done: fills in every verdict. False: it is not known, for the server has failed. */
bool rate_redis_read(const struct filter_redis *ask, struct rate_ask *asks, unsigned count,
                     bool *is_allowed);
/* Counts what was used already. Nobody waits for it. */
void rate_redis_charge(struct filter_exchange *x, const struct rate_redis *r,
                       const struct rate_ask *ask, uint32_t cost);
