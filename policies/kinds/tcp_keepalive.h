/* How it is found out that the other end of a TCP connection has vanished: the section tcpKeepalive
 * of what holds for clients and of what holds for calls.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

/* Milliseconds, whole seconds of which count; SCHEMA_UNSET where nothing is said. */
struct tcp_keepalive_setting {
    int64_t time, interval, probes;
};

extern const struct schema tcp_keepalive_client_schema; /* inherits; complete in the end */
extern const struct schema tcp_keepalive_call_schema;   /* what is left out is the data plane's */
