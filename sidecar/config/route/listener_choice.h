/* Which listener of a gateway's port a name belongs to, and where its connections go. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/snapshot.h"

/* By the name of the TLS hello (empty: none was said): the narrowest that covers it. NULL: none
 * does. Only for gateways that tell their listeners apart (by_name). */
const struct gateway_listener_conf *listener_choice_by_name(const struct gateway_conf *g,
                                                            struct slice name);
/* What becomes of a connection at a TLS or TCP listener; NULL: nothing. */
const struct route_conf *listener_choice_stream(const struct gateway_conf *g,
                                                const struct gateway_listener_conf *listener,
                                                struct slice name);
/* A request for `host` (without port) on a connection whose hello said `sni`: does the host belong
 * to another listener (RFC 9110 §15.5.20)? */
bool listener_choice_is_misdirected(const struct gateway_conf *g, struct slice sni,
                                    struct slice host);
