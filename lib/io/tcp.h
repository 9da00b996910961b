/* TCP as a stream. TCP_NODELAY and keepalive are always on; reads go into the loop's read chunk.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/stream.h"

struct loop;

/* How it is found out that the other end has vanished. After time_s without a byte from it the
 * kernel asks, every interval_s, and gives up after `probes` questions without an answer. What we
 * have sent may stay without any acknowledgement for as long as all that takes; a peer that
 * acknowledges but takes nothing (a closed window) is alive. Zeros: the default, 30, 10 and 3. The
 * stream then fails with ERR_TIMEOUT. */
struct tcp_keepalive {
    uint32_t time_s, interval_s, probes;
};

struct tcp_dial_options {
    uint32_t timeout_ms; /* 0: 2000 */
    struct addr bind;    /* family 0: any */
    uint32_t mark;       /* SO_MARK, 0: none */
    struct tcp_keepalive keepalive;
};

/* A stream that will call on_open or on_fail. Writes before on_open are queued. Never fails at
 * once: every error arrives by on_fail. */
struct stream *tcp_dial(struct loop *l, const struct addr *to,
                        const struct tcp_dial_options *options, const struct stream_events *events,
                        void *owner);
/* Before redirection by iptables (SO_ORIGINAL_DST, v4 and v6). ERR_NOT_FOUND when the connection
 * was not redirected. Only for accepted TCP streams. */
MUST_USE enum err tcp_original_dst(struct stream *s, struct addr *out);
/* Reads what is waiting without blocking or consuming: true when the peer closed or reset an idle
 * connection, or sent bytes that nobody asked for. One system call. */
bool tcp_is_stale(struct stream *s);
/* For an accepted stream, whose listener has the default. Four system calls, unless it is that. */
void tcp_set_keepalive(struct stream *s, const struct tcp_keepalive *k);
