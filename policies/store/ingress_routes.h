/* Ingresses of our class as what the rest understands: HTTPRoutes at the Gateway
 * weft-system/weft-ingress, and a ListenerSet in each namespace that has certificates.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/store/policy_set_priv.h"

#define INGRESS_ROUTES_GATEWAY "weft-ingress" /* in NAMESPACE_ROOT */

/* For policy_index_build: adds the objects to the set. Services and Ingresses are sorted already.
 * Their names hold a ':', so that nobody's can be the same. */
void ingress_routes_add(struct policy_set *s, struct diag_list *diags);
