/* ListenerPolicy (policy.weft.dev): what holds for connections from clients at a Gateway, or at one
 * of its listeners.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"
#include "policies/kinds/client_traffic.h"
#include "policies/kinds/listener_tls.h"
#include "policies/kinds/policy_target.h"

struct listener_policy_spec {
    struct schema_list targets; /* struct policy_target */
    struct client_traffic traffic;
    struct listener_tls tls;
};

struct listener_policy {
    struct object object;
    struct listener_policy_spec spec;
};
