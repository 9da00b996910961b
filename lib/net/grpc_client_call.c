/* One call. Of a unary one the events record what happened and wake its step, which alone answers;
 * a streaming one holds a grpc_stream. Owned by its client's loop. Must not know how connections
 * come and go.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
#include "lib/net/grpc_client_priv.h"

enum { ARENA_BLOCK = 2048 };

void grpc_client_call_free(struct grpc_client_call *call)
{
    if (http_stream_is_live(&call->st))
        http_stream_reset(&call->st, ERR_CANCELED);
    list_unlink(&call->node);
    timer_stop(&call->timer);
    loop_task_cancel(&call->task);
    if (call->is_stream)
        grpc_stream_dispose(&call->stream);
    buf_dispose(&call->body);
    grpc_reader_dispose(&call->reader);
    arena_dispose(&call->arena);
    mem_free(call);
}

static void finish(struct grpc_client_call *call, enum grpc_status status, struct slice text,
                   struct slice response)
{
    struct grpc_client *c = call->client;
    struct grpc_result result = {status, text, response};
    grpc_client_done_fn done = call->done;
    void *owner = call->owner;
    list_unlink(&call->node);
    timer_stop(&call->timer);
    grpc_client_wake(c);
    done(owner, &result);
    grpc_client_call_free(call);
}

void grpc_client_call_fail(struct grpc_client_call *call, enum grpc_status status, const char *text)
{
    if (call->is_stream)
        grpc_stream_end(&call->stream, status, slice_from_cstr(text));
    else
        finish(call, status, slice_from_cstr(text), (struct slice){NULL, 0});
}

void grpc_client_call_send(struct grpc_client_call *call, struct http_client *http)
{
    call->http = http;
    http_client_send(http, &call->st, &call->request, false);
    if (call->is_stream)
        grpc_stream_begin(&call->stream);
    else if (!call->gone)
        http_stream_send_body(&call->st, &call->body, true);
}

static struct grpc_client_call *call_of(struct http_stream *st)
{
    return container_of(st, struct grpc_client_call, st);
}

static void wake(struct grpc_client_call *call)
{
    loop_run_soon(call->client->loop, &call->task);
}

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    (void)end;
    if (head->status >= 200)
        call_of(st)->head = head;
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct grpc_client_call *call = call_of(st);
    http_stream_consume(st, len);
    if (call->reader.in.len + len > (size_t)call->client->max_response + 5) {
        call->too_large = true;
        wake(call);
    } else {
        buf_append_shared(&call->reader.in, owner, data, len);
    }
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    struct grpc_client_call *call = call_of(st);
    call->ended = true;
    call->trailers = trailers;
    wake(call);
}

static void on_writable(struct http_stream *st)
{
    (void)st;
}

static void on_abort(struct http_stream *st, enum err why)
{
    struct grpc_client_call *call = call_of(st);
    call->gone = true;
    call->broke = why;
    wake(call);
}

static void on_done(struct http_stream *st)
{
    call_of(st)->gone = true;
}

static const struct http_events call_events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_abort = on_abort,
    .on_done = on_done,
};

/* In the trailers, or, when there was no message, in the head. */
static struct slice field(const struct message *head, const struct headers *trailers,
                          enum header_id id)
{
    struct slice value = {NULL, 0};
    if (trailers)
        value = headers_get_id(trailers, id);
    return value.ptr ? value : headers_get_id(&head->headers, id);
}

static void finish_answer(struct grpc_client_call *call)
{
    struct slice status = field(call->head, call->trailers, HEADER_GRPC_STATUS), none = {NULL, 0};
    struct slice type = headers_get_id(&call->head->headers, HEADER_CONTENT_TYPE);
    if (call->head->status != 200 || !grpc_is_content_type(type) || !status.len) {
        enum grpc_status code =
            call->head->status == 200 ? GRPC_UNKNOWN : grpc_status_from_http(call->head->status);
        finish(call, code,
               arena_printf(&call->arena, "the peer is no gRPC service: HTTP status %u",
                            call->head->status),
               none);
        return;
    }
    enum grpc_status code = grpc_status_parse(status);
    if (code != GRPC_OK) {
        struct slice text = field(call->head, call->trailers, HEADER_GRPC_MESSAGE);
        finish(call, code, grpc_text_decode(&call->arena, text), none);
        return;
    }
    char *message;
    size_t len;
    enum err e = grpc_reader_next(&call->reader, &message, &len);
    if (e || !buf_is_empty(&call->reader.in)) {
        if (!e)
            mem_free(message);
        grpc_client_call_fail(call, e == ERR_LIMIT ? GRPC_RESOURCE_EXHAUSTED : GRPC_INTERNAL,
                              "the answer does not hold exactly one message");
        return;
    }
    struct slice response = arena_copy(&call->arena, slice_of(message, len));
    mem_free(message);
    finish(call, GRPC_OK, none, response);
}

static void run_call(struct loop_task *task)
{
    struct grpc_client_call *call = container_of(task, struct grpc_client_call, task);
    if (call->too_large)
        grpc_client_call_fail(call, GRPC_RESOURCE_EXHAUSTED, "the answer is too large");
    else if (call->ended && call->head)
        finish_answer(call);
    else if (call->late)
        grpc_client_call_fail(call, GRPC_DEADLINE_EXCEEDED, "no answer in time");
    else if (call->gone)
        finish(call, grpc_status_from_err(call->broke),
               arena_printf(&call->arena, "the connection broke before the answer: %s",
                            err_text(call->broke)),
               (struct slice){NULL, 0});
}

static void on_call_timeout(struct timer *timer)
{
    struct grpc_client_call *call = container_of(timer, struct grpc_client_call, timer);
    call->late = true;
    wake(call);
}

static void make_request(struct grpc_client_call *call, const char *path,
                         const struct grpc_metadata *metadata, size_t count, uint32_t timeout_ms)
{
    struct message *m = &call->request;
    struct arena *a = &call->arena;
    char timeout[GRPC_TIMEOUT_TEXT_MAX];
    message_init(m, a);
    m->version = HTTP_2;
    m->method = SLICE("POST");
    m->scheme = call->client->tls ? SLICE("https") : SLICE("http");
    m->authority = slice_from_cstr(call->client->authority);
    m->path = arena_copy(a, slice_from_cstr(path));
    headers_add_id(&m->headers, HEADER_CONTENT_TYPE, SLICE("application/grpc"));
    headers_add_id(&m->headers, HEADER_TE, SLICE("trailers"));
    if (timeout_ms)
        headers_add_id(&m->headers, HEADER_GRPC_TIMEOUT,
                       arena_copy(a, grpc_timeout_format(timeout_ms, timeout)));
    for (size_t i = 0; i < count; i++) {
        struct header *h = headers_add(&m->headers, arena_copy(a, metadata[i].name),
                                       arena_copy(a, metadata[i].value));
        h->never_index = metadata[i].secret;
    }
}

static struct grpc_client_call *make_call(struct grpc_client *c, const char *path,
                                          const struct grpc_metadata *metadata, size_t count,
                                          uint32_t timeout_ms)
{
    struct grpc_client_call *call = mem_zalloc(sizeof(*call));
    call->client = c;
    arena_init(&call->arena, ARENA_BLOCK);
    buf_init(&call->body);
    grpc_reader_init(&call->reader, c->max_response);
    loop_task_init(&call->task, run_call);
    timer_init(&call->timer, c->loop, on_call_timeout);
    make_request(call, path, metadata, count, timeout_ms);
    call->st.arena = &call->arena;
    list_init(&call->node);
    list_link_last(&c->waiting, &call->node);
    grpc_client_wake(c);
    return call;
}

struct grpc_client_call *grpc_client_call(struct grpc_client *c, const char *path,
                                          const struct grpc_metadata *metadata, size_t count,
                                          struct slice request, uint32_t timeout_ms,
                                          grpc_client_done_fn done, void *owner)
{
    struct grpc_client_call *call = make_call(c, path, metadata, count, timeout_ms);
    call->done = done;
    call->owner = owner;
    grpc_frame(&call->body, request.ptr, request.len);
    timer_start(&call->timer, timeout_ms);
    call->st.events = &call_events;
    call->st.owner = call;
    return call;
}

void grpc_client_cancel(struct grpc_client_call *call)
{
    grpc_client_wake(call->client);
    grpc_client_call_free(call);
}

/* ---- streaming */

static struct grpc_client_call *call_of_stream(const struct grpc_stream *s)
{
    return container_of((struct grpc_stream *)(uintptr_t)s, struct grpc_client_call, stream);
}

static void finish_stream(struct grpc_stream *s, enum grpc_status status, const char *text)
{
    (void)status;
    (void)text;
    list_unlink(&call_of_stream(s)->node);
    if (http_stream_is_live(s->st))
        http_stream_reset(s->st, ERR_CANCELED);
}

static enum grpc_status verdict_of_server(struct grpc_stream *s, struct slice *text)
{
    struct slice status = field(s->head, s->trailers, HEADER_GRPC_STATUS);
    *text = grpc_text_decode(s->st->arena, field(s->head, s->trailers, HEADER_GRPC_MESSAGE));
    if (status.len)
        return grpc_status_parse(status);
    *text = SLICE("the peer ended the call without a status");
    return GRPC_UNKNOWN;
}

static void peer_of_stream(const struct grpc_stream *s, struct stream_info *out)
{
    *out = (struct stream_info){0};
    if (http_stream_is_live(s->st))
        stream_info(http_client_transport(call_of_stream(s)->http), out);
}

static void release_stream(struct grpc_stream *s)
{
    grpc_client_wake(call_of_stream(s)->client);
    grpc_client_call_free(call_of_stream(s));
}

static const struct grpc_stream_end client_end = {
    .finish = finish_stream,
    .verdict = verdict_of_server,
    .peer = peer_of_stream,
    .release = release_stream,
};

struct grpc_stream *grpc_client_open_stream(struct grpc_client *c, const char *path,
                                            const struct grpc_metadata *metadata, size_t count,
                                            const struct grpc_stream_events *events, void *owner)
{
    struct grpc_client_call *call = make_call(c, path, metadata, count, 0);
    call->is_stream = true;
    grpc_stream_init(&call->stream, &client_end, c->loop, &call->st, c->max_response);
    call->stream.is_client = true;
    call->st.events = &grpc_stream_http_events;
    call->st.owner = &call->stream;
    grpc_stream_use(&call->stream, events, owner);
    return &call->stream;
}
