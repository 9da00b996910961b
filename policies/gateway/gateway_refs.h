/* What a Gateway's TLS refers to: Secrets with certificates, ConfigMaps with authorities. Control
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/gateway/gateway_model.h"

/* What is asked of clients on that port; NULL: nothing. */
const struct gateway_validation *gateway_refs_validation(const struct gateway *gateway,
                                                         int64_t port);
/* The certificates of all authorities that the validation names and that can be used, one after
 * the other; empty when there are none. In the model's arena. */
struct slice gateway_refs_authorities(struct gateway_model *m, const struct gateway_validation *v);
/* The same of a list of references (struct gateway_certificate_ref) that another object has. *why:
 * the first fault; not ok when there is one. Of the model, arena and set count. */
struct slice gateway_refs_pem(struct gateway_model *m, const struct object *owner,
                              const struct schema_list *refs, struct gateway_finding *why);
