/* TLS between two streams: the user's above, the transport below. This file has a stream's life and
 * what its user calls; what the user writes goes down as whole records in one write. Owned by its
 * loop's thread; freed as a grave. Must not know what is carried, nor what the transport is.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/tls_stream.h"

#include "lib/base/mem.h"
#include "lib/net/tls_stream_priv.h"

enum { HANDSHAKE_MS = 10000, LINGER_MS = 2000 };

static struct tls_stream *tls_of(struct stream *s)
{
    return container_of(s, struct tls_stream, stream);
}

static void free_stream(struct loop_task *task)
{
    struct tls_stream *t = container_of(task, struct tls_stream, grave);
    tls_conn_destroy(t->conn);
    buf_dispose(&t->early);
    buf_dispose(&t->late);
    mem_free(t);
}

void tls_stream_send(struct tls_stream *t)
{
    struct buf *out = tls_conn_out(t->conn);
    if (!buf_is_empty(out))
        stream_write(t->lower, out);
    t->stream.queued = t->late.len + stream_queued(t->lower);
}

static void bury(struct tls_stream *t)
{
    t->closed = true;
    timer_stop(&t->timer);
    loop_task_cancel(&t->task);
    loop_bury(t->stream.loop, &t->grave);
}

void tls_stream_close_now(struct tls_stream *t, bool flush_first)
{
    if (t->closed)
        return;
    bury(t);
    if (flush_first)
        stream_close_flushed(t->lower);
    else
        stream_close(t->lower);
}

/* Only from a callback of the loop. What the machine left for the peer, an alert, still goes out.
 */
void tls_stream_fail(struct tls_stream *t, enum err why, const char *detail)
{
    if (t->state == TLS_STREAM_FAILED || t->closed)
        return;
    bool shaking = t->state == TLS_STREAM_SHAKING;
    t->state = TLS_STREAM_FAILED;
    t->detail = detail;
    timer_stop(&t->timer);
    stream_read_stop(t->lower);
    tls_stream_send(t);
    buf_dispose(&t->early);
    buf_dispose(&t->late);
    t->stream.queued = 0;
    if (t->lingers)
        tls_stream_close_now(t, shaking);
    else
        t->stream.events->on_fail(&t->stream, why);
}

static void on_timeout(struct timer *timer)
{
    struct tls_stream *t = container_of(timer, struct tls_stream, timer);
    if (t->lingers)
        tls_stream_close_now(t, false);
    else
        tls_stream_fail(t, ERR_TIMEOUT, "the TLS handshake took too long");
}

void tls_stream_end_writing(struct tls_stream *t)
{
    tls_conn_shutdown(t->conn);
    tls_stream_send(t);
    stream_shutdown(t->lower);
}

static void read_start(struct stream *s)
{
    struct tls_stream *t = tls_of(s);
    if (t->want_read || t->state == TLS_STREAM_FAILED)
        return;
    t->want_read = true;
    stream_read_start(t->lower);
    if (t->state == TLS_STREAM_OPEN &&
        (!buf_is_empty(&t->early) || tls_conn_has_more(t->conn) || t->lower_eof))
        loop_run_soon(s->loop, &t->task);
}

static void read_stop(struct stream *s)
{
    struct tls_stream *t = tls_of(s);
    t->want_read = false;
    if (t->state == TLS_STREAM_OPEN)
        stream_read_stop(t->lower);
}

static void write_data(struct stream *s, struct buf *data)
{
    struct tls_stream *t = tls_of(s);
    if (t->state == TLS_STREAM_FAILED || t->fail_due || t->shut_asked) {
        buf_dispose(data);
        return;
    }
    if (t->state == TLS_STREAM_SHAKING) {
        buf_move_all(&t->late, data);
        s->queued = t->late.len + stream_queued(t->lower);
        return;
    }
    t->fail_due = tls_conn_write(t->conn, data);
    if (t->fail_due)
        loop_run_soon(s->loop, &t->task);
    else
        tls_stream_send(t);
}

static void shut_down(struct stream *s)
{
    struct tls_stream *t = tls_of(s);
    if (t->shut_asked || t->state == TLS_STREAM_FAILED)
        return;
    t->shut_asked = true;
    if (t->state == TLS_STREAM_OPEN)
        tls_stream_end_writing(t);
}

static void close_stream(struct stream *s, bool flush_first)
{
    struct tls_stream *t = tls_of(s);
    s->events = NULL;
    if (t->state == TLS_STREAM_SHAKING && flush_first && t->late.len) {
        t->lingers = true;
        timer_start(&t->timer, LINGER_MS);
        return;
    }
    if (t->state == TLS_STREAM_OPEN && flush_first) {
        tls_conn_shutdown(t->conn);
        tls_stream_send(t);
    }
    tls_stream_close_now(t, flush_first || t->state == TLS_STREAM_FAILED);
}

static void close_reset(struct stream *s)
{
    struct tls_stream *t = tls_of(s);
    s->events = NULL;
    bury(t);
    stream_close_reset(t->lower);
}

static void info(struct stream *s, struct stream_info *out)
{
    struct tls_stream *t = tls_of(s);
    stream_info(t->lower, out);
    out->is_tls = true;
    out->alpn = tls_conn_alpn(t->conn);
    out->sni = tls_conn_sni(t->conn);
    out->tls_peer = t->has_peer ? &t->peer : NULL;
    out->fail_detail = t->state == TLS_STREAM_FAILED ? t->detail : NULL;
}

static const struct stream_ops ops = {
    .read_start = read_start,
    .read_stop = read_stop,
    .write = write_data,
    .shutdown = shut_down,
    .close = close_stream,
    .close_reset = close_reset,
    .info = info,
};

struct stream *tls_stream_create(struct stream *lower, struct tls_ctx *ctx,
                                 const struct tls_stream_options *options, struct buf *early,
                                 const struct stream_events *events, void *owner)
{
    static const struct tls_stream_options defaults;
    if (!options)
        options = &defaults;
    struct tls_conn_options conn = {options->server_name, options->expect_spiffe_id};
    struct tls_stream *t = mem_zalloc(sizeof(*t));
    t->stream = (struct stream){.ops = &ops, .loop = lower->loop};
    stream_use(&t->stream, events, owner);
    t->lower = lower;
    t->conn = tls_conn_create(ctx, &conn);
    buf_init(&t->early);
    buf_init(&t->late);
    if (early)
        buf_move_all(&t->early, early);
    loop_task_init(&t->task, tls_stream_turn_end);
    loop_task_init(&t->grave, free_stream);
    timer_init(&t->timer, lower->loop, on_timeout);
    timer_start(&t->timer,
                options->handshake_timeout_ms ? options->handshake_timeout_ms : HANDSHAKE_MS);
    stream_use(lower, &tls_stream_lower_events, t);
    stream_read_start(lower);
    loop_run_soon(lower->loop, &t->task);
    return &t->stream;
}

enum err tls_stream_review(struct stream *s, const struct tls_ctx *by,
                           const struct tls_stream_options *options, char why[TLS_DETAIL_MAX])
{
    struct tls_conn_options conn = {0};
    if (s->ops != &ops || tls_of(s)->state != TLS_STREAM_OPEN)
        return ERR_OK;
    if (options)
        conn = (struct tls_conn_options){options->server_name, options->expect_spiffe_id};
    return tls_conn_review(tls_of(s)->conn, by, options ? &conn : NULL, why);
}

struct stream *tls_stream_lower(struct stream *s)
{
    return s->ops == &ops ? tls_of(s)->lower : NULL;
}
