/* What nghttp2 reads becomes events: header blocks through h2_block, DATA with its length checked,
 * ends. Runs inside h2_feed, on the connection's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2_priv.h"

#include <string.h>

#include "lib/base/mem.h"

enum {
    MAX_INTERIM = 32,
    /* Streams that were opened, handed out and reset between two calls of h2_drain, of one
     * connection and of all of a thread: what their users keep until then is bounded by these. */
    MAX_DEAD = 100,
    MAX_DEAD_OF_ALL = 1000,
};

static _Thread_local unsigned dead_of_all;

static void reset_stream(struct h2 *h, int32_t id, uint32_t code)
{
    nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, id, code);
    h2_guard_let_go(&h->guard, (uint32_t)id);
}

/* Our RST_STREAM for what the peer did wrong. */
static void fault_stream(struct h2_stream *st, enum err why)
{
    h2_charge(st->h2, "too many malformed messages");
    h2_stream_fail(st, H2_PROTOCOL_ERROR, why);
}

static bool may_open(const struct h2 *h)
{
    return !h->guard.going_away && h->open < h->max_streams && h->dead < MAX_DEAD &&
           dead_of_all < MAX_DEAD_OF_ALL;
}

void h2_recv_died(struct h2 *h)
{
    if (!h->server)
        return;
    h->dead++;
    dead_of_all++;
}

void h2_recv_settle(struct h2 *h)
{
    dead_of_all -= h->dead;
    h->dead = 0;
}

enum h2_head_kind h2_recv_kind(struct h2 *h, uint32_t id)
{
    if (h2_guard_is_new(&h->guard, id))
        return may_open(h) ? H2_HEAD_REQUEST : H2_HEAD_IGNORED;
    const struct h2_stream *st = h2_stream_of(h, (int32_t)id);
    if (!st || !st->user)
        return H2_HEAD_IGNORED;
    if (!h->server && !(st->flags & H2_ST_FINAL_HEAD))
        return H2_HEAD_RESPONSE;
    return H2_HEAD_TRAILERS;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h = user;
    (void)session;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        h->open++;
        h2_mem_wake(h);
    }
    return 0;
}

static void refuse_head(struct h2 *h, int32_t id)
{
    unsigned status = h->block.head.fault;
    const char *reason = h->block.head.reason;
    char request_id[MESSAGE_REQUEST_ID_SIZE] = "";
    h2_charge(h, "too many malformed requests");
    h->events->on_bad_head(h, status, reason, request_id);
    if (status == 400)
        reset_stream(h, id, H2_PROTOCOL_ERROR);
    else
        h2_send_status(h, id, status, request_id);
    h2_head_reset(&h->block.head);
}

/* Beyond the limit. */
static void refuse_stream(struct h2 *h, int32_t id)
{
    h2_charge(h, "too many streams beyond the limit");
    reset_stream(h, id, H2_REFUSED_STREAM);
}

static void end_remote(struct h2_stream *st, const struct headers *trailers)
{
    st->flags |= H2_ST_REMOTE_END;
    st->h2->events->on_end(st, trailers);
}

static void take_head(struct h2_stream *st, bool end)
{
    struct h2 *h = st->h2;
    struct message *m = h2_head_take_message(&h->block.head, st->arena);
    if (st->flags & H2_ST_BODILESS || m->status == 204 || m->status == 304)
        st->promised = 0;
    else
        st->promised = m->content_length;
    h->events->on_head(st, m, end);
    if (end && st->user)
        end_remote(st, NULL);
}

static void on_request(struct h2 *h, int32_t id)
{
    if (!h2_head_check(&h->block.head))
        return refuse_head(h, id);
    struct h2_stream *st = h2_stream_create(h, id);
    nghttp2_session_set_stream_user_data(h->session, id, st);
    bool end = h->block.head.ends;
    st->arena = h->events->on_stream(h, st);
    if (!st->arena) {
        st->user = NULL;
        h2_head_reset(&h->block.head);
        reset_stream(h, id, H2_REFUSED_STREAM);
        return;
    }
    take_head(st, end);
}

/* How a fault in an answer is told to who asked. */
static enum err answer_err(const struct h2_head *in)
{
    if (in->fault != 431)
        return ERR_PROTOCOL;
    return in->has_too_many ? ERR_MANY_FIELDS : ERR_LARGE_FIELDS;
}

static void on_response(struct h2 *h, struct h2_stream *st)
{
    bool end = h->block.head.ends, final = h->block.head.status >= 200;
    bool fine = h2_head_check(&h->block.head);
    if (fine && !final && ++st->interim > MAX_INTERIM)
        fine = false;
    /* A body that was announced and does not come; HEAD, 204 and 304 only talk about it. */
    bool bodiless = st->flags & H2_ST_BODILESS || h->block.head.status == 304;
    if (fine && end && h->block.head.content_length > 0 && !bodiless)
        fine = false;
    if (!fine) {
        enum err why = answer_err(&h->block.head);
        h2_head_reset(&h->block.head);
        return fault_stream(st, why);
    }
    if (final)
        st->flags |= H2_ST_FINAL_HEAD;
    take_head(st, end);
}

static void on_trailers(struct h2 *h, struct h2_stream *st)
{
    bool fine = h2_head_check(&h->block.head) && st->promised <= 0;
    if (!fine) {
        enum err why = answer_err(&h->block.head);
        h2_head_reset(&h->block.head);
        return fault_stream(st, why);
    }
    end_remote(st, h2_head_take_trailers(&h->block.head, st->arena));
}

static void on_headers(struct h2 *h, const nghttp2_frame *frame)
{
    int32_t id = frame->hd.stream_id;
    struct h2_stream *st = h2_stream_of(h, id);
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST && h->block.head.kind == H2_HEAD_REQUEST)
        on_request(h, id);
    else if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        refuse_stream(h, id);
    else if (st && st->user && h->block.head.kind == H2_HEAD_RESPONSE)
        on_response(h, st);
    else if (st && st->user && h->block.head.kind == H2_HEAD_TRAILERS)
        on_trailers(h, st);
}

static void on_data_end(struct h2 *h, const nghttp2_frame *frame)
{
    struct h2_stream *st = h2_stream_of(h, frame->hd.stream_id);
    bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (!end && frame->hd.length <= frame->data.padlen)
        h2_charge(h, "too many empty DATA frames");
    if (!st || !st->user)
        return;
    if (!h->server && !(st->flags & H2_ST_FINAL_HEAD))
        return fault_stream(st, ERR_PROTOCOL);
    if (!end)
        return;
    if (st->promised > 0)
        return fault_stream(st, ERR_PROTOCOL);
    end_remote(st, NULL);
}

static void on_settings(struct h2 *h, const nghttp2_settings *frame)
{
    if (frame->hd.flags & NGHTTP2_FLAG_ACK) {
        h2_window_acknowledged(h);
        return;
    }
    for (size_t i = 0; i < frame->niv; i++) {
        if (frame->iv[i].settings_id == NGHTTP2_SETTINGS_HEADER_TABLE_SIZE)
            hpack_encode_resize(&h->encoder, frame->iv[i].value);
    }
    h->events->on_settings(h);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h = user;
    (void)session;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        on_headers(h, frame);
        break;
    case NGHTTP2_DATA:
        on_data_end(h, frame);
        break;
    case NGHTTP2_SETTINGS:
        on_settings(h, &frame->settings);
        break;
    case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK)
            h->events->on_pong(h);
        break;
    case NGHTTP2_GOAWAY:
        h->events->on_goaway(h, frame->goaway.error_code);
        break;
    default:
        break;
    }
    return 0;
}

/* False when the bytes are more than content-length announced, or should not be there at all. */
static bool count_body(struct h2_stream *st, size_t len)
{
    if (!st->h2->server && !(st->flags & H2_ST_FINAL_HEAD))
        return false;
    if (st->promised < 0)
        return true;
    if ((uint64_t)st->promised < len)
        return false;
    st->promised -= (int64_t)len;
    return true;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t len, void *user)
{
    struct h2 *h = user;
    struct h2_stream *st = h2_stream_of(h, id);
    (void)flags;
    if (!st || !st->user) {
        nghttp2_session_consume(session, id, len);
        return 0;
    }
    if (!count_body(st, len)) {
        nghttp2_session_consume_connection(session, len);
        fault_stream(st, ERR_PROTOCOL);
        return 0;
    }
    st->unconsumed += len;
    h2_window_took(h, len);
    h->events->on_data(st, h->feed_owner, data, len);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct h2 *h = user;
    struct h2_stream *st = h2_stream_of(h, id);
    (void)session;
    h->open--;
    h2_mem_wake(h);
    if (st && st->user && !(st->flags & H2_ST_LOCAL_SENT))
        h2_recv_died(h);
    if (st)
        h2_stream_closed(st, code);
    return 0;
}

/* nghttp2 answers with RST_STREAM, or ends the connection. */
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
                            void *user)
{
    (void)session;
    (void)frame;
    (void)error;
    h2_charge(user, "too many frames that break the rules");
    return 0;
}

void h2_recv_install(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
}
