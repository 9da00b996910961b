/* What the files that make a GatewayPort share. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/compile/compile_priv.h"
#include "policies/gateway/gateway_model.h"

/* Virtual hosts of a listener for HTTP or HTTPS, which is number `index` of the port's. */
void compile_gateway_hosts_add(struct compile *c, const struct gateway_model_listener *l,
                               size_t index, PB(GatewayPort) * to);
/* Stream routes of a listener for TLS, TCP or UDP. */
void compile_gateway_streams_add(struct compile *c, const struct gateway_model_listener *l,
                                 PB(GatewayListener) * to);
