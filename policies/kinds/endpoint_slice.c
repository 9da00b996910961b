/* The table of EndpointSlice. Control thread.
 * Must not know which Service it belongs to.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/endpoint_slice.h"

#include "policies/kinds/service.h"

static const struct schema_field conditions_fields[] = {
    SCHEMA_FIELD(struct endpoint_slice_conditions, ready, "ready", BOOL,
                 "Whether it may get new requests; not said counts as yes.", .fallback = 1),
    SCHEMA_FIELD(struct endpoint_slice_conditions, serving, "serving", BOOL,
                 "The same, whether it is terminating or not; not said counts as yes.",
                 .fallback = 1),
    SCHEMA_FIELD(struct endpoint_slice_conditions, terminating, "terminating", BOOL,
                 "Whether it is on its way out."),
    {0},
};

static const struct schema conditions_schema = {
    .name = "EndpointConditions",
    .size = sizeof(struct endpoint_slice_conditions),
    .fields = conditions_fields,
    .is_open = true,
};

static const struct schema_field target_fields[] = {
    SCHEMA_FIELD(struct endpoint_slice_target, kind, "kind", STRING, "\"Pod\"."),
    SCHEMA_FIELD(struct endpoint_slice_target, name, "name", STRING, "Name of the pod."),
    SCHEMA_FIELD(struct endpoint_slice_target, namespace_name, "namespace", STRING,
                 "Namespace of the pod."),
    {0},
};

static const struct schema target_schema = {
    .name = "ObjectReference",
    .size = sizeof(struct endpoint_slice_target),
    .fields = target_fields,
    .is_open = true,
};

static const struct schema_field hint_fields[] = {
    SCHEMA_FIELD(struct endpoint_slice_hint, name, "name", STRING, "A zone, or a node.",
                 .max = 253),
    {0},
};

static const struct schema hint_schema = {
    .name = "Hint",
    .size = sizeof(struct endpoint_slice_hint),
    .fields = hint_fields,
    .is_open = true,
};

static const struct schema_field hint_element = {.type = SCHEMA_INLINE, .object = &hint_schema};

static const struct schema_field hints_fields[] = {
    SCHEMA_FIELD(struct endpoint_slice_hints, zones, "forZones", LIST,
                 "Zones whose pods should call it.", .element = &hint_element),
    SCHEMA_FIELD(struct endpoint_slice_hints, nodes, "forNodes", LIST,
                 "Nodes whose pods should call it.", .element = &hint_element),
    {0},
};

static const struct schema hints_schema = {
    .name = "EndpointHints",
    .size = sizeof(struct endpoint_slice_hints),
    .fields = hints_fields,
    .is_open = true,
};

static const struct schema_field address_element = {.type = SCHEMA_STRING, .max = 253};

static const struct schema_field endpoint_fields[] = {
    SCHEMA_FIELD(struct endpoint_slice_endpoint, addresses, "addresses", LIST,
                 "Addresses of one endpoint; the first counts.", .flags = SCHEMA_REQUIRED, .min = 1,
                 .element = &address_element),
    SCHEMA_FIELD(struct endpoint_slice_endpoint, conditions, "conditions", INLINE,
                 "State of the endpoint.", .object = &conditions_schema),
    SCHEMA_FIELD(struct endpoint_slice_endpoint, target, "targetRef", INLINE, "The pod behind it.",
                 .object = &target_schema),
    SCHEMA_FIELD(struct endpoint_slice_endpoint, node, "nodeName", STRING, "The node it runs on."),
    SCHEMA_FIELD(struct endpoint_slice_endpoint, hints, "hints", INLINE, "Whom it is meant for.",
                 .object = &hints_schema),
    {0},
};

static const struct schema endpoint_schema = {
    .name = "Endpoint",
    .size = sizeof(struct endpoint_slice_endpoint),
    .fields = endpoint_fields,
    .is_open = true,
};

static const struct schema_field port_fields[] = {
    SCHEMA_FIELD(struct endpoint_slice_port, name, "name", STRING,
                 "Name of the Service's port that this is.", .max = 63),
    SCHEMA_FIELD(struct endpoint_slice_port, port, "port", INT, "Where the endpoints listen.",
                 .min = 1, .max = 65535),
    SCHEMA_FIELD(struct endpoint_slice_port, protocol, "protocol", ENUM, "Transport protocol.",
                 .choices = service_protocols),
    {0},
};

static const struct schema port_schema = {
    .name = "EndpointPort",
    .size = sizeof(struct endpoint_slice_port),
    .fields = port_fields,
    .is_open = true,
};

static const struct schema_field endpoint_element = {.type = SCHEMA_INLINE,
                                                     .object = &endpoint_schema};
static const struct schema_field port_element = {.type = SCHEMA_INLINE, .object = &port_schema};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    SCHEMA_FIELD(struct endpoint_slice, address_type, "addressType", STRING, "IPv4, IPv6 or FQDN.",
                 .flags = SCHEMA_REQUIRED),
    SCHEMA_FIELD(struct endpoint_slice, endpoints, "endpoints", LIST, "Who answers.",
                 .element = &endpoint_element),
    SCHEMA_FIELD(struct endpoint_slice, ports, "ports", LIST, "On which ports.",
                 .element = &port_element),
    {0},
};

const struct schema endpoint_slice_kind_schema = {
    .name = "EndpointSlice",
    .size = sizeof(struct endpoint_slice),
    .fields = fields,
    .is_open = true,
};
