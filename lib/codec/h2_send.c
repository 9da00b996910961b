/* What users send becomes frames. Heads are serialised before the call returns, so that nghttp2
 * need not copy them; bodies leave by reference, in h2_drain, as far as the windows and its
 * data_room allow. On the connection's thread. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2_priv.h"

#include <string.h>

#include "lib/base/mem.h"

enum {
    FIELDS_ON_STACK = 64,
    MAX_PSEUDO = 4,
    NO_COPY = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE,
};

/* A list for nghttp2; on the stack unless it is long. */
struct fields {
    nghttp2_nv *items;
    size_t count;
    uint8_t flags;
    nghttp2_nv few[FIELDS_ON_STACK];
};

static void open_fields(struct fields *f, const struct h2 *h, size_t count)
{
    f->items = count > FIELDS_ON_STACK ? mem_alloc(count * sizeof(*f->items)) : f->few;
    f->count = 0;
    /* Inside nghttp2 the list is only queued, and what it points to may be gone when it is written.
     */
    f->flags = h->busy ? 0 : NO_COPY;
}

static void close_fields(struct fields *f)
{
    if (f->items != f->few)
        mem_free(f->items);
}

static void add(struct fields *f, struct slice name, struct slice value, uint8_t flags)
{
    f->items[f->count++] = (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)name.ptr,
        .value = (uint8_t *)(uintptr_t)value.ptr,
        .namelen = name.len,
        .valuelen = value.len,
        .flags = f->flags | flags,
    };
}

/* Secrets must not lie in a table that others can probe; values that never come back would only
 * push out those that do. */
static bool is_volatile(const struct header *item)
{
    switch (item->id) {
    case HEADER_AUTHORIZATION:
    case HEADER_PROXY_AUTHORIZATION:
    case HEADER_COOKIE:
    case HEADER_SET_COOKIE:
    case HEADER_TRACEPARENT:
    case HEADER_TRACESTATE:
    case HEADER_X_REQUEST_ID:
    case HEADER_CONTENT_LENGTH:
    case HEADER_GRPC_TIMEOUT:
        return true;
    default:
        return item->never_index;
    }
}

static void add_all(struct fields *f, const struct headers *headers)
{
    for (uint32_t i = 0; i < headers->count; i++) {
        const struct header *item = &headers->items[i];
        add(f, item->name, item->value, is_volatile(item) ? NGHTTP2_NV_FLAG_NO_INDEX : 0);
    }
}

static void add_request(struct fields *f, const struct message *m)
{
    add(f, SLICE(":method"), m->method, 0);
    if (!slice_eq(m->method, SLICE("CONNECT"))) {
        add(f, SLICE(":scheme"), m->scheme.len ? m->scheme : SLICE("http"), 0);
        add(f, SLICE(":path"), m->path, 0);
    }
    add(f, SLICE(":authority"), m->authority, 0);
    add_all(f, &m->headers);
}

static void add_status(struct fields *f, struct h2 *h, unsigned status)
{
    h->status_text[0] = (char)('0' + status / 100 % 10);
    h->status_text[1] = (char)('0' + status / 10 % 10);
    h->status_text[2] = (char)('0' + status % 10);
    add(f, SLICE(":status"), slice_of(h->status_text, 3), 0);
}

static uint8_t end_flag(bool end)
{
    return end ? NGHTTP2_FLAG_END_STREAM : NGHTTP2_FLAG_NONE;
}

struct h2_stream *h2_send_request(struct h2 *h, const struct message *request, bool end, void *user,
                                  struct arena *arena, struct buf *out)
{
    if (h2_capacity(h) == 0)
        return NULL;
    struct fields f;
    open_fields(&f, h, request->headers.count + MAX_PSEUDO);
    add_request(&f, request);
    struct h2_stream *st = h2_stream_create(h, 0);
    st->user = user;
    st->arena = arena;
    st->out = out;
    if (end)
        st->flags |= H2_ST_LOCAL_END;
    if (slice_eq(request->method, SLICE("HEAD")))
        st->flags |= H2_ST_BODILESS;
    st->id = nghttp2_submit_headers(h->session, end_flag(end), -1, NULL, f.items, f.count, st);
    if (st->id < 0) { /* stream ids ran out */
        h2_stream_destroy(st);
        st = NULL;
    } else {
        h->open++;
        h->opening = st;
        h2_guard_opened(&h->guard, (uint32_t)st->id);
        h2_push(h);
        st = h->opening;
        h->opening = NULL;
    }
    close_fields(&f);
    return st;
}

void h2_send_head(struct h2_stream *st, const struct message *head, bool end)
{
    struct h2 *h = st->h2;
    if (st->flags & (H2_ST_CLOSED | H2_ST_LOCAL_END))
        return;
    struct fields f;
    open_fields(&f, h, head->headers.count + MAX_PSEUDO);
    add_status(&f, h, head->status);
    add_all(&f, &head->headers);
    if (end)
        st->flags |= H2_ST_LOCAL_END;
    nghttp2_submit_headers(h->session, end_flag(end), st->id, NULL, f.items, f.count, NULL);
    h2_push(h);
    close_fields(&f);
}

void h2_send_status(struct h2 *h, int32_t id, unsigned status)
{
    struct fields f;
    open_fields(&f, h, MAX_PSEUDO);
    add_status(&f, h, status);
    nghttp2_submit_headers(h->session, NGHTTP2_FLAG_END_STREAM, id, NULL, f.items, f.count, NULL);
    close_fields(&f);
}

static void submit_trailers(struct h2_stream *st, bool written_at_once)
{
    struct fields f;
    open_fields(&f, st->h2, st->trailers->count);
    if (written_at_once)
        f.flags = NO_COPY;
    add_all(&f, st->trailers);
    nghttp2_submit_trailer(st->h2->session, st->id, f.items, f.count);
    close_fields(&f);
}

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
            submit_trailers(st, true);
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
    submit_trailers(st, false);
    h2_push(st->h2);
}

/* END_STREAM goes out. For requests that were answered before they ended, say that no more is
 * wanted. */
static void on_end_sent(struct h2 *h, int32_t id)
{
    struct h2_stream *st = nghttp2_session_get_stream_user_data(h->session, id);
    if (st)
        st->flags |= H2_ST_LOCAL_SENT;
    bool answered_here = h->server && !st, cut_after = st && st->flags & H2_ST_CUT_AFTER;
    if ((answered_here || cut_after) &&
        nghttp2_session_get_stream_remote_close(h->session, id) == 0)
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, id, H2_NO_ERROR);
}

static void on_goaway_sent(struct h2 *h, const nghttp2_goaway *frame)
{
    if (frame->last_stream_id != INT32_MAX)
        h->guard.going_away = true;
    if (frame->error_code == NGHTTP2_NO_ERROR || h->code)
        return;
    h->code = frame->error_code;
    h->detail = mem_strndup((const char *)frame->opaque_data, frame->opaque_data_len);
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h = user;
    struct h2_stream *st;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
            on_end_sent(h, frame->hd.stream_id);
        break;
    case NGHTTP2_RST_STREAM:
        st = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
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

/* A head that nghttp2 will not write, because it is too large. For a request the stream's end
 * follows by itself; other heads fail for streams that are ending anyway. */
static int on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame, int error,
                             void *user)
{
    (void)user;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat == NGHTTP2_HCAT_REQUEST ||
        error != NGHTTP2_ERR_FRAME_SIZE_ERROR)
        return 0;
    struct h2_stream *st = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (st)
        h2_stream_fail(st, H2_INTERNAL_ERROR, ERR_LIMIT);
    return 0;
}

void h2_send_install(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_send);
}
