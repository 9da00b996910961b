/* GatewayClass (Gateway API): whose business the Gateways of a class are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/gateway.h"

struct gateway_class_spec {
    struct slice controller;
    struct gateway_parameters *parameters; /* NULL: none */
};

struct gateway_class {
    struct object object;
    struct gateway_class_spec spec;
};
