/* The table of GatewayClass: whose business the Gateways of a class are. Control thread. Must not
 * know which controller we are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/gateway_class.h"

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct gateway_class_spec, controller, "controllerName", STRING,
                 "The controller that manages Gateways of this class.",
                 .flags = SCHEMA_REQUIRED, .min = 1,
                 .max = 253),
    SCHEMA_FIELD(struct gateway_class_spec, parameters, "parametersRef", OBJECT,
                 "How the data planes of its Gateways are run: a GatewaySettings.",
                 .object = &gateway_parameters_schema),
    SCHEMA_BARE("description", ANY, "Words for people."),
    {0},
};

static const struct schema spec_schema = {
    .name = "GatewayClassSpec",
    .doc = "The controller that manages Gateways of this class.",
    .size = sizeof(struct gateway_class_spec),
    .fields = spec_fields,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct gateway_class, spec, "spec", INLINE,
                 "The controller that manages Gateways of this class.", .flags = SCHEMA_REQUIRED,
                 .object = &spec_schema),
    {0},
};

const struct schema gateway_class_kind_schema = {
    .name = "GatewayClass",
    .doc = "A class of Gateways.",
    .size = sizeof(struct gateway_class),
    .fields = fields,
};
