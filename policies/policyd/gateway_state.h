/* How the data plane of a Gateway is, from what is known of its Service, its pods, and those of
 * them that are connected here. Pure. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/gateway.h"
#include "policies/kinds/service.h"
#include "policies/status/status.h"

struct subscriber_list;

/* The Deployment that the Gateway says is its own; empty: it gets one. */
struct slice gateway_state_deployment(const struct gateway *g);
/* NULL: there is none. */
const struct service *gateway_state_service(const struct policy_set *set, const struct gateway *g);
/* Adds addresses, and whether somebody answers: there is a ready pod, and none of those that are
 * connected here is behind. Pods that are connected to another replica are ready once they have a
 * configuration. */
void gateway_state_judge(const struct policy_set *set, const struct subscriber_list *subscribers,
                         const struct gateway *g, struct status_gateway *out);
