/* Whether the other end of an HTTP/2 connection is asked if it is still there: the section
 * http2Keepalive of what holds for clients and of what holds for calls.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

/* Milliseconds; SCHEMA_UNSET where nothing is said. */
struct http2_keepalive_setting {
    int64_t interval, timeout; /* interval 0: never asked */
};

/* What is left out where the other is said. */
enum { HTTP2_KEEPALIVE_INTERVAL_MS = 10000, HTTP2_KEEPALIVE_TIMEOUT_MS = 10000 };

/* Neither is said: the data plane's defaults hold. */
static inline bool http2_keepalive_is_unset(const struct http2_keepalive_setting *k)
{
    return k->interval == SCHEMA_UNSET && k->timeout == SCHEMA_UNSET;
}

extern const struct schema http2_keepalive_client_schema; /* inherits */
extern const struct schema http2_keepalive_call_schema;
