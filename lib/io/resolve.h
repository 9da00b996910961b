/* Host names into addresses, by c-ares: /etc/hosts, then the DNS servers of /etc/resolv.conf, both
 * read anew when somebody begins to ask. Nothing is cached: who asks is told for how long the
 * answer is good. Never on the request path. On the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

struct loop;
struct resolve;

#define RESOLVE_MAX 16

/* ERR_OK with at least one address (port is the one asked for), in the order in which they are to
 * be tried, and for how many seconds they are good (0: nobody has said); else why not. Called once,
 * never from inside resolve_start, and not after resolve_cancel. */
typedef void (*resolve_fn)(void *owner, enum err e, const struct addr *addrs, size_t count,
                           uint32_t ttl_s);

/* A literal address is answered too, without asking anybody. A name with a dot behind it is
 * absolute: the search list of /etc/resolv.conf does not make another of it. */
struct resolve *resolve_start(struct loop *l, struct slice host, uint16_t port, resolve_fn done,
                              void *owner);
void resolve_cancel(struct resolve *r);

/* DNS servers to ask instead of those of /etc/resolv.conf: "10.0.0.1,[fd00::1]:5353". Of the whole
 * process; before any loop runs. ERR_INVALID: that is no list of addresses. */
MUST_USE enum err resolve_use_servers(struct slice list);
