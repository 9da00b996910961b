/* gRPC-Web (grpc/doc/PROTOCOL-WEB.md): what a browser can speak of gRPC. The messages are those of
 * gRPC; what HTTP/2 says in trailers is one more message at the end, and all of it may be base64,
 * in pieces that each have their own padding. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/codec/http/grpc_frame.h"
#include "lib/codec/http/message.h"

struct grpc_web_type {
    bool is_text;         /* base64 */
    struct slice message; /* "+proto"; may be empty */
};

/* Of a Content-Type. False: it is not gRPC-Web. */
bool grpc_web_frame_read_type(struct slice type, struct grpc_web_type *to);
/* Which of the two forms an Accept field asks for, else `is_text`. */
bool grpc_web_frame_wants_text(const struct headers *h, bool is_text);

/* ---- base64 of a stream ---- */

/* Zeroed before it is begun. */
struct grpc_web_decoder {
    char group[4];
    unsigned count; /* characters of the next group */
};

/* Drains `in`. False: it is not base64. */
MUST_USE bool grpc_web_frame_decode(struct grpc_web_decoder *d, struct buf *in, struct buf *out);
/* Nothing more comes: no group has only begun. */
bool grpc_web_frame_is_complete(const struct grpc_web_decoder *d);

/* Zeroed before it is begun. */
struct grpc_web_encoder {
    uint8_t group[3];
    unsigned count; /* bytes of the next group */
    uint8_t prefix[GRPC_FRAME_PREFIX];
    unsigned seen;  /* bytes of the message's prefix */
    uint32_t left;  /* bytes of the message */
};

/* Drains `in`. The padding stands at the ends of messages, so that each can be read when it is
 * there; behind the end of a body that stops within one comes what there was. */
void grpc_web_frame_encode(struct grpc_web_encoder *e, struct buf *in, bool end, struct buf *out);

/* ---- trailers ---- */

/* Appends the message that says them. */
void grpc_web_frame_write_trailers(const struct headers *trailers, struct buf *out);
