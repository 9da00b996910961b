/* The table of UDPRoute: parents and backends. Control thread. Must not know which parents and
 * backends exist, nor what happens to datagrams.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/stream_route.h"

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct route_spec, parents, "parentRefs", LIST,
                 "Gateways and ListenerSets that the route is for.", .max = 32,
                 .element = &stream_route_parent_element),
    SCHEMA_FIELD(struct route_spec, rules, "rules", LIST, "Where they go.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 1,
                 .element = &stream_route_rule_element),
    SCHEMA_BARE("useDefaultGateways", REFUSED, "Attaching without naming a Gateway."),
    {0},
};

static const struct schema spec_schema = {
    .name = "UDPRouteSpec",
    .doc = "Parents and backends.",
    .size = sizeof(struct route_spec),
    .fields = spec_fields,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct route, spec, "spec", INLINE, "Parents and backends.",
                 .flags = SCHEMA_REQUIRED, .object = &spec_schema),
    {0},
};

const struct schema udp_route_kind_schema = {
    .name = "UDPRoute",
    .doc = "Says where datagrams of a listener go.",
    .size = sizeof(struct route),
    .fields = fields,
};
