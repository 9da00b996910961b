/* The table of what holds for connections from clients. Control thread.
 * Must not know whose connections they are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/client_traffic.h"

#define INHERIT .flags = SCHEMA_INHERIT

static const struct schema_field limits_fields[] = {
    SCHEMA_FIELD(struct client_traffic_limits, max_target_bytes, "maxTargetBytes", INT,
                 "Bytes of a request's target (its path and query); a longer one is answered 414.",
                 INHERIT, .min = 256, .max = 1048576, .fallback = 65536),
    SCHEMA_FIELD(struct client_traffic_limits, max_header_bytes, "maxHeaderBytes", INT,
                 "Bytes of a request's head; a larger one is answered 431.", INHERIT, .min = 1024,
                 .max = 1048576, .fallback = 65536),
    SCHEMA_FIELD(struct client_traffic_limits, max_headers, "maxHeaders", INT,
                 "Header fields of a request; more are answered 431.", INHERIT, .min = 8,
                 .max = 1000, .fallback = 100),
    {0},
};

const struct schema client_traffic_limits_schema = {
    .name = "ClientLimits",
    .doc = "How large a request's head may be.",
    .size = sizeof(struct client_traffic_limits),
    .fields = limits_fields,
};

static const struct schema_field fields[] = {
    CLIENT_TRAFFIC_FIELDS(struct client_traffic, ),
    {0},
};

const struct schema client_traffic_schema = {
    .name = "ClientTraffic",
    .doc = "What holds for connections from clients.",
    .size = sizeof(struct client_traffic),
    .fields = fields,
};
