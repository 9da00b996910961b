/* The directives of Cache-Control (RFC 9111 §5.2, RFC 5861, RFC 8246), of a request or a response.
 * Pure. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/message.h"

/* What no number was said for. */
#define CACHE_CONTROL_NONE (-1)
/* The most that a number of seconds counts as (RFC 9111 §1.2.2). */
#define CACHE_CONTROL_MAX INT64_C(2147483648)

struct cache_control {
    bool is_there; /* some field of that name is */
    bool no_cache, no_store, no_transform;
    bool is_public, is_private, must_revalidate, proxy_revalidate, must_understand;
    bool only_if_cached;
    bool any_stale; /* max-stale without a number */
    /* Seconds, or CACHE_CONTROL_NONE. Of several that were said the least counts, and what is no
     * number is 0: stale (RFC 9111 §4.2.1). */
    int64_t max_age, s_maxage, min_fresh, max_stale;
    int64_t stale_while_revalidate, stale_if_error;
};

/* All fields together. no-cache and private that name fields count for the whole response, as they
 * may (RFC 9111 §5.2.2.4, §5.2.2.7). */
struct cache_control cache_control_read(const struct headers *h);
/* Digits, seconds, at most CACHE_CONTROL_MAX. False: it is something else. */
bool cache_control_seconds(struct slice text, int64_t *out);
