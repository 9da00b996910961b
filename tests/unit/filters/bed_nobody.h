/* What a filter asks of others where there are none: no service, no Redis, no other exchange.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"

/* It is under way, and never comes. */
bool bed_nobody_fetch(struct filter_exchange *x, struct filter_fetch *what);
bool bed_nobody_refetch(struct filter_exchange *x, const struct message *head,
                        struct filter_fetch *what);
void bed_nobody_call(struct filter_exchange *x, struct filter_call *call);
void bed_nobody_redis(struct filter_exchange *x, struct filter_redis *ask);
void bed_nobody_redis_post(struct filter_exchange *x, const struct filter_redis *ask);
void bed_nobody_await(struct filter_exchange *x, const void *what);
