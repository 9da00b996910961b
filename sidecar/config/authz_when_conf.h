/* From AuthzCondition messages to struct authz_condition, for authz_conf.c. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/part.h"
#include "sidecar/filters/authz.h"

MUST_USE enum err authz_when_conf_take(const struct part_build *b,
                                       const Weft__Config__V1__AuthzCondition *from,
                                       struct authz_condition *to);
