/* Heads and bodies to HTTP/1 bytes. What is framing (Content-Length, Transfer-Encoding,
 * Connection, Host, Upgrade) comes from the arguments and the struct's own members, never from the
 * header list: a message cannot contradict itself. The caller vouches for the syntax of names and
 * values. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"
#include "lib/codec/http/message.h"

enum h1_framing {
    H1_FRAMING_NONE,   /* no body, no field about it */
    H1_FRAMING_LENGTH, /* Content-Length, from the argument */
    H1_FRAMING_CHUNKED,
    H1_FRAMING_RAW, /* until the end of the connection, or a tunnel */
};

enum h1_connection { H1_CONNECTION_DEFAULT, H1_CONNECTION_CLOSE, H1_CONNECTION_KEEP_ALIVE };

/* A whole head. version HTTP_1_0 writes HTTP/1.0, any other HTTP/1.1. */
void h1_write_request(struct buf *out, const struct message *m, enum h1_framing framing,
                      uint64_t length, enum h1_connection connection);
/* A head without its end: the Connection field and the empty line follow by h1_write_head_end, when
 * it is known whether the connection goes on. The status line always says HTTP/1.1 (RFC 9110 §2.5).
 */
void h1_write_response(struct buf *out, const struct message *m, enum h1_framing framing,
                       uint64_t length);
void h1_write_head_end(struct buf *out, enum h1_connection connection);
/* All of data as one chunk, moved, not copied; nothing for no bytes. */
void h1_write_chunk(struct buf *out, struct buf *data);
/* The last chunk and the trailer section; trailers may be NULL. */
void h1_write_last_chunk(struct buf *out, const struct headers *trailers);
