/* How many streams each peer has open: one identity at one address may have so many and no more.
 * One thread. Bounded by the streams that were admitted.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/map.h"

struct peer_stream;

struct peer_streams {
    struct map peers; /* "namespace/account at address" -> struct peer_stream */
    size_t max;       /* for each; 0: no bound */
};

void peer_streams_init(struct peer_streams *p, size_t max);
void peer_streams_dispose(struct peer_streams *p);
/* One more. False when it has as many as it may; is_news: it had not been refused since it was last
 * below half of that, so that the log need not say it each time. */
bool peer_streams_take(struct peer_streams *p, struct slice peer, bool *is_news);
/* Gives back one that was taken. */
void peer_streams_give(struct peer_streams *p, struct slice peer);
