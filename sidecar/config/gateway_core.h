/* One port of a gateway, from the GatewayPort message: a routed_core. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/routed.h"

/* before: the core this one replaces, whose TLS contexts are kept when nothing about them changed;
 * may be NULL. */
MUST_USE enum err gateway_core_create(const Weft__Config__V1__Resource *resource,
                                      const struct routed_core *before, char *detail,
                                      struct routed_core **out);
