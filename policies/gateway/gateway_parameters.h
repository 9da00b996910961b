/* What GatewaySettings say of a Gateway's data plane: its own, then those of its class, then the
 * defaults. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/gateway_class.h"
#include "policies/kinds/gateway_settings.h"
#include "policies/store/policy_set.h"

/* Complete settings, in the arena; their texts and lists are borrowed from the set. class may be
 * NULL. NULL, with a sentence in *why (of the arena): a reference leads nowhere, or what is said
 * cannot be. */
const struct gateway_settings_spec *
gateway_parameters_find(const struct policy_set *set, const struct gateway_class *class,
                        const struct gateway *gateway, struct arena *arena, struct slice *why);
/* The same of a class alone, for its status. */
const struct gateway_settings_spec *
gateway_parameters_of_class(const struct policy_set *set, const struct gateway_class *class,
                            struct arena *arena, struct slice *why);
