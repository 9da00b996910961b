/* From AuthzPolicy messages to struct authz. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/part.h"
#include "sidecar/filters/authz.h"

/* NULL in *out when there are no policies. Refuses what could never match as it is written: a path
 * that is not in canonical form, a condition key that does not exist. */
MUST_USE enum err authz_conf_create(const struct part_build *b,
                                    Weft__Config__V1__AuthzPolicy *const *policies, size_t count,
                                    const struct authz **out);
/* Equal for policies that decide alike. */
uint64_t authz_conf_hash(Weft__Config__V1__AuthzPolicy *const *policies, size_t count);
/* One address or prefix. */
MUST_USE enum err authz_conf_cidr(const struct part_build *b, const char *text, struct cidr *to);
