/* A compiled configuration as JSON, for programs; private keys are left out.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/json_write.h"
#include "policies/proto/config.pb-c.h"

void config_json_write(const Weft__Config__V1__Configuration *configuration, struct json_write *w);
