/* See bed_nobody.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/filters/bed_nobody.h"

#include "filters/redis.h"

bool bed_nobody_fetch(struct filter_exchange *x, struct filter_fetch *what)
{
    (void)x, (void)what;
    return true;
}

bool bed_nobody_refetch(struct filter_exchange *x, const struct message *head,
                        struct filter_fetch *what)
{
    (void)x, (void)head, (void)what;
    return false;
}

void bed_nobody_call(struct filter_exchange *x, struct filter_call *call)
{
    (void)x;
    call->is_done = true;
    call->failed = fail_info(FAIL_NO_CLUSTER);
}

void bed_nobody_redis(struct filter_exchange *x, struct filter_redis *ask)
{
    (void)x;
    ask->is_done = true;
    ask->failed = fail_info(FAIL_REDIS_DOWN);
}

void bed_nobody_redis_post(struct filter_exchange *x, const struct filter_redis *ask)
{
    (void)x, (void)ask;
}

void bed_nobody_await(struct filter_exchange *x, const void *what)
{
    (void)x, (void)what;
}
