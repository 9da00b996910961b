/* What users send becomes frames. Heads are written before the call returns, so that nothing need
 * be copied; bodies leave by reference, in h2_drain, as far as the windows and its data_room
 * allow. On the connection's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2_priv.h"

#include <string.h>

#include "lib/base/mem.h"

/* ---- heads and trailers that wait for nghttp2 ---- */

void h2_send_drop(struct h2 *h, struct h2_out_head *out)
{
    if (h->at_once == out)
        h->at_once = NULL;
    if (out->is_copy)
        arena_dispose(&out->arena);
    mem_free(out);
}

static struct h2_out_head *first_out(struct h2_stream *st)
{
    struct h2_out_head *out = st->heads;
    if (out)
        st->heads = out->next;
    return out;
}

static const struct message *copy_head(struct arena *arena, const struct message *from)
{
    struct message *m = arena_alloc(arena, sizeof(*m));
    *m = *from;
    m->method = arena_copy(arena, from->method);
    m->scheme = arena_copy(arena, from->scheme);
    m->authority = arena_copy(arena, from->authority);
    m->path = arena_copy(arena, from->path);
    headers_init(&m->headers, arena);
    headers_copy(&m->headers, &from->headers);
    return m;
}

static const struct headers *copy_trailers(struct arena *arena, const struct headers *from)
{
    struct headers *t = arena_alloc(arena, sizeof(*t));
    headers_init(t, arena);
    headers_copy(t, from);
    return t;
}

/* Tells nghttp2 of a head. `is_sure`: what it refers to lives until it is written; else it is
 * written before this returns, or, inside nghttp2, copied. */
static int32_t submit(struct h2_stream *st, int32_t id, const struct message *head,
                      const struct headers *trailers, bool end, bool is_sure)
{
    enum { COPY_BLOCK = 2048 };
    struct h2 *h = st->h2;
    struct h2_out_head *out = mem_alloc(sizeof(*out));
    *out = (struct h2_out_head){.head = head, .trailers = trailers};
    if (h->busy && !is_sure) {
        out->is_copy = true;
        arena_init(&out->arena, COPY_BLOCK);
        out->head = head ? copy_head(&out->arena, head) : NULL;
        out->trailers = trailers ? copy_trailers(&out->arena, trailers) : NULL;
    } else if (!h->busy) {
        h->at_once = out;
    }
    struct h2_out_head **tail = &st->heads;
    while (*tail)
        tail = &(*tail)->next;
    *tail = out;
    uint8_t flags = end ? NGHTTP2_FLAG_END_STREAM : NGHTTP2_FLAG_NONE;
    return nghttp2_submit_headers(h->session, flags, id, NULL, NULL, 0, id < 0 ? st : NULL);
}

/* Writes what was submitted. What nghttp2 would not take yet can never be written. */
static void push(struct h2 *h)
{
    h2_push(h);
    if (h->at_once && !h->busy)
        h2_fail(h, H2_INTERNAL_ERROR, "a head could not be written");
}

struct h2_stream *h2_send_request(struct h2 *h, const struct message *request, bool end, void *user,
                                  struct arena *arena, struct buf *out)
{
    if (h2_capacity(h) == 0)
        return NULL;
    struct h2_stream *st = h2_stream_create(h, 0);
    st->user = user;
    st->arena = arena;
    st->out = out;
    if (end)
        st->flags |= H2_ST_LOCAL_END;
    if (slice_eq(request->method, SLICE("HEAD")))
        st->flags |= H2_ST_BODILESS;
    st->id = submit(st, -1, request, NULL, end, false);
    if (st->id < 0) { /* stream ids ran out */
        h2_stream_destroy(st);
        return NULL;
    }
    h->open++;
    h2_mem_wake(h);
    h->opening = st;
    h2_guard_opened(&h->guard, (uint32_t)st->id);
    push(h);
    st = h->opening;
    h->opening = NULL;
    return st;
}

void h2_send_head(struct h2_stream *st, const struct message *head, bool end)
{
    struct h2 *h = st->h2;
    if (st->flags & (H2_ST_CLOSED | H2_ST_LOCAL_END))
        return;
    if (end)
        st->flags |= H2_ST_LOCAL_END;
    submit(st, st->id, head, NULL, end, false);
    push(h);
}

void h2_send_status(struct h2 *h, int32_t id, unsigned status, const char *request_id)
{
    struct header field = {.name = header_name_of(HEADER_X_REQUEST_ID),
                           .value = slice_from_cstr(request_id),
                           .id = HEADER_X_REQUEST_ID};
    const struct message head = {.version = HTTP_2,
                                 .status = (uint16_t)status,
                                 .headers = {.items = &field, .count = *request_id ? 1 : 0}};
    struct h2_stream *st = h2_stream_create(h, id);
    nghttp2_session_set_stream_user_data(h->session, id, st);
    st->flags |= H2_ST_LOCAL_END | H2_ST_CUT_AFTER;
    submit(st, id, &head, NULL, true, false);
}

/* ---- bodies ---- */

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t max,
                         uint32_t *data_flags, nghttp2_data_source *source, void *user)
{
    struct h2 *h = user;
    struct h2_stream *st = source->ptr;
    (void)session;
    (void)id;
    (void)to;
    if (!st->out)
        return NGHTTP2_ERR_DEFERRED;
    bool ended = st->flags & H2_ST_LOCAL_END;
    if (buf_is_empty(st->out) && !ended) {
        st->flags |= H2_ST_DEFERRED;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (!buf_is_empty(st->out) && h->data_room == 0) {
        h->held = true;
        return NGHTTP2_ERR_PAUSE;
    }
    size_t n = min_size(min_size(max, h->data_room), st->out->len);
    *data_flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (ended && n == st->out->len) {
        *data_flags |= NGHTTP2_DATA_FLAG_EOF;
        st->flags &= (uint16_t)~H2_ST_DATA;
        if (st->trailers) {
            *data_flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            submit(st, st->id, NULL, st->trailers, true, true);
        }
    }
    return (ssize_t)n;
}

static int send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                     size_t len, nghttp2_data_source *source, void *user)
{
    struct h2 *h = user;
    struct h2_stream *st = source->ptr;
    (void)session;
    (void)frame;
    buf_append(&h->out, head, H2_FRAME_HEAD);
    buf_move(&h->out, st->out, len);
    h->data_room -= len;
    h2_guard_sent_data(&h->guard);
    if (st->user && len)
        h->events->on_taken(st);
    return 0;
}

static void resume(struct h2_stream *st)
{
    nghttp2_data_provider provider = {.source = {.ptr = st}, .read_callback = read_body};
    if (!(st->flags & H2_ST_DATA))
        nghttp2_submit_data(st->h2->session, NGHTTP2_FLAG_END_STREAM, st->id, &provider);
    else if (st->flags & H2_ST_DEFERRED)
        nghttp2_session_resume_data(st->h2->session, st->id);
    st->flags |= H2_ST_DATA;
    st->flags &= (uint16_t)~H2_ST_DEFERRED;
}

void h2_send_body(struct h2_stream *st, bool end)
{
    if (st->flags & (H2_ST_CLOSED | H2_ST_LOCAL_END))
        return;
    if (end)
        st->flags |= H2_ST_LOCAL_END;
    if (end || !buf_is_empty(st->out))
        resume(st);
}

void h2_send_trailers(struct h2_stream *st, const struct headers *trailers)
{
    if (st->flags & (H2_ST_CLOSED | H2_ST_LOCAL_END))
        return;
    st->flags |= H2_ST_LOCAL_END;
    st->trailers = trailers;
    if (st->flags & H2_ST_DATA || !buf_is_empty(st->out)) {
        resume(st);
        return;
    }
    struct h2 *h = st->h2;
    submit(st, st->id, NULL, trailers, true, false);
    push(h);
}

/* ---- what nghttp2 says it sends ---- */

/* For requests that were answered before they ended, say that no more is wanted. */
static void on_end_sent(struct h2 *h, int32_t id)
{
    struct h2_stream *st = h2_stream_of(h, id);
    if (!st)
        return;
    st->flags |= H2_ST_LOCAL_SENT;
    if (st->flags & H2_ST_CUT_AFTER && !(st->flags & H2_ST_REMOTE_END) &&
        nghttp2_session_get_stream_remote_close(h->session, id) == 0)
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, id, H2_NO_ERROR);
}

static void on_headers_sent(struct h2 *h, const nghttp2_frame_hd *hd)
{
    struct h2_stream *st = h2_stream_of(h, hd->stream_id);
    struct h2_out_head *out = st ? first_out(st) : NULL;
    if (!out)
        return;
    h2_write_head(h, out, hd->flags, hd->stream_id);
    h->written_here = true;
    h2_send_drop(h, out);
}

static void on_goaway_sent(struct h2 *h, const nghttp2_goaway *frame)
{
    if (frame->last_stream_id != INT32_MAX)
        h->guard.going_away = true;
    if (frame->error_code == NGHTTP2_NO_ERROR || h->doomed)
        return;
    h->doomed = true; /* it was nghttp2 that found the error */
    h->code = frame->error_code;
    h->detail = mem_strndup((const char *)frame->opaque_data, frame->opaque_data_len);
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h = user;
    struct h2_stream *st;
    (void)session;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        on_headers_sent(h, &frame->hd);
        if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
            on_end_sent(h, frame->hd.stream_id);
        break;
    case NGHTTP2_DATA:
        if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
            on_end_sent(h, frame->hd.stream_id);
        break;
    case NGHTTP2_SETTINGS:
        if (h->server && !(frame->hd.flags & NGHTTP2_FLAG_ACK))
            h2_write_settings(h, &frame->settings);
        break;
    case NGHTTP2_RST_STREAM:
        st = h2_stream_of(h, frame->hd.stream_id);
        if (st)
            st->flags |= H2_ST_WE_RESET;
        h2_guard_let_go(&h->guard, (uint32_t)frame->hd.stream_id);
        break;
    case NGHTTP2_GOAWAY:
        on_goaway_sent(h, &frame->goaway);
        break;
    default:
        break;
    }
    return 0;
}

/* The stream is ending: its head is not wanted any more. */
static int on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame, int error,
                             void *user)
{
    struct h2 *h = user;
    (void)session;
    (void)error;
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    struct h2_stream *st = h2_stream_of(h, frame->hd.stream_id);
    struct h2_out_head *out = st ? first_out(st) : NULL;
    if (out)
        h2_send_drop(h, out);
    return 0;
}

void h2_send_install(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_send);
}
