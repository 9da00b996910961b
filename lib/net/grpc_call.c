/* How a gRPC call is answered: a status, a message and a status, or a stream; and what methods ask
 * of it. Owned by the connection's loop, on its thread. Must not know how calls come in.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/net/grpc_call_priv.h"

enum { TEXT_MAX = 300 };

static void wake(struct grpc_call *c)
{
    loop_run_soon(c->loop, &c->task);
}

void grpc_call_destroy(struct grpc_call *c)
{
    if (http_stream_is_live(&c->st))
        http_stream_reset(&c->st, ERR_CANCELED);
    timer_stop(&c->timer);
    loop_task_cancel(&c->task);
    grpc_reader_dispose(&c->reader);
    mem_free(c->request);
    arena_dispose(&c->arena);
    mem_free(c);
}

/* ---- answers */

static void note(struct grpc_call *c, enum grpc_status status, const char *text)
{
    struct slice path = c->head ? c->head->path : (struct slice){NULL, 0};
    c->answered = true;
    if (c->service->on_call)
        c->service->on_call(c->service->owner, path, status, text);
}

static void init_head(struct grpc_call *c, struct message *m, unsigned status)
{
    message_init(m, &c->arena);
    m->status = (uint16_t)status;
    m->version = c->head->version;
}

static void add_status(struct grpc_call *c, struct headers *to, enum grpc_status status,
                       const char *text)
{
    headers_add_id(to, HEADER_GRPC_STATUS, arena_printf(&c->arena, "%d", (int)status));
    if (text[0])
        headers_add_id(to, HEADER_GRPC_MESSAGE, grpc_text_encode(&c->arena, slice_from_cstr(text)));
}

void grpc_call_send_status(struct grpc_call *c, enum grpc_status status, const char *text)
{
    struct message m;
    note(c, status, text);
    if (c->gone)
        return;
    init_head(c, &m, 200);
    headers_add_id(&m.headers, HEADER_CONTENT_TYPE, SLICE("application/grpc"));
    add_status(c, &m.headers, status, text);
    http_stream_send_head(&c->st, &m, true);
}

void grpc_call_send_plain(struct grpc_call *c, unsigned status, struct slice text)
{
    struct message m;
    struct buf body;
    c->answered = true;
    if (c->gone)
        return;
    init_head(c, &m, status);
    headers_add_id(&m.headers, HEADER_CONTENT_TYPE, SLICE("text/plain"));
    headers_add_id(&m.headers, HEADER_CONTENT_LENGTH, arena_decimal(&c->arena, text.len));
    m.content_length = (int64_t)text.len;
    buf_init(&body);
    buf_append_slice(&body, text);
    http_stream_send_head(&c->st, &m, text.len == 0);
    if (text.len && !c->gone)
        http_stream_send_body(&c->st, &body, true);
    buf_dispose(&body);
}

static void send_message(struct grpc_call *c, const void *message, size_t len)
{
    struct message m;
    struct buf body;
    struct headers *trailers = arena_alloc(&c->arena, sizeof(*trailers));
    note(c, GRPC_OK, "");
    if (c->gone)
        return;
    init_head(c, &m, 200);
    headers_add_id(&m.headers, HEADER_CONTENT_TYPE, SLICE("application/grpc"));
    headers_init(trailers, &c->arena);
    headers_add_id(trailers, HEADER_GRPC_STATUS, SLICE("0"));
    buf_init(&body);
    grpc_frame(&body, message, len);
    http_stream_send_head(&c->st, &m, false);
    if (!c->gone)
        http_stream_send_body(&c->st, &body, false);
    if (!c->gone)
        http_stream_send_trailers(&c->st, trailers);
    buf_dispose(&body);
}

/* ---- streaming methods */

static struct grpc_call *call_of(const struct grpc_stream *s)
{
    return container_of((struct grpc_stream *)(uintptr_t)s, struct grpc_call, stream);
}

static void finish_stream(struct grpc_stream *s, enum grpc_status status, const char *text)
{
    struct grpc_call *c = call_of(s);
    struct headers trailers;
    note(c, status, text);
    if (!http_stream_is_live(&c->st))
        return;
    headers_init(&trailers, &c->arena);
    add_status(c, &trailers, status, text);
    http_stream_send_trailers(&c->st, &trailers);
    /* What is unsent still goes out; what the client still says is of no interest. */
    if (http_stream_is_live(&c->st))
        http_stream_reset(&c->st, ERR_OK);
}

static enum grpc_status verdict_of_client(struct grpc_stream *s, struct slice *text)
{
    (void)s;
    (void)text;
    return GRPC_OK;
}

static void peer_of_stream(const struct grpc_stream *s, struct stream_info *out)
{
    *out = call_of(s)->peer;
}

static void release_stream(struct grpc_stream *s)
{
    struct grpc_call *c = call_of(s);
    if (!c->answered)
        note(c, GRPC_CANCELLED, "the client is gone");
    grpc_call_destroy(c);
}

static const struct grpc_stream_end server_end = {
    .finish = finish_stream,
    .verdict = verdict_of_client,
    .peer = peer_of_stream,
    .release = release_stream,
};

void grpc_call_open(struct grpc_call *c)
{
    struct message m;
    timer_stop(&c->timer);
    grpc_stream_init(&c->stream, &server_end, c->loop, &c->st, c->reader.max);
    buf_move_all(&c->stream.reader.in, &c->reader.in);
    c->stream.ended = c->ended;
    c->st.events = &grpc_stream_http_events;
    c->st.owner = &c->stream;
    init_head(c, &m, 200);
    headers_add_id(&m.headers, HEADER_CONTENT_TYPE, SLICE("application/grpc"));
    http_stream_send_head(&c->st, &m, false);
    grpc_stream_begin(&c->stream);
    c->method->open(c, &c->stream);
    grpc_stream_wake(&c->stream);
}

/* ---- what methods call */

void *grpc_call_owner(const struct grpc_call *call)
{
    return call->service->owner;
}

struct slice grpc_call_metadata(const struct grpc_call *call, const char *name)
{
    const struct header *h = headers_find(&call->head->headers, slice_from_cstr(name));
    return h ? h->value : (struct slice){NULL, 0};
}

void grpc_call_peer(const struct grpc_call *call, struct stream_info *out)
{
    *out = call->peer;
}

bool grpc_call_is_live(const struct grpc_call *call)
{
    return !call->gone && !call->answered;
}

void grpc_call_reply(struct grpc_call *call, const void *message, size_t len)
{
    if (!call->answered)
        send_message(call, message, len);
    call->returned = true;
    wake(call);
}

void grpc_call_fail(struct grpc_call *call, enum grpc_status status, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!call->answered)
        grpc_call_send_status(call, status, text);
    call->returned = true;
    wake(call);
}
