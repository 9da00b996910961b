/* The codec tied to a transport. Reading stops while too much output waits; bodies are moved to
 * the transport only as fast as it takes them, so that what waits is where back-pressure sees it.
 * On the connection's worker; must not know requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/h2_link.h"

enum {
    DATA_QUEUED_MAX = 131072,   /* body bytes the transport may hold unsent */
    OUTPUT_QUEUED_MAX = 262144, /* more than that, and the peer is not read any more */
};

static struct h2_link *link_of(struct h2_stream *hs)
{
    return h2_owner(hs->h2);
}

void h2_link_wake(struct h2_link *l)
{
    loop_flush_later(l->loop, &l->flush);
}

static void feed(struct h2_link *l, struct chunk *owner, const uint8_t *data, size_t len)
{
    l->heard_ms = loop_now_ms(l->loop);
    if (!l->broken && !h2_feed(l->h2, l->heard_ms, owner, data, len))
        l->broken = true;
}

static void feed_early(struct h2_link *l)
{
    struct iovec piece;
    while (!*l->over && buf_peek(&l->early, &piece, 1)) {
        feed(l, NULL, piece.iov_base, piece.iov_len);
        buf_drain(&l->early, piece.iov_len);
    }
}

void h2_link_feed(struct h2_link *l, struct chunk *owner, const uint8_t *data, size_t len)
{
    if (!buf_is_empty(&l->early))
        feed_early(l);
    if (!*l->over)
        feed(l, owner, data, len);
    h2_link_wake(l);
}

static size_t data_room(const struct h2_link *l)
{
    size_t queued = stream_queued(l->transport);
    return queued < DATA_QUEUED_MAX ? DATA_QUEUED_MAX - queued : 0;
}

static void pace_reading(struct h2_link *l)
{
    bool want = stream_queued(l->transport) < OUTPUT_QUEUED_MAX;
    if (want == l->reading)
        return;
    l->reading = want;
    if (want)
        stream_read_start(l->transport);
    else
        stream_read_stop(l->transport);
}

static void write_out(struct h2_link *l)
{
    struct buf *out = h2_output(l->h2);
    if (!h2_drain(l->h2, data_room(l)))
        l->broken = true;
    if (!*l->over && !buf_is_empty(out))
        stream_write(l->transport, out);
}

static void run_flush(struct loop_task *task)
{
    struct h2_link *l = container_of(task, struct h2_link, flush);
    if (*l->over)
        return;
    if (!buf_is_empty(&l->early))
        feed_early(l);
    if (!*l->over)
        write_out(l);
    if (*l->over)
        return;
    /* The transport took all there was room for: there may be more. */
    if (h2_is_held(l->h2) && data_room(l))
        h2_link_wake(l);
    pace_reading(l);
    l->after_flush(l);
}

void h2_link_drained(struct h2_link *l)
{
    h2_link_wake(l);
}

void h2_link_init(struct h2_link *l, struct stream *transport, const struct h2_config *config,
                  const struct h2_events *events)
{
    l->transport = transport;
    l->loop = transport->loop;
    l->heard_ms = loop_now_ms(l->loop);
    l->reading = true;
    buf_init(&l->early);
    loop_task_init(&l->flush, run_flush);
    l->h2 = h2_create(config, events, l, l->heard_ms);
    h2_link_wake(l);
}

void h2_link_dispose(struct h2_link *l)
{
    loop_task_cancel(&l->flush);
    buf_dispose(&l->early);
    h2_destroy(l->h2);
}

void h2_link_attach(struct h2_link *l, struct http_stream *st, struct list *streams)
{
    http_stream_attach(st, &h2_link_stream_ops, l, streams);
    (*l->active)++;
}

void h2_link_on_head(struct h2_stream *hs, struct message *head, bool end)
{
    struct http_stream *st = hs->user;
    if (*link_of(hs)->over)
        return;
    st->state |= H2_LINK_ANSWERED;
    st->in = head;
    st->events->on_head(st, head, end);
}

void h2_link_on_data(struct h2_stream *hs, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct http_stream *st = hs->user;
    if (*link_of(hs)->over)
        return;
    st->unconsumed += len;
    st->events->on_body(st, owner, data, len);
}

void h2_link_on_end(struct h2_stream *hs, const struct headers *trailers)
{
    struct http_stream *st = hs->user;
    if (!*link_of(hs)->over)
        st->events->on_end(st, trailers);
}

void h2_link_on_taken(struct h2_stream *hs)
{
    if (!*link_of(hs)->over)
        http_stream_check_writable(hs->user);
}

static void send_head(struct http_stream *st, const struct message *head, bool end)
{
    struct h2_link *l = st->conn;
    h2_send_head(st->codec, head, end);
    h2_link_wake(l);
}

static void send_body(struct http_stream *st, struct buf *data, bool end)
{
    struct h2_link *l = st->conn;
    buf_move_all(&st->out, data);
    if (st->out.len > HTTP_STREAM_HIGH_WATER)
        st->above_high = true;
    h2_send_body(st->codec, end);
    h2_link_wake(l);
}

static void send_trailers(struct http_stream *st, const struct headers *trailers)
{
    struct h2_link *l = st->conn;
    st->out_trailers = trailers;
    h2_send_trailers(st->codec, trailers);
    h2_link_wake(l);
}

static void consume(struct http_stream *st, size_t n)
{
    struct h2_link *l = st->conn;
    st->unconsumed -= n < st->unconsumed ? n : st->unconsumed;
    h2_stream_consume(st->codec, n);
    h2_link_wake(l);
}

static void reset(struct http_stream *st, enum err why)
{
    struct h2_link *l = st->conn;
    struct h2_stream *hs = st->codec;
    /* Before the detaching, which empties st->out: with ERR_OK the codec still sends what is there.
     */
    h2_stream_reset(hs, why);
    http_stream_detach(st);
    (*l->active)--;
    h2_link_wake(l);
}

const struct http_stream_ops h2_link_stream_ops = {
    .send_head = send_head,
    .send_body = send_body,
    .send_trailers = send_trailers,
    .consume = consume,
    .reset = reset,
};
