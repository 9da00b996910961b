/* Taking a stream into a codec's connection and letting it go again: the part that does not depend
 * on the HTTP version. On the connection's worker.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/http_stream.h"

#include <stddef.h>

#include "lib/io/tcp.h"
#include "lib/net/http_stream_priv.h"

void http_stream_attach(struct http_stream *st, const struct http_stream_ops *ops, void *conn,
                        struct list *streams)
{
    st->ops = ops;
    st->conn = conn;
    st->codec = NULL;
    st->id = 0;
    st->state = 0;
    st->above_high = false;
    st->unconsumed = 0;
    st->in = NULL;
    st->out_trailers = NULL;
    buf_init(&st->out);
    list_link_last(streams, &st->node);
}

void http_stream_detach(struct http_stream *st)
{
    list_unlink(&st->node);
    st->conn = NULL;
    buf_dispose(&st->out);
}

void http_stream_abort(struct http_stream *st, enum err why)
{
    http_stream_detach(st);
    st->events->on_abort(st, why);
}

void http_stream_check_writable(struct http_stream *st)
{
    if (!st->above_high || st->out.len >= HTTP_STREAM_LOW_WATER)
        return;
    st->above_high = false;
    if (st->events->on_writable)
        st->events->on_writable(st);
}

void http_stream_close_transport(struct stream *transport, enum http_close how)
{
    switch (how) {
    case HTTP_CLOSE_FLUSHED:
        stream_close_flushed(transport);
        break;
    case HTTP_CLOSE_RESET:
        stream_close_reset(transport);
        break;
    case HTTP_CLOSE_NOW:
        stream_close(transport);
        break;
    }
}
