/* Who is asked for an AuthorizationPolicy of action CUSTOM, and why nobody can be. What is compiled
 * and what status says are both read from here. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/ext_auth.h"
#include "policies/kinds/authorization_policy.h"
#include "policies/kinds/http_filter.h"
#include "policies/store/policy_index.h"

/* The HTTPFilter, and *spec, what it says; every reference in it leads somewhere. NULL: *why says
 * why not, in the arena. */
const struct http_filter *provider_resolve(const struct policy_set *set,
                                           const struct authorization_policy *policy,
                                           struct arena *arena, const struct ext_auth_spec **spec,
                                           struct slice *why);
