/* What an installation waits for, one thing at a time; each says a line when it is there or why it
 * is not. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "weftctl/await.h"

struct install_wait {
    struct api *api;
    uint32_t timeout_ms; /* for each */
};

bool install_wait_crds(const struct install_wait *w, const struct doc_list *objects);
bool install_wait_deployment(const struct install_wait *w, const char *name);
bool install_wait_trust_bundle(const struct install_wait *w);
bool install_wait_webhooks(const struct install_wait *w);
bool install_wait_gateway_class(const struct install_wait *w);
bool install_wait_gateway(const struct install_wait *w, const char *name);

/* ---- the same questions for one object, for `weftctl check` ---- */

/* All replicas of the newest template are available. */
bool install_wait_is_rolled_out(const struct doc *deployment);
/* The condition of that type is True. */
bool install_wait_has_condition(const struct doc *object, const char *type);
/* Every webhook has a caBundle. */
bool install_wait_has_ca(const struct doc *configuration);
