/* gRPC calls on an HTTP connection. Stream events record what happened and wake the call's step,
 * which alone decides: refuse, wait, hand to the method, end. Owned by the connection's loop. Must
 * not know what the methods do.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/grpc_server.h"

#include "lib/base/mem.h"
#include "lib/net/grpc_call_priv.h"

enum {
    MAX_REQUEST = 65536,
    CALL_TIMEOUT_MS = 30000,
    FRAME_PREFIX = 5,
    ARENA_BLOCK = 2048,
    PING_INTERVAL_MS = 30000,
};

struct grpc_server {
    struct http_server *http;
    const struct grpc_service *service;
    struct http_server_config config;
    grpc_closed_fn on_closed;
    void *owner;
    struct loop *loop;
    struct loop_task grave;
};

static struct grpc_call *call_of(struct http_stream *st)
{
    return container_of(st, struct grpc_call, st);
}

static void wake(struct grpc_call *c)
{
    loop_run_soon(c->loop, &c->task);
}

/* ---- events: facts only */

static const struct grpc_method *find_method(const struct grpc_service *service, struct slice path)
{
    for (size_t i = 0; i < service->method_count; i++) {
        if (slice_eq_cstr(path, service->methods[i].path))
            return &service->methods[i];
    }
    return NULL;
}

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    struct grpc_call *c = call_of(st);
    (void)end;
    c->head = head;
    c->method = find_method(c->service, head->path);
    wake(c);
}

static size_t max_request(const struct grpc_service *service)
{
    return service->max_request ? service->max_request : MAX_REQUEST;
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct grpc_call *c = call_of(st);
    http_stream_consume(st, len);
    if (c->answered || c->too_large)
        return;
    bool is_unary = !c->method || !c->method->open;
    if (is_unary && c->reader.in.len + len > max_request(c->service) + FRAME_PREFIX) {
        c->too_large = true;
        buf_dispose(&c->reader.in);
    } else {
        buf_append_shared(&c->reader.in, owner, data, len);
    }
    wake(c);
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    (void)trailers;
    call_of(st)->ended = true;
    wake(call_of(st));
}

static void on_writable(struct http_stream *st)
{
    (void)st;
}

static void on_abort(struct http_stream *st, enum err why)
{
    (void)why;
    call_of(st)->gone = true;
    wake(call_of(st));
}

static void on_done(struct http_stream *st)
{
    call_of(st)->gone = true;
    wake(call_of(st));
}

static const struct http_events events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_abort = on_abort,
    .on_done = on_done,
};

static void on_timeout(struct timer *timer)
{
    struct grpc_call *c = container_of(timer, struct grpc_call, timer);
    c->late = true;
    wake(c);
}

/* ---- the step */

/* Shortens the call's time to what the caller asks for; false when it cannot be read. */
static bool take_timeout(struct grpc_call *c)
{
    struct slice value = headers_get_id(&c->head->headers, HEADER_GRPC_TIMEOUT);
    uint32_t limit = c->service->call_timeout_ms ? c->service->call_timeout_ms : CALL_TIMEOUT_MS;
    uint32_t ms;
    if (slice_is_empty(value))
        return true;
    if (grpc_timeout_parse(value, &ms))
        return false;
    if (ms < limit)
        timer_start(&c->timer, ms);
    return true;
}

static void check_head(struct grpc_call *c)
{
    struct slice type = headers_get_id(&c->head->headers, HEADER_CONTENT_TYPE), body = {NULL, 0};
    bool is_grpc = grpc_is_content_type(type) && slice_eq(c->head->method, SLICE("POST"));
    if (!is_grpc) {
        struct slice path = message_path_only(c->head);
        unsigned status = 0;
        if (c->service->plain)
            status = c->service->plain(c->service->owner, c->head->method, path, &body);
        if (!status)
            body = SLICE("This is a gRPC service: POST with content-type application/grpc.\n");
        grpc_call_send_plain(c, status ? status : 415, body);
        return;
    }
    if (!c->method)
        grpc_call_send_status(c, GRPC_UNIMPLEMENTED, "no such method here");
    else if (!take_timeout(c))
        grpc_call_send_status(c, GRPC_INVALID_ARGUMENT, "grpc-timeout cannot be read");
    else
        c->checked = true;
}

static void hand_over(struct grpc_call *c)
{
    size_t len;
    enum err e = grpc_reader_next(&c->reader, &c->request, &len);
    if (e == ERR_AGAIN)
        grpc_call_send_status(c, GRPC_INVALID_ARGUMENT,
                              "the request message is missing or cut short");
    else if (e == ERR_UNSUPPORTED)
        grpc_call_send_status(c, GRPC_UNIMPLEMENTED, "compressed messages are not supported");
    else if (e)
        grpc_call_send_status(c, GRPC_RESOURCE_EXHAUSTED, "the request message is too large");
    else if (!buf_is_empty(&c->reader.in))
        grpc_call_send_status(c, GRPC_INVALID_ARGUMENT, "more than one request message");
    if (c->answered)
        return;
    c->handed = true;
    c->method->handle(c, slice_of(c->request, len));
}

static bool may_die(const struct grpc_call *c)
{
    return c->gone && (!c->handed || c->returned);
}

static void run(struct loop_task *task)
{
    struct grpc_call *c = container_of(task, struct grpc_call, task);
    if (!may_die(c) && c->late) {
        if (c->answered && !c->gone)
            http_stream_reset(&c->st, ERR_OK);
        else if (!c->answered)
            grpc_call_send_status(c, GRPC_DEADLINE_EXCEEDED, "the call took too long");
        c->gone = !http_stream_is_live(&c->st);
    }
    if (!c->gone && !c->answered && c->too_large)
        grpc_call_send_status(c, GRPC_RESOURCE_EXHAUSTED, "the request message is too large");
    if (!c->gone && !c->answered && c->head && !c->checked)
        check_head(c);
    if (!c->gone && !c->answered && c->checked && c->method->open) {
        grpc_call_open(c);
        return;
    }
    if (!c->gone && !c->answered && c->checked && c->ended && !c->handed)
        hand_over(c);
    if (may_die(c))
        grpc_call_destroy(c);
}

/* ---- the connection */

/* Of the connection, but living as long as the call. */
static void copy_peer(struct grpc_call *c, struct stream *transport)
{
    stream_info(transport, &c->peer);
    c->peer.alpn = arena_copy(&c->arena, c->peer.alpn);
    c->peer.sni = arena_copy(&c->arena, c->peer.sni);
    c->peer.fail_detail = NULL;
    if (!c->peer.tls_peer)
        return;
    struct tls_peer *copy = arena_alloc(&c->arena, sizeof(*copy));
    *copy = *c->peer.tls_peer;
    copy->spiffe_id = arena_copy(&c->arena, copy->spiffe_id);
    copy->subject = arena_copy(&c->arena, copy->subject);
    copy->names = arena_copy(&c->arena, copy->names);
    c->peer.tls_peer = copy;
}

static struct http_stream *on_stream(struct http_server *http)
{
    struct grpc_server *s = http_server_owner(http);
    struct grpc_call *c = mem_zalloc(sizeof(*c));
    uint32_t ms = s->service->call_timeout_ms;
    c->service = s->service;
    c->loop = s->loop;
    arena_init(&c->arena, ARENA_BLOCK);
    grpc_reader_init(&c->reader, max_request(s->service));
    loop_task_init(&c->task, run);
    timer_init(&c->timer, s->loop, on_timeout);
    timer_start(&c->timer, ms ? ms : CALL_TIMEOUT_MS);
    copy_peer(c, http_server_transport(http));
    c->st.events = &events;
    c->st.owner = c;
    c->st.arena = &c->arena;
    return &c->st;
}

static void free_server(struct loop_task *task)
{
    mem_free(container_of(task, struct grpc_server, grave));
}

static void on_closed(struct http_server *http, enum err why, const char *detail)
{
    struct grpc_server *s = http_server_owner(http);
    s->http = NULL;
    s->on_closed(s->owner, why, detail);
    loop_bury(s->loop, &s->grave);
}

static const struct http_server_events server_events = {
    .on_stream = on_stream,
    .on_closed = on_closed,
};

struct grpc_server *grpc_server_create(struct stream *transport, enum http_protocol protocol,
                                       const struct grpc_service *service, grpc_closed_fn closed,
                                       void *owner)
{
    struct grpc_server *s = mem_zalloc(sizeof(*s));
    s->service = service;
    s->on_closed = closed;
    s->owner = owner;
    s->loop = transport->loop;
    loop_task_init(&s->grave, free_server);
    s->config = service->http;
    if (!s->config.ping_interval_ms)
        s->config.ping_interval_ms = PING_INTERVAL_MS;
    s->http = http_server_create(transport, protocol, &s->config, &server_events, s, NULL);
    return s;
}

void grpc_server_drain(struct grpc_server *s)
{
    if (s->http)
        http_server_drain(s->http);
}

void grpc_server_close(struct grpc_server *s)
{
    if (s->http)
        http_server_close(s->http);
}
