/* The common half of HTTP/1 connections; see http_h1.h. On the connection's worker. Must not know
 * which end it serves, nor why an exchange ends.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/http_h1.h"

void http_h1_init(struct http_h1 *h, struct stream *transport, enum h1_role role,
                  const struct h1_limits *limits, struct slice scheme,
                  void (*work)(struct loop_task *task))
{
    h->st = NULL;
    h->transport = transport;
    h1_parse_init(&h->parse, role, limits, scheme);
    h1_body_init(&h->body, H1_BODY_NONE, 0, 0);
    buf_init(&h->in);
    buf_init(&h->out);
    loop_task_init(&h->work, work);
    h->reading = h->dying = false;
    http_h1_rewind(h);
}

void http_h1_dispose(struct http_h1 *h)
{
    loop_task_cancel(&h->work);
    h1_parse_dispose(&h->parse);
    h1_body_dispose(&h->body);
    buf_dispose(&h->in);
    buf_dispose(&h->out);
}

void http_h1_rewind(struct http_h1 *h)
{
    h->out_left = 0;
    h->in_state = HTTP_H1_IN_IDLE;
    h->out_framing = H1_FRAMING_NONE;
    h->out_open = h->out_ended = h->out_packed = h->handed = h->holds = false;
}

void http_h1_wake(struct http_h1 *h)
{
    loop_flush_later(h->transport->loop, &h->work);
}

bool http_h1_is_choked(const struct http_h1 *h)
{
    bool flows = h->in_state == HTTP_H1_IN_BODY || h->in_state == HTTP_H1_IN_TUNNEL;
    return flows && h->st && h->st->unconsumed >= HTTP_STREAM_HIGH_WATER;
}

void http_h1_update_reading(struct http_h1 *h)
{
    bool want = !h->dying && h->in.len < HTTP_STREAM_HIGH_WATER && !http_h1_is_choked(h);
    if (want == h->reading)
        return;
    h->reading = want;
    if (want)
        stream_read_start(h->transport);
    else
        stream_read_stop(h->transport);
}

void http_h1_begin_body(struct http_h1 *h, enum h1_body_mode mode, uint64_t length)
{
    h1_body_init(&h->body, mode, length, h->parse.rules.limits.header_bytes);
    h->in_state = HTTP_H1_IN_BODY;
}

void http_h1_end_input(struct http_h1 *h, const struct headers *trailers)
{
    h->in_state = HTTP_H1_IN_DONE;
    h->st->events->on_end(h->st, trailers);
}

static enum h1_body_result end_body(struct http_h1 *h)
{
    struct headers *trailers = NULL;
    if (h->body.mode == H1_BODY_CHUNKED) {
        h->body.bad = (uint8_t)h1_parse_trailers(&h->parse.rules, h1_body_trailer(&h->body),
                                                 h->st->arena, &trailers);
        h1_body_dispose(&h->body);
        if (h->body.bad)
            return H1_BODY_BAD;
    }
    if (h->holds)
        h->in_state = HTTP_H1_IN_HELD;
    else
        http_h1_end_input(h, trailers);
    return H1_BODY_END;
}

void http_h1_deliver_raw(struct http_h1 *h, struct chunk *owner, const uint8_t *data, size_t len)
{
    h->st->unconsumed += len;
    h->st->events->on_body(h->st, owner, data, len);
}

enum h1_body_result http_h1_deliver(struct http_h1 *h, struct chunk *owner, const uint8_t *data,
                                    size_t len, size_t *used)
{
    *used = 0;
    while (h->st) {
        struct slice piece;
        size_t taken;
        enum h1_body_result result =
            h1_body_next(&h->body, data + *used, len - *used, &taken, &piece);
        *used += taken;
        if (result == H1_BODY_END)
            return end_body(h);
        if (result != H1_BODY_DATA)
            return result;
        http_h1_deliver_raw(h, owner, (const uint8_t *)piece.ptr, piece.len);
    }
    return H1_BODY_MORE;
}

void http_h1_send_body(struct http_h1 *h, struct buf *data, bool end)
{
    struct http_stream *st = h->st;
    if (h->out_ended) {
        buf_dispose(data);
        return;
    }
    buf_move_all(&st->out, data);
    st->above_high |= st->out.len > HTTP_STREAM_HIGH_WATER;
    h->out_ended = end;
    http_h1_wake(h);
}

void http_h1_send_trailers(struct http_h1 *h, const struct headers *trailers)
{
    if (h->out_ended)
        return;
    h->st->out_trailers = trailers;
    h->out_ended = true;
    http_h1_wake(h);
}

void http_h1_consume(struct http_h1 *h, size_t n)
{
    struct http_stream *st = h->st;
    st->unconsumed -= n < st->unconsumed ? n : st->unconsumed;
    if (h->reading || http_h1_is_choked(h))
        return;
    if (h->in.len)
        http_h1_wake(h);
    else
        http_h1_update_reading(h);
}

static enum err pack_length(struct http_h1 *h)
{
    struct buf *data = &h->st->out;
    if (data->len > h->out_left || (h->out_ended && data->len < h->out_left))
        return ERR_INVALID;
    h->out_left -= data->len;
    buf_move_all(&h->out, data);
    return ERR_OK;
}

static void pack_chunked(struct http_h1 *h)
{
    h1_write_chunk(&h->out, &h->st->out);
    if (h->out_ended)
        h1_write_last_chunk(&h->out, h->st->out_trailers);
}

enum err http_h1_pack(struct http_h1 *h)
{
    enum err e = ERR_OK;
    if (!h->st || !h->out_open || h->out_packed)
        return ERR_OK;
    switch (h->out_framing) {
    case H1_FRAMING_LENGTH:
        e = pack_length(h);
        break;
    case H1_FRAMING_CHUNKED:
        pack_chunked(h);
        break;
    case H1_FRAMING_RAW:
        buf_move_all(&h->out, &h->st->out);
        break;
    default: /* a body that must not be sent, as of HEAD */
        buf_dispose(&h->st->out);
        break;
    }
    h->out_packed = h->out_ended;
    return e;
}

bool http_h1_may_pack(const struct http_h1 *h)
{
    return stream_queued(h->transport) < HTTP_STREAM_HIGH_WATER;
}

void http_h1_flush(struct http_h1 *h)
{
    if (buf_is_empty(&h->out))
        return;
    h->handed = true;
    stream_write(h->transport, &h->out);
}
