/* The receiving half of a TLS stream: ciphertext goes into the TLS machine straight from the chunk
 * it was read into, plaintext comes out into the loop's read chunk, so an idle connection holds no
 * buffer. On the loop's thread. Must not know what the plaintext means.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/net/tls_stream_priv.h"

static void note_peer(struct tls_stream *t)
{
    const struct tls_identity *id = tls_conn_peer(t->conn);
    if (!id)
        return;
    t->has_peer = true;
    t->peer = (struct tls_peer){
        .spiffe_id = id->spiffe_id,
        .not_after_ms = id->not_after_ms,
        .subject = id->subject,
        .names = id->names,
    };
    memcpy(t->peer.cert_sha256, id->cert_sha256, sizeof(t->peer.cert_sha256));
}

static void opened(struct tls_stream *t)
{
    t->state = TLS_STREAM_OPEN;
    timer_stop(&t->timer);
    note_peer(t);
    bool owed_drain = t->late.len > 0;
    if (owed_drain) {
        enum err e = tls_conn_write(t->conn, &t->late);
        if (e) {
            tls_stream_fail(t, e, tls_conn_detail(t->conn));
            return;
        }
    }
    tls_stream_send(t);
    if (t->lingers) {
        tls_conn_shutdown(t->conn);
        tls_stream_send(t);
        tls_stream_close_now(t, true);
        return;
    }
    if (t->shut_asked)
        tls_stream_end_writing(t);
    if (t->stream.events->on_open)
        t->stream.events->on_open(&t->stream);
    if (owed_drain && !t->closed && t->state == TLS_STREAM_OPEN && t->stream.queued == 0 &&
        t->stream.events->on_drain)
        t->stream.events->on_drain(&t->stream);
    if (!t->closed && !t->want_read)
        stream_read_stop(t->lower);
}

static void shake(struct tls_stream *t)
{
    enum err e = tls_conn_handshake(t->conn);
    if (e == ERR_AGAIN)
        tls_stream_send(t);
    else if (e)
        tls_stream_fail(t, e, tls_conn_detail(t->conn));
    else
        opened(t);
}

static bool may_deliver(const struct tls_stream *t)
{
    return t->state == TLS_STREAM_OPEN && t->want_read && !t->closed && !t->got_eof;
}

/* One chunk of plaintext to the user; false when there is none. */
static bool deliver(struct tls_stream *t)
{
    struct chunk *c = chunk_ref(loop_read_chunk(t->stream.loop));
    size_t n;
    enum err e = tls_conn_read(t->conn, c->data, c->capacity, &n);
    if (e == ERR_OK) {
        c->used = (uint32_t)n;
        t->stream.events->on_data(&t->stream, c, c->data, n);
    } else if (e == ERR_EOF) {
        t->got_eof = true;
        t->stream.events->on_eof(&t->stream);
    } else if (e != ERR_AGAIN) {
        tls_stream_fail(t, e, tls_conn_detail(t->conn));
    }
    chunk_unref(c);
    return e == ERR_OK;
}

/* As far as what was fed, and the user, allow. */
static void run(struct tls_stream *t)
{
    if (t->state == TLS_STREAM_SHAKING && !t->closed)
        shake(t);
    while (may_deliver(t) && tls_conn_has_more(t->conn) && deliver(t))
        ;
    /* Reading may answer: a key update, an alert. */
    if (!t->closed && t->state != TLS_STREAM_FAILED)
        tls_stream_send(t);
}

/* Feeds what was kept; stops when the user does. */
static void run_early(struct tls_stream *t)
{
    if (tls_conn_has_more(t->conn) || buf_is_empty(&t->early))
        run(t);
    while (!buf_is_empty(&t->early) && !t->closed &&
           (t->state == TLS_STREAM_SHAKING || may_deliver(t))) {
        struct slice front = buf_front(&t->early);
        tls_conn_feed(t->conn, (const uint8_t *)front.ptr, front.len);
        run(t);
        size_t unread = tls_conn_unread(t->conn);
        tls_conn_feed(t->conn, NULL, 0);
        /* A failure has emptied it. */
        if (!buf_is_empty(&t->early))
            buf_drain(&t->early, front.len - unread);
    }
}

/* The transport's end means something only once everything before it was read. */
static void act_on_lower_eof(struct tls_stream *t)
{
    if (!t->lower_eof || t->closed || t->state == TLS_STREAM_FAILED || t->got_eof)
        return;
    if (t->state == TLS_STREAM_OPEN && (!t->want_read || !buf_is_empty(&t->early)))
        return;
    if (t->state == TLS_STREAM_OPEN && t->stream.events->on_bare_eof) {
        t->got_eof = true;
        t->stream.events->on_bare_eof(&t->stream);
        return;
    }
    enum err why = tls_conn_transport_eof(t->conn);
    tls_stream_fail(t, why, tls_conn_detail(t->conn));
}

static void on_data(struct stream *lower, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct tls_stream *t = lower->owner;
    if (t->state == TLS_STREAM_FAILED)
        return;
    if (!buf_is_empty(&t->early) || (t->state == TLS_STREAM_OPEN && !may_deliver(t))) {
        /* After the peer's close_notify nothing counts any more. */
        if (!t->got_eof)
            buf_append_shared(&t->early, owner, data, len);
        return;
    }
    tls_conn_feed(t->conn, data, len);
    run(t);
    size_t unread = tls_conn_unread(t->conn);
    tls_conn_feed(t->conn, NULL, 0);
    if (unread && !t->closed && t->state == TLS_STREAM_OPEN && !t->got_eof)
        buf_append_shared(&t->early, owner, data + len - unread, unread);
}

static void on_eof(struct stream *lower)
{
    struct tls_stream *t = lower->owner;
    t->lower_eof = true;
    act_on_lower_eof(t);
}

static void on_drain(struct stream *lower)
{
    struct tls_stream *t = lower->owner;
    t->stream.queued = t->late.len + stream_queued(lower);
    if (t->state == TLS_STREAM_OPEN && !t->lingers && t->stream.queued == 0 &&
        t->stream.events->on_drain)
        t->stream.events->on_drain(&t->stream);
}

static void fail_lower(struct tls_stream *t, enum err why)
{
    struct stream_info info;
    stream_info(t->lower, &info);
    tls_stream_fail(t, why, info.fail_detail);
}

static void on_fail(struct stream *lower, enum err why)
{
    fail_lower(lower->owner, why);
}

const struct stream_events tls_stream_lower_events = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_drain = on_drain,
    .on_fail = on_fail,
};

/* What a call of the user, or the creation, put off until the end of the turn. */
void tls_stream_turn_end(struct loop_task *task)
{
    struct tls_stream *t = container_of(task, struct tls_stream, task);
    if (t->fail_due) {
        tls_stream_fail(t, t->fail_due, tls_conn_detail(t->conn));
        return;
    }
    run_early(t);
    act_on_lower_eof(t);
}
