/* What holds for connections from clients, as the data plane reads it: immutable, part of the
 * mesh's settings or of a gateway's port or listener. How to add a field is said in
 * policies/kinds/client_traffic.h. Control thread makes it, every worker reads it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/forwarded.h"
#include "lib/io/tcp.h"
#include "policies/kinds/client_connection.h"
#include "policies/proto/config.pb-c.h"
#include "sidecar/config/part.h"
#include "sidecar/config/snapshot.h"

struct client_limits_conf {
    uint32_t max_target_bytes, max_header_bytes, max_headers; /* of a request's head */
};

struct client_conf {
    struct client_limits_conf limits;
    struct tcp_keepalive keepalive;
    struct http2_keepalive_conf http2_keepalive;
    struct forwarded_trust trust;          /* hops count at gateways only */
    const struct string_match *identities; /* of mesh peers, without "spiffe://", trusted as well */
    uint32_t identity_count;
    Weft__Config__V1__UnderscoresAction underscores;
    Weft__Config__V1__FailureDetails details; /* at gateways */
    struct client_connection connection;      /* at gateways; complete */
};

/* In the part's arena. from: absent (NULL): *out is NULL, and the wider one's holds. */
MUST_USE enum err client_conf_create(const struct part_build *b,
                                     const Weft__Config__V1__ClientTraffic *from,
                                     const struct client_conf **out);
/* Where nobody said anything, which is an older control plane. */
MUST_USE enum err client_conf_create_fallback(const struct part_build *b,
                                              const struct client_conf **out);
