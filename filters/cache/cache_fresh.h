/* Which responses may be kept, and for how long they are fresh (RFC 9111 §3, §4.2). Pure: heads,
 * settings and the time go in.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/cache/cache_control.h"

/* For how long a status is fresh where the response does not say so itself. */
struct cache_ttl {
    uint16_t from, to; /* statuses */
    int64_t fresh_ms;
};

struct cache_rules {
    const struct cache_ttl *ttls;
    uint32_t ttl_count;
    bool ignores_origin; /* `ttls` alone decide, and not what the response says */
    int64_t revalidate_ms, error_ms; /* for how long stale ones are of use, where they do not say */
};

/* Of a response, in milliseconds. */
struct cache_times {
    int64_t age_ms;   /* when it came (RFC 9111 §4.2.3) */
    int64_t fresh_ms; /* so old it may become */
    int64_t revalidate_ms, error_ms; /* so long it may be used behind that, see RFC 5861 */
};

enum cache_verdict {
    CACHE_STORE,
    CACHE_REFUSE, /* it says so, or what it is does */
    CACHE_SHORT,  /* nobody says for how long it would be of use */
};

struct cache_question {
    const struct message *request, *response;
    bool is_personal;    /* the backend may have answered for this caller alone */
    int64_t now_ms;      /* the wall clock */
    int64_t delay_ms;    /* from the request to the response */
};

/* May a response to this GET be kept in a cache that is shared? */
enum cache_verdict cache_fresh_judge(const struct cache_rules *r, const struct cache_question *q,
                                     struct cache_times *out);
/* It has an ETag or a date, by which the backend can be asked whether it still holds. */
bool cache_fresh_can_be_checked(const struct headers *h);
