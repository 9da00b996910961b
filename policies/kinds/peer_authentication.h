/* PeerAuthentication (policy.weft.dev): who must come with mutual TLS.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"
#include "policies/kinds/selector.h"

enum peer_authentication_mode {
    PEER_AUTHENTICATION_UNSET,
    PEER_AUTHENTICATION_PERMISSIVE,
    PEER_AUTHENTICATION_STRICT,
    PEER_AUTHENTICATION_DISABLE,
};

struct peer_authentication_mtls {
    int mode; /* enum peer_authentication_mode */
};

struct peer_authentication_port {
    struct slice port; /* decimal */
    int mode;          /* enum peer_authentication_mode */
};

struct peer_authentication_spec {
    struct selector *selector; /* NULL: the namespace, or the mesh */
    struct peer_authentication_mtls mtls;
    struct schema_list ports; /* struct peer_authentication_port */
};

struct peer_authentication {
    struct object object;
    struct peer_authentication_spec spec;
};

/* What it says of the port alone; UNSET when nothing. */
enum peer_authentication_mode peer_authentication_of_port(const struct peer_authentication *p,
                                                          uint16_t port);
