/* What a network namespace has of IPv6, and the address that the sidecar's connections to its own
 * app come from (::6): unlike 127.0.0.6, it has to be given to the loopback interface first.
 * Blocking. Must not know iptables.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/err.h"

enum redirect_ipv6_presence {
    REDIRECT_IPV6_NONE,
    REDIRECT_IPV6_LOOPBACK, /* no interface but lo has an address */
    REDIRECT_IPV6_REACHABLE,
};

enum redirect_ipv6_presence redirect_ipv6_presence(void);
/* Idempotent, both. */
MUST_USE enum err redirect_ipv6_add_source(void);
MUST_USE enum err redirect_ipv6_remove_source(void);
