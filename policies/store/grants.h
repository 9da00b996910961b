/* ReferenceGrants: may an object of one namespace refer to one of another?
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/store/policy_index.h"

/* May `kind` of the Gateway API in namespace `from` refer to to_kind to_namespace/to_name of the
 * core group, or an ExternalService? Within one namespace: always. */
bool grants_allow(const struct policy_set *set, const char *kind, struct slice from,
                  const char *to_kind, struct slice to_namespace, struct slice to_name);
/* The same of an object of any kind. */
bool grants_allow_object(const struct policy_set *set, const struct object *from,
                         const char *to_kind, struct slice to_namespace, struct slice to_name);
