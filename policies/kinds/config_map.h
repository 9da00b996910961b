/* ConfigMap (core/v1): texts that policies refer to, among them certificates of authorities.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"

struct config_map {
    struct object object;
    struct schema_list data; /* struct schema_pair */
    struct slice ca_pem;     /* under ca.crt; ptr is NULL when there is none */
};
