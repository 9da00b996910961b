/* One rule of an AuthorizationPolicy: does it hold, and if not, what of it does not.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "weftctl/explain_authz.h"
#include "weftctl/holds.h"

/* denies: header conditions read every line and element. *why is set unless the answer is YES; its
 * memory is the arena's. */
enum holds explain_rule_test(struct arena *arena, const Weft__Config__V1__AuthzRule *rule,
                             const struct explain_call *call, bool denies, struct slice *why);
