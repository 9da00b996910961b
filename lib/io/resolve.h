/* Host names into addresses, by the system's resolver, off the loop's thread. For control planes
 * and tools, a few at a time; never on the request path. On the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

struct loop;
struct resolve;

#define RESOLVE_MAX 16

/* ERR_OK with at least one address (port is the one asked for), in the resolver's order; else why
 * not. Called once, never from inside resolve_start, and not after resolve_cancel. */
typedef void (*resolve_fn)(void *owner, enum err e, const struct addr *addrs, size_t count);

/* A literal address is answered too, without asking anybody. */
struct resolve *resolve_start(struct loop *l, struct slice host, uint16_t port, resolve_fn done,
                              void *owner);
void resolve_cancel(struct resolve *r);
