/* The one transport seam: a duplex byte stream with back-pressure. Implementations: tcp.c,
 * memstream.c (tests), lib/net/tls_stream.c. Single-threaded; the user of a stream embeds nothing
 * and holds the pointer until it calls stream_close.
 *
 * Contract
 *  - Events are never delivered from inside a call on the same stream. A write tries at once and
 *    keeps what the kernel would not take (stream_queued says how much); on_drain comes only if
 *    something was kept.
 *  - After on_eof or on_bare_eof no more data comes; writing is still possible (half-close).
 *  - After on_fail nothing more comes and writes are dropped; stream_close is still the user's.
 *  - After stream_close no event is delivered and the pointer is dead; queued bytes are dropped (to
 *    send them: stream_close_flushed, or stream_shutdown and wait for on_eof or on_fail).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/addr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

struct stream;
struct loop;

struct stream_events {
    /* The stream is usable: dialled, or its TLS handshake done. Not called for accepted TCP
     * streams, which are born open. May be NULL. */
    void (*on_open)(struct stream *s);
    /* `owner` (may be NULL) is the chunk that holds data; keep a reference to keep the bytes. */
    void (*on_data)(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len);
    void (*on_eof)(struct stream *s);
    /* Instead of on_eof, for users whose messages say themselves where they end: the transport of a
     * TLS stream ended and the peer had not said so (no close_notify), as many programs do. What
     * came may not be all. NULL: that is on_fail(ERR_CLOSED). */
    void (*on_bare_eof)(struct stream *s);
    /* The queue was non-empty and is empty now. May be NULL. */
    void (*on_drain)(struct stream *s);
    void (*on_fail)(struct stream *s, enum err why);
};

/* What is known about the verified other end of a TLS stream; all slices live as long as the
 * stream. */
struct tls_peer {
    struct slice spiffe_id;  /* "spiffe://td/ns/a/sa/b", as verified; empty: none, which is
                                all that a client of a public server has */
    uint8_t cert_sha256[32]; /* of the leaf's DER */
    int64_t not_after_ms;    /* wall clock */
    struct slice subject;    /* RFC 4514-ish text, for x-forwarded-client-cert */
    struct slice names;      /* of a client of a public server, each with a NUL behind it */
};

struct stream_info {
    struct addr peer;
    struct addr local;
    bool is_tls;
    struct slice alpn; /* negotiated; empty when none */
    struct slice sni;  /* server side: what the client asked for */
    /* NULL when the peer showed no certificate that was found good. */
    const struct tls_peer *tls_peer;
    const char *fail_detail; /* after on_fail: one sentence for the log, or NULL */
};

struct stream_ops {
    void (*read_start)(struct stream *s);
    void (*read_stop)(struct stream *s);
    /* Takes all bytes out of `data`. */
    void (*write)(struct stream *s, struct buf *data);
    /* Half-close after the queue is flushed. */
    void (*shutdown)(struct stream *s);
    void (*close)(struct stream *s, bool flush_first);
    void (*close_reset)(struct stream *s);
    void (*info)(struct stream *s, struct stream_info *out);
};

struct stream {
    const struct stream_ops *ops;
    const struct stream_events *events;
    void *owner; /* the user's object */
    struct loop *loop;
    size_t queued; /* bytes written and not yet taken by the layer below */
};

/* Takes over the events; data that arrives before read_start waits in the kernel. */
static inline void stream_use(struct stream *s, const struct stream_events *events, void *owner)
{
    s->events = events;
    s->owner = owner;
}
static inline void stream_read_start(struct stream *s)
{
    s->ops->read_start(s);
}
static inline void stream_read_stop(struct stream *s)
{
    s->ops->read_stop(s);
}
static inline void stream_write(struct stream *s, struct buf *data)
{
    s->ops->write(s, data);
}
static inline void stream_shutdown(struct stream *s)
{
    s->ops->shutdown(s);
}
static inline void stream_close(struct stream *s)
{
    s->ops->close(s, false);
}
/* Sends what is queued (bounded: 2 s), then closes. No events after the call. */
static inline void stream_close_flushed(struct stream *s)
{
    s->ops->close(s, true);
}
/* Closes so that the other end cannot take it for the end of the data: with RST where the
 * transport below has that. */
static inline void stream_close_reset(struct stream *s)
{
    s->ops->close_reset(s);
}
static inline size_t stream_queued(const struct stream *s)
{
    return s->queued;
}
static inline void stream_info(struct stream *s, struct stream_info *out)
{
    s->ops->info(s, out);
}
