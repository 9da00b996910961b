/* The rules of an AuthorizationPolicy: from, to, when.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

extern const struct schema authorization_rule_schema; /* of struct authorization_policy_rule */
