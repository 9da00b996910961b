/* Who has which address.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"
#include "policies/kinds/service.h"
#include "policies/store/policy_set_priv.h"

/* For policy_index_build: complains of what is no address, or has two owners. */
void policy_addresses_build(struct policy_set *s, struct diag_list *diags);
/* The one writing of that address, in text; ptr is NULL when it is none. */
struct slice policy_addresses_canonical(struct slice ip, char text[ADDR_TEXT_MAX]);
/* Who has that address, in any writing; NULL when nobody does. */
const struct pod *policy_addresses_pod(const struct policy_set *s, struct slice ip);
const struct service *policy_addresses_service(const struct policy_set *s, struct slice ip);
/* The Service with that address for calls from outside (service_each_external), port included. */
const struct service *policy_addresses_external(const struct policy_set *s,
                                                const struct addr *address);
