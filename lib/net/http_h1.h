/* What the two ends of an HTTP/1 connection have in common: input that waits, a body on its way
 * in, and one message on its way out, framed and gathered until the end of the turn. At most one
 * stream is live. Embedded in http_server_h1.c and http_client_h1.c; on the connection's worker.
 * Must not know which end it serves.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/h1_body.h"
#include "lib/codec/http/h1_parse.h"
#include "lib/codec/http/h1_write.h"
#include "lib/io/loop.h"
#include "lib/io/stream.h"
#include "lib/net/http_stream_priv.h"

enum http_h1_in {
    HTTP_H1_IN_IDLE, /* nothing is expected */
    HTTP_H1_IN_HEAD, /* the next head, or the rest of it */
    HTTP_H1_IN_BODY,
    HTTP_H1_IN_HELD,   /* a switch of protocols was asked for and not answered yet */
    HTTP_H1_IN_TUNNEL, /* raw bytes */
    HTTP_H1_IN_DONE,   /* the message is complete, the exchange is not */
};

struct http_h1 {
    struct http_stream *st; /* NULL: none live */
    struct stream *transport;
    struct h1_parse parse;
    struct h1_body body;
    struct buf in;  /* arrived, not parsed yet */
    struct buf out; /* framed, leaves at the end of the turn */
    struct loop_task work;
    uint64_t out_left;   /* of a body with a length */
    uint8_t in_state;    /* enum http_h1_in */
    uint8_t out_framing; /* enum h1_framing, of the body */
    bool out_open;       /* the head that the body follows was written */
    bool out_ended;      /* the user's last byte was given to us … */
    bool out_packed;     /* … and is framed */
    bool holds;          /* behind the body a switch of protocols may come */
    bool handed;         /* bytes of this exchange went to the transport */
    bool reading;
    bool dying; /* ends at the end of the turn */
};

void http_h1_init(struct http_h1 *h, struct stream *transport, enum h1_role role,
                  const struct h1_limits *limits, struct slice scheme,
                  void (*work)(struct loop_task *task));
void http_h1_dispose(struct http_h1 *h);
/* Ready for the next exchange. */
void http_h1_rewind(struct http_h1 *h);
/* The work task runs at the end of the turn. */
void http_h1_wake(struct http_h1 *h);
/* Reads from the transport exactly when there is room for what comes. */
void http_h1_update_reading(struct http_h1 *h);
/* True when input that waits must go on waiting for the user to consume. */
bool http_h1_is_choked(const struct http_h1 *h);

void http_h1_begin_body(struct http_h1 *h, enum h1_body_mode mode, uint64_t length);
/* Hands content to the stream until the input or the body ends; on_end included. *used bytes were
 * taken. Stops early when the user resets the stream. H1_BODY_BAD: body.bad says why. */
enum h1_body_result http_h1_deliver(struct http_h1 *h, struct chunk *owner, const uint8_t *data,
                                    size_t len, size_t *used);
/* Hands raw bytes over. */
void http_h1_deliver_raw(struct http_h1 *h, struct chunk *owner, const uint8_t *data, size_t len);
void http_h1_end_input(struct http_h1 *h, const struct headers *trailers);

/* The stream's body operations, but for the connection's own bookkeeping. */
void http_h1_send_body(struct http_h1 *h, struct buf *data, bool end);
void http_h1_send_trailers(struct http_h1 *h, const struct headers *trailers);
void http_h1_consume(struct http_h1 *h, size_t n);
/* Frames what the user gave. ERR_INVALID: it contradicts the length that the head promised. */
MUST_USE enum err http_h1_pack(struct http_h1 *h);
/* Gives everything framed to the transport. */
void http_h1_flush(struct http_h1 *h);
/* False while the transport has so much queued that no more should be framed. */
bool http_h1_may_pack(const struct http_h1 *h);
