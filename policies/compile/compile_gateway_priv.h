/* What the files that make a GatewayPort share. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/compile/compile_priv.h"
#include "policies/gateway/gateway_model.h"

/* Virtual hosts of a listener for HTTP or HTTPS, which is number `index` of the port's. */
void compile_gateway_hosts_add(struct compile *c, const struct gateway_model_listener *l,
                               size_t index, PB(GatewayPort) * to);
/* How TLS ends at the listener, where a ListenerPolicy says something of it. */
void compile_listener_tls_add(struct compile *c, struct gateway_model *m,
                              const struct gateway_model_listener *l, PB(GatewayListener) * to);
/* What the Gateway itself asks of clients on that port. NULL: nothing. */
PB(ClientValidation) * compile_gateway_validation(struct compile *c, struct gateway_model *m,
                                                  int64_t port);
/* Stream routes of a listener for TLS, TCP or UDP. */
void compile_gateway_streams_add(struct compile *c, const struct gateway_model_listener *l,
                                 PB(GatewayListener) * to);
