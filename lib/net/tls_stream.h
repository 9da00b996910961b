/* TLS as a stream over a stream. The handshake starts when it is created; on_open follows when it
 * is done, on_fail (with info.fail_detail saying which check failed) when it is not. Decrypted
 * bytes are delivered until wolfSSL has no more, so that nothing stalls inside it; an idle
 * connection holds no buffer.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/stream.h"
#include "lib/tls/tls_ctx.h"

struct tls_stream_options {
    struct slice server_name;      /* client: SNI; may be empty */
    struct slice expect_spiffe_id; /* mesh client: the peer must be exactly this; empty: any of the
                                      trust domain */
    uint32_t handshake_timeout_ms; /* from the creation, so what the transport's own opening takes
                                      is included; 0: 10000 */
};

/* Takes over `lower` (and closes it). `early`: ciphertext already read from it by a sniffer;
 * emptied; may be NULL. The context is referenced. */
struct stream *tls_stream_create(struct stream *lower, struct tls_ctx *ctx,
                                 const struct tls_stream_options *options, struct buf *early,
                                 const struct stream_events *events, void *owner);
/* Would `by` take the peer of this open connection, if it came now with what it has shown
 * (tls_conn_review)? options as at creation, or NULL. What is no TLS stream, or not open yet, has
 * nothing to be asked about: ERR_OK. */
MUST_USE enum err tls_stream_review(struct stream *s, const struct tls_ctx *by,
                                    const struct tls_stream_options *options,
                                    char why[TLS_DETAIL_MAX]);
/* The stream below a TLS stream, for asking about it (tcp_is_stale); NULL when s is none. */
struct stream *tls_stream_lower(struct stream *s);
