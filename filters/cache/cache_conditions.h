/* Conditional requests and ranges (RFC 9110 §13, §14), of a response that is here whole. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/message.h"

/* Only the backend can judge If-Match and If-Unmodified-Since (RFC 9111 §4.3.2). */
bool cache_conditions_are_origins(const struct headers *request);
/* It asks for a part, or under a condition. */
bool cache_conditions_are_there(const struct headers *request);
/* Takes out what would make the backend send less than all. */
void cache_conditions_remove(struct headers *request);
/* Has the client what `stored` is the head of? Then 304 says so. */
bool cache_conditions_hold(const struct headers *request, const struct headers *stored,
                           int64_t now_ms);

struct cache_range {
    uint64_t from, len;
};

enum cache_range_verdict {
    CACHE_RANGE_NONE, /* the whole is sent: none was asked for, several, or of another version */
    CACHE_RANGE_PART,
    CACHE_RANGE_BEYOND, /* 416 */
};

enum cache_range_verdict cache_conditions_range(const struct headers *request,
                                                const struct headers *stored, uint64_t size,
                                                struct cache_range *out);
