/* TLS contexts of a gateway's port: one for the listeners that say nothing of their own, and one
 * for each that does. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/routed.h"

/* What a listener's own context was made of, for dumps and for the next time. */
struct listener_tls_conf {
    uint64_t hash; /* of all of it */
    struct slice versions, ciphers, groups, alpn; /* with commas between; empty: the default */
    const char *clients;                          /* "required", "optional", "fallback", "none" */
    uint32_t issuers_max;
};

/* The context of a listener with settings of its own, or `before`'s, when that was made of the
 * same; and those settings. *out: NULL where it has none, or no certificate. */
MUST_USE enum err gateway_tls_listener(const struct part_build *b,
                                       const Weft__Config__V1__GatewayPort *port,
                                       const Weft__Config__V1__GatewayListener *from,
                                       const struct gateway_conf *before,
                                       struct gateway_listener_conf *to);
/* The contexts of the others. */
MUST_USE enum err gateway_tls_port(const struct part_build *b,
                                   const Weft__Config__V1__GatewayPort *from,
                                   const struct routed_core *before, struct routed_core *to);
/* Lets go of all. */
void gateway_tls_release(const struct gateway_conf *g);
