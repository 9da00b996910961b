/* UDP sockets on one loop: one that receives from everybody at an address, and one that talks to a
 * single peer. Datagrams are received and sent in batches, with one system call for up to
 * UDP_BATCH of them; nothing is queued: what the kernel does not take at once is lost, as it would
 * be on the way.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/addr.h"
#include "lib/base/err.h"

#define UDP_BATCH 16u
#define UDP_DATAGRAM_MAX 65535u /* bytes; IP has room for a few less */

struct loop;
struct udp;

struct udp_datagram {
    struct addr peer;  /* received: who sent it; to send: who gets it (not on a connected socket) */
    struct addr local; /* our address that it was sent to, or shall come from, without a port;
                          family 0: the socket's, or the kernel's choice */
    const uint8_t *data;
    size_t len; /* may be 0 */
};

struct udp_events {
    /* Up to UDP_BATCH, valid during the call; the receiver may change the addresses in them in
     * order to send them on. */
    void (*on_datagrams)(struct udp *u, struct udp_datagram *d, size_t count);
    /* Connected sockets: ERR_REFUSED when the peer's host says that nobody listens there (ICMP port
     * unreachable). The socket goes on. May be NULL. */
    void (*on_fail)(struct udp *u, enum err why);
};

struct udp_options {
    bool reuse_port; /* SO_REUSEPORT: the kernel chooses a socket by the hash of both addresses */
    bool ipv6_only;
};

/* `at` with port 0 gets a free port; see udp_addr. */
MUST_USE enum err udp_bind(struct loop *l, const struct addr *at, const struct udp_options *options,
                           const struct udp_events *events, void *owner, struct udp **out);
/* Only `to` is heard; the kernel drops what others send there (connect(2)). */
MUST_USE enum err udp_connect(struct loop *l, const struct addr *to,
                              const struct udp_events *events, void *owner, struct udp **out);
void *udp_owner(const struct udp *u);
/* Where it is bound. */
void udp_addr(const struct udp *u, struct addr *out);
/* Returns how many of them the kernel took; the others are lost. *why is the last thing that went
 * wrong: ERR_AGAIN when its buffer is full, after which none was tried; ERR_REFUSED, on a connected
 * socket, when the peer has refused an earlier one; something else of one that cannot be sent. */
size_t udp_send(struct udp *u, const struct udp_datagram *d, size_t count, enum err *why);
/* Inside its own callbacks too. */
void udp_close(struct udp *u);
