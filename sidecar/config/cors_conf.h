/* The CORS filter's configuration from the Cors message. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/part.h"
#include "sidecar/config/snapshot.h"

struct cors_conf;

MUST_USE enum err cors_conf_create(const struct part_build *b, const Weft__Config__V1__Cors *from,
                                   const struct cors_conf **out);
