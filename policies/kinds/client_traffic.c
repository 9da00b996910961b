/* The table of what holds for connections from clients. Control thread.
 * Must not know whose connections they are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/client_traffic.h"

#include "policies/kinds/authorization_policy.h"
#include "lib/schema/schema_format.h"

#define INHERIT .flags = SCHEMA_INHERIT

static const struct schema_field limits_fields[] = {
    SCHEMA_FIELD(struct client_traffic_limits, max_target_bytes, "maxTargetBytes", INT,
                 "Bytes of a request's target (its path and query); a longer one is answered 414.",
                 INHERIT, .min = 256, .max = 1048576, .fallback = 65536),
    SCHEMA_FIELD(struct client_traffic_limits, max_header_bytes, "maxHeaderBytes", INT,
                 "Bytes of the header fields of a request: names, values, and 32 for each, as "
                 "HTTP/2 counts. More are answered 431. In a MeshConfig it holds for answers too; "
                 "one that has more becomes a 502.",
                 INHERIT, .min = 1024, .max = 1048576, .fallback = 65536),
    SCHEMA_FIELD(struct client_traffic_limits, max_headers, "maxHeaders", INT,
                 "Header fields of a request; more are answered 431. In a MeshConfig it holds for "
                 "answers too; one that has more becomes a 502.",
                 INHERIT, .min = 8, .max = 1000, .fallback = 1000),
    {0},
};

const struct schema client_traffic_limits_schema = {
    .name = "ClientLimits",
    .doc = "How large a request's head may be.",
    .size = sizeof(struct client_traffic_limits),
    .fields = limits_fields,
};

const struct schema_field client_traffic_address = {
    .type = SCHEMA_STRING, .min = 1, .max = 64, .format = &schema_format_cidr};
const struct schema_field client_traffic_identity = {
    .type = SCHEMA_STRING, .min = 1, .max = 2048, .format = &authz_principal_format};

const char *const client_traffic_underscore_names[] = {
    [CLIENT_TRAFFIC_UNDERSCORES_ALLOW] = "Allow",
    [CLIENT_TRAFFIC_UNDERSCORES_DROP] = "Drop",
    [CLIENT_TRAFFIC_UNDERSCORES_REJECT] = "Reject",
    NULL,
};
const char *const client_traffic_gateway_names[] = {
    [CLIENT_TRAFFIC_GATEWAYS_ALL] = "All",
    [CLIENT_TRAFFIC_GATEWAYS_NONE] = "None",
    NULL,
};

const char *const client_traffic_detail_names[] = {
    [CLIENT_TRAFFIC_DETAILS_INTERNAL] = "Internal",
    [CLIENT_TRAFFIC_DETAILS_NEVER] = "Never",
    [CLIENT_TRAFFIC_DETAILS_ALWAYS] = "Always",
    NULL,
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
