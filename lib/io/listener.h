/* A listening TCP socket on one loop; with SO_REUSEPORT every worker opens its own for the same
 * address.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

struct loop;
struct listener;
struct stream;

struct listener_options {
    int backlog; /* 0: 4096 */
    bool reuse_port;
    bool ipv6_only;
    bool transparent; /* IP_TRANSPARENT, for TPROXY */
};

/* The accepted stream is handed over; set its events with stream_use and start reading. Out of file
 * descriptors: accepting pauses (no spin) and resumes by itself. */
typedef void (*listener_accept_fn)(struct listener *l, struct stream *accepted);

/* `at` with port 0 gets a free port; see listener_addr. */
MUST_USE enum err listener_open(struct loop *l, const struct addr *at,
                                const struct listener_options *options,
                                listener_accept_fn on_accept, void *owner, struct listener **out);
void *listener_owner(const struct listener *l);
void listener_addr(const struct listener *l, struct addr *out);
/* Stops accepting and frees. */
void listener_close(struct listener *l);
