/* What a proxy makes of a request's head before anything else: whom it is from, and headers that it
 * leaves out or refuses. As sidecar/exchange_client.c does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/proto/config.pb-c.h"
#include "weftctl/asked.h"

/* The other end of the connection, as the proxy sees it. */
struct explain_peer {
    struct slice ip;        /* empty: not known */
    struct slice principal; /* of a mesh peer, without "spiffe://"; empty: none */
    bool at_gateway;        /* it is a Gateway that is asked */
};

/* Is what the peer says of the client believed because of its identity? */
bool explain_client_trusts(const Weft__Config__V1__ClientTraffic *rules, struct slice principal);
/* The client's address; empty: it cannot be told. In the arena. */
struct slice explain_client_find(struct arena *arena, const Weft__Config__V1__ClientTraffic *rules,
                                 const struct explain_peer *peer, const struct asked *asked);
/* Takes out of `asked` what is left out. Returns why the request is refused, or the empty slice. */
struct slice explain_client_sift(struct arena *arena, const Weft__Config__V1__ClientTraffic *rules,
                                 struct asked *asked);
/* Why a header is refused that can be read as one which those policies and routes look at; empty:
 * none is. */
struct slice explain_client_check(struct arena *arena, Weft__Config__V1__AuthzPolicy *const *authz,
                                  size_t n_authz, Weft__Config__V1__VirtualHost *const *hosts,
                                  size_t n_hosts, const struct asked *asked);
