/* The inside of the model of a Gateway: one question a file. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/gateway/gateway_model.h"

/* ---- gateway_model.c ---- */

struct gateway_finding gateway_model_say(struct gateway_model *m, bool ok, const char *reason,
                                         const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Room for one more item, in the arena; full at every power of two. */
void *gateway_model_grow(struct gateway_model *m, void *items, size_t count, size_t size);
bool gateway_model_allows(const struct gateway_model *m, const struct gateway_namespaces *allowed,
                          struct slice own, struct slice namespace_name);

/* ---- one file each ---- */

/* Who clashes with whom, and whose TLS overlaps. */
void gateway_conflicts_find(struct gateway_model *m);
/* Certificates of a listener, and the authorities that its clients' must come from. */
void gateway_refs_listener(struct gateway_model *m, struct gateway_model_listener *l);
/* The certificate for backends. */
void gateway_refs_client(struct gateway_model *m);
/* The Gateway's own listeners are judged; then a ListenerSet's. */
void gateway_verdict_gateway(struct gateway_model *m);
void gateway_verdict_set(struct gateway_model *m, struct gateway_model_set *s);
/* Routes to listeners. */
void gateway_attach_routes(struct gateway_model *m);
