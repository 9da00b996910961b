/* The Redis connections of one worker to one endpoint, one for each login. Part of the endpoint, as
 * its pools are. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/list.h"

struct endpoint;
struct filter_redis_server;
struct redis_link;

struct redis_room {
    struct list links;
    bool is_draining;
};

void redis_room_init(struct redis_room *r);
/* Must be empty. */
void redis_room_dispose(struct redis_room *r);
/* The one with that login, made at first use. */
struct redis_link *redis_room_link(struct endpoint *e, const struct filter_redis_server *login);
/* No connections. */
bool redis_room_is_empty(const struct redis_room *r);
/* Takes no part any more: connections close when nobody waits for an answer. Hold the endpoint
 * meanwhile. */
void redis_room_drain(struct redis_room *r);
/* After a change of roots or certificates. Hold the endpoint meanwhile. */
void redis_room_review(struct redis_room *r);
