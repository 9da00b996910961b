/* ConfigMap (core/v1), of which only `ca.crt` is read: certificates of authorities.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"

struct config_map_data {
    struct slice ca_pem; /* ptr is NULL when there is none */
};

struct config_map {
    struct object object;
    struct config_map_data data;
};
