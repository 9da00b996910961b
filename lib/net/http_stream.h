/* One request and its answer on one connection, seen from our side, whatever the HTTP version: the
 * seam between the codecs and everything that decides (the exchange, the admin server, gRPC calls).
 *
 * The user embeds struct http_stream, sets events, owner and arena, and gets it attached: a server
 * attaches the one its on_stream returns; http_client_send attaches on the client side. The stream
 * is live until one of
 *   - on_done: both directions ended regularly, all our bytes are with the transport; on an HTTP/1
 *     server also when the answer is complete and the request is not: the rest of it is dropped
 *     and the connection ends (neither on_end nor on_abort comes then);
 *   - on_abort: it broke (peer reset it, connection lost, malformed input);
 *   - the user called http_stream_reset.
 * After that the connection holds no pointer to it. Users call http_stream_reset before freeing a
 * stream whenever http_stream_is_live still says true.
 *
 * Any event may be delivered from inside any call on the same connection (send can complete a
 * stream at once): event functions record facts and wake their owner; they do not call back into
 * the stream's connection, but for http_stream_reset and http_stream_consume.
 *
 * Back-pressure: inbound, a codec stops granting window (HTTP/2) or reading the socket (HTTP/1)
 * when 64 KiB are unconsumed; the user calls http_stream_consume as bytes leave. Outbound, send
 * takes everything; http_stream_unsent says how much has not reached the transport and on_writable
 * fires when that falls below 32 KiB after having been above 64 KiB.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/list.h"
#include "lib/codec/http/message.h"

#define HTTP_STREAM_HIGH_WATER 65536u
#define HTTP_STREAM_LOW_WATER 32768u

struct http_stream;

struct http_events {
    /* Server: the request. Client: the response; heads with status 1xx (but 101) come first, each
     * by on_head too, and are not final. `head` lies in the stream's arena. end: no body and no
     * trailers follow (on_end is called as well, right after). */
    void (*on_head)(struct http_stream *st, struct message *head, bool end);
    /* `owner` as in stream.h. The bytes count as unconsumed until http_stream_consume. */
    void (*on_body)(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len);
    /* The peer's direction ended. trailers: NULL when there are none; in the stream's arena. */
    void (*on_end)(struct http_stream *st, const struct headers *trailers);
    void (*on_writable)(struct http_stream *st);
    /* ERR_UNDELIVERED: provably not processed by the peer (REFUSED_STREAM, above GOAWAY's last id,
     * or the connection ended before any byte of the request left us). Others: ERR_RESET,
     * ERR_CLOSED (end of connection before the answer was complete), ERR_PROTOCOL, ERR_TIMEOUT,
     * ERR_MANY_FIELDS, ERR_LARGE_FIELDS (an answer's, over a limit), ERR_CANCELED … */
    void (*on_abort)(struct http_stream *st, enum err why);
    void (*on_done)(struct http_stream *st);
};

struct http_stream_ops {
    void (*send_head)(struct http_stream *st, const struct message *head, bool end);
    void (*send_body)(struct http_stream *st, struct buf *data, bool end);
    void (*send_trailers)(struct http_stream *st, const struct headers *trailers);
    void (*consume)(struct http_stream *st, size_t n);
    void (*reset)(struct http_stream *st, enum err why);
};

struct http_stream {
    /* set by the user before it is attached */
    const struct http_events *events;
    void *owner;
    struct arena *arena;
    /* set by the codec */
    const struct http_stream_ops *ops;
    void *conn;         /* the codec's connection; NULL: not live */
    void *codec;        /* HTTP/2: the codec's own object for this stream */
    struct list node;   /* among the connection's streams */
    int32_t id;         /* HTTP/2 stream id; 0 in HTTP/1 */
    uint16_t state;     /* the codec's own bits */
    bool above_high;    /* unsent was above the high-water mark; on_writable is owed */
    size_t unconsumed;  /* delivered by on_body, not yet consumed */
    struct buf out;     /* taken by send_body, not yet with the transport */
    struct message *in; /* head being received (codec's) */
    const struct headers *out_trailers; /* in the user's arena, to go out after the body */
};

static inline bool http_stream_is_live(const struct http_stream *st)
{
    return st->conn != NULL;
}
/* Server: a response head; any number of 1xx before the final one. (Clients send theirs with
 * http_client_send.) 101 turns the stream into a tunnel: body bytes then travel raw both ways. */
static inline void http_stream_send_head(struct http_stream *st, const struct message *head,
                                         bool end)
{
    st->ops->send_head(st, head, end);
}
/* Takes all of data (which may be empty). */
static inline void http_stream_send_body(struct http_stream *st, struct buf *data, bool end)
{
    st->ops->send_body(st, data, end);
}
/* Ends our direction. HTTP/1 sends them only if the body is chunked, else drops them. */
static inline void http_stream_send_trailers(struct http_stream *st, const struct headers *trailers)
{
    st->ops->send_trailers(st, trailers);
}
static inline void http_stream_consume(struct http_stream *st, size_t n)
{
    st->ops->consume(st, n);
}
/* HTTP/2: RST_STREAM (NO_ERROR→CANCEL mapping by `why`: ERR_CANCELED CANCEL, ERR_OK NO_ERROR,
 * ERR_LIMIT ENHANCE_YOUR_CALM, ERR_PROTOCOL PROTOCOL_ERROR, else INTERNAL_ERROR). HTTP/1: the
 * connection ends with it unless the stream was complete. No events after. */
static inline void http_stream_reset(struct http_stream *st, enum err why)
{
    st->ops->reset(st, why);
}
static inline size_t http_stream_unsent(const struct http_stream *st)
{
    return st->out.len;
}
/* Hands on what has come of a body: as much as there is, unless `to` has enough to do. ended:
 * nothing comes behind it but the trailers (may be NULL). True when the end went out as well. */
static inline bool http_stream_pump(struct http_stream *to, struct buf *body, bool ended,
                                    const struct headers *trailers)
{
    if (body->len > 0 && http_stream_unsent(to) > HTTP_STREAM_HIGH_WATER)
        return false;
    bool end = ended && !trailers;
    if (body->len > 0 || end)
        http_stream_send_body(to, body, end);
    if (ended && trailers && http_stream_is_live(to))
        http_stream_send_trailers(to, trailers);
    return ended;
}
