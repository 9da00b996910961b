/* What every codec does to a struct http_stream: take it in and let it go. For http_*_h1.c and
 * http_*_h2.c only.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/stream.h"
#include "lib/net/http_stream.h"

/* How a connection's transport is let go. */
enum http_close {
    HTTP_CLOSE_NOW,
    HTTP_CLOSE_FLUSHED, /* after what is queued was sent */
    HTTP_CLOSE_RESET,   /* so that the peer cannot take the cut for a regular end */
};

/* Initialises the codec's fields and links st to the end of `streams`. */
void http_stream_attach(struct http_stream *st, const struct http_stream_ops *ops, void *conn,
                        struct list *streams);
/* st is not live any more: unlinked, conn NULL, `out` emptied. Call before on_done or on_abort. */
void http_stream_detach(struct http_stream *st);
/* detach, then on_abort(why). */
void http_stream_abort(struct http_stream *st, enum err why);
/* After bytes left st->out: fires on_writable when it is owed. */
void http_stream_check_writable(struct http_stream *st);
void http_stream_close_transport(struct stream *transport, enum http_close how);
