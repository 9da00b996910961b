/* ListenerPolicy (policy.weft.dev): what holds for connections from clients at a Gateway, or at one
 * of its listeners.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"
#include "policies/kinds/client_traffic.h"

struct listener_policy_target {
    struct slice group, kind, name;
    struct slice section; /* a listener of the Gateway, by name; empty: all */
    unsigned line;
};

struct listener_policy_spec {
    struct schema_list targets; /* struct listener_policy_target */
    struct client_traffic traffic;
};

struct listener_policy {
    struct object object;
    struct listener_policy_spec spec;
};
