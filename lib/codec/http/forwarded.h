/* Who the client is when proxies are in front: a walk along X-Forwarded-For from its end, for as
 * long as the one who speaks is trusted. The rule is nginx's real_ip_recursive where addresses are
 * trusted and Envoy's xff_num_trusted_hops where a number of hops is. Pure; no allocation.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/addr.h"
#include "lib/codec/http/message.h"

#define FORWARDED_ELEMENTS_MAX 64 /* as far as the walk goes */

/* Who is trusted to say whom a request is from. All zero: nobody. */
struct forwarded_trust {
    uint32_t hops; /* the nearest ones, whoever they are; the peer is the first */
    const struct cidr *addresses;
    uint32_t address_count;
};

struct forwarded {
    /* The client; when `is_unknown`, the last address on the way there that is known. */
    struct addr client;
    /* Where its address should stand, something else stands. */
    bool is_unknown;
    /* The peer is trusted: what it says of scheme, host and port counts. */
    bool is_believed;
    /* The elements of X-Forwarded-For that are believed are the last ones: they begin in this field
     * of the head, at this byte of its value. UINT32_MAX: none is. */
    uint32_t first_field;
    size_t first_byte;
};

#define FORWARDED_NONE UINT32_MAX

/* peer_is_trusted: for a reason of its own, say its identity; then it takes no hop. An element may
 * have a port, and brackets around IPv6; empty ones are passed over (RFC 9110 §5.6.1). With fewer
 * elements than hops the client is the peer, with nothing but trusted addresses the first
 * element. */
void forwarded_read(struct forwarded *f, const struct headers *h, const struct addr *peer,
                    const struct forwarded_trust *trust, bool peer_is_trusted);
/* Nobody but the connection is asked. */
void forwarded_from_peer(struct forwarded *f, const struct addr *peer);
