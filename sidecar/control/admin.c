/* Requests of the control thread: parsed by the same HTTP server as everything else, found in a
 * table, answered whole or piece by piece. A request stays until it was answered, even when its
 * client has gone.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/admin.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/io/listener.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/net/http_server.h"

#define CONNECTIONS_MAX 64

struct admin {
    struct loop *loop;
    struct listener *listener;
    const struct admin_route *routes;
    size_t route_count;
    void *owner;
    struct list connections;
    unsigned connection_count;
    struct loop_task grave;
};

struct connection {
    struct admin *admin;
    struct list node;
    struct http_server *server; /* NULL once closed */
    struct list requests;
    struct loop_task grave;
};

struct admin_request {
    struct connection *connection;
    struct list node;
    struct http_stream stream;
    struct arena arena;
    struct message *head;
    bool is_dispatched, is_answered;
    bool is_broken; /* admin_break */
    struct loop_task answer, grave;
    unsigned status;
    const char *content_type;
    struct buf body;
    struct admin_body *source; /* of the rest of the body; NULL: there is none */
    struct timer deadline;     /* for sending it */
    bool has_head;             /* it was sent */
};

static const struct http_server_config config = {
    .scheme = {"http", 4}, .max_header_bytes = 16384, .idle_timeout_ms = 60000, .max_streams = 16};

/* ---- connections ---- */

static void free_connection(struct loop_task *task)
{
    mem_free(container_of(task, struct connection, grave));
}

static void end_if_over(struct connection *c)
{
    if (c->server || !list_is_empty(&c->requests) || !list_is_linked(&c->node))
        return;
    list_unlink(&c->node);
    c->admin->connection_count--;
    loop_bury(c->admin->loop, &c->grave);
}

static void on_closed(struct http_server *server, enum err why, const char *detail)
{
    struct connection *c = http_server_owner(server);
    (void)why, (void)detail;
    c->server = NULL;
    end_if_over(c);
}

/* ---- requests ---- */

static void free_request(struct loop_task *task)
{
    struct admin_request *r = container_of(task, struct admin_request, grave);
    struct connection *c = r->connection;
    buf_dispose(&r->body);
    buf_dispose(&r->stream.out);
    arena_dispose(&r->arena);
    list_unlink(&r->node);
    mem_free(r);
    end_if_over(c);
}

/* Over when it was answered and the client has the answer, or is gone. */
static void bury_if_over(struct admin_request *r)
{
    if (r->is_answered && !http_stream_is_live(&r->stream))
        loop_bury(r->connection->admin->loop, &r->grave);
}

static void close_source(struct admin_request *r)
{
    timer_stop(&r->deadline);
    if (r->source)
        r->source->close(r->source);
    r->source = NULL;
}

static void send_head(struct admin_request *r)
{
    struct message head;
    message_init(&head, &r->arena);
    head.version = HTTP_1_1;
    head.status = (uint16_t)r->status;
    headers_add_id(&head.headers, HEADER_CONTENT_TYPE, slice_from_cstr(r->content_type));
    headers_add_id(&head.headers, HEADER_CACHE_CONTROL, SLICE("no-store"));
    if (!r->source) {
        head.content_length = (int64_t)r->body.len;
        headers_add_id(&head.headers, HEADER_CONTENT_LENGTH,
                       arena_decimal(&r->arena, r->body.len));
    }
    bool is_head = slice_eq(r->head->method, SLICE("HEAD"));
    if (is_head)
        close_source(r);
    r->has_head = true;
    http_stream_send_head(&r->stream, &head, is_head || (!r->source && r->body.len == 0));
}

/* As much of it as the connection takes; on_writable asks for more. */
static void send_body(struct admin_request *r)
{
    bool is_last = !r->source;
    while (http_stream_is_live(&r->stream) && r->source &&
           http_stream_unsent(&r->stream) <= HTTP_STREAM_HIGH_WATER) {
        is_last = !r->source->more(r->source, &r->body, HTTP_STREAM_LOW_WATER);
        if (is_last)
            close_source(r);
        http_stream_send_body(&r->stream, &r->body, is_last);
    }
    if (is_last && r->body.len && http_stream_is_live(&r->stream))
        http_stream_send_body(&r->stream, &r->body, true);
}

static void send_answer(struct loop_task *task)
{
    struct admin_request *r = container_of(task, struct admin_request, answer);
    bool is_head = slice_eq(r->head->method, SLICE("HEAD"));
    if (http_stream_is_live(&r->stream) && r->is_broken)
        http_stream_reset(&r->stream, ERR_CANCELED);
    if (http_stream_is_live(&r->stream) && !r->has_head)
        send_head(r);
    if (http_stream_is_live(&r->stream) && !is_head)
        send_body(r);
    if (!http_stream_is_live(&r->stream))
        close_source(r);
    r->is_answered = !r->source;
    bury_if_over(r);
}

static void on_deadline(struct timer *t)
{
    struct admin_request *r = container_of(t, struct admin_request, deadline);
    if (http_stream_is_live(&r->stream))
        http_stream_reset(&r->stream, ERR_TIMEOUT);
    loop_run_soon(r->connection->admin->loop, &r->answer);
}

void admin_reply_body(struct admin_request *r, const char *content_type, struct admin_body *body)
{
    r->status = 200;
    r->content_type = content_type;
    r->source = body;
    timer_start(&r->deadline, ADMIN_BODY_MS);
    loop_run_soon(r->connection->admin->loop, &r->answer);
}

void admin_reply(struct admin_request *r, unsigned status, const char *content_type,
                 struct buf *body)
{
    r->status = status;
    r->content_type = content_type;
    buf_move_all(&r->body, body);
    loop_run_soon(r->connection->admin->loop, &r->answer);
}

void admin_reply_text(struct admin_request *r, unsigned status, const char *text)
{
    struct buf body;
    buf_init(&body);
    buf_append_slice(&body, slice_from_cstr(text));
    buf_append_slice(&body, SLICE("\n"));
    admin_reply(r, status, "text/plain; charset=utf-8", &body);
}

void admin_break(struct admin_request *r)
{
    r->is_broken = true;
    loop_run_soon(r->connection->admin->loop, &r->answer);
}

struct slice admin_path(const struct admin_request *r)
{
    return message_path_only(r->head);
}

struct slice admin_query(const struct admin_request *r, const char *name)
{
    struct slice rest = message_query(r->head), pair;
    while (slice_split(&rest, '&', &pair)) {
        size_t equals = slice_find_byte(pair, '=');
        if (slice_eq_cstr(slice_sub(pair, 0, equals), name))
            return slice_sub(pair, equals + 1, pair.len);
    }
    return (struct slice){0};
}

/* A page in somebody's browser can send a POST here, under its own Host or with an Origin: only
 * what names an address (or localhost) and no origin comes from a tool. */
static bool is_forged(const struct message *head)
{
    struct addr ignored;
    struct slice host = head->authority;
    size_t colon = slice_find_byte(host, ':');
    bool is_local = slice_eq_nocase(slice_sub(host, 0, colon), SLICE("localhost"));
    return headers_find_id(&head->headers, HEADER_ORIGIN) ||
           (!is_local && addr_parse(host, &ignored) != ERR_OK);
}

static bool is_below(struct slice path, const char *pattern)
{
    size_t len = strlen(pattern);
    if (pattern[len - 1] != '*')
        return slice_eq_cstr(path, pattern);
    return path.len >= len && slice_starts_with(path, slice_of(pattern, len - 1));
}

static void dispatch(struct admin_request *r)
{
    const struct admin *a = r->connection->admin;
    struct slice path = message_path_only(r->head);
    struct slice method = slice_eq(r->head->method, SLICE("HEAD")) ? SLICE("GET") : r->head->method;
    bool has_path = false;
    r->is_dispatched = true;
    for (size_t i = 0; i < a->route_count; i++) {
        const struct admin_route *route = &a->routes[i];
        if (!is_below(path, route->path))
            continue;
        has_path = true;
        if (slice_eq_cstr(method, "POST") && is_forged(r->head)) {
            admin_reply_text(r, 403, "a POST must name this host by its address");
            return;
        }
        if (slice_eq_cstr(method, route->method)) {
            route->handle(a->owner, r);
            return;
        }
    }
    admin_reply_text(r, has_path ? 405 : 404,
                     has_path ? "another method is wanted here" : "not found");
}

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    (void)end;
    ((struct admin_request *)st->owner)->head = head;
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)owner, (void)data;
    http_stream_consume(st, len); /* nothing here takes a body */
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    (void)trailers;
    dispatch(st->owner);
}

static void on_abort(struct http_stream *st, enum err why)
{
    struct admin_request *r = st->owner;
    (void)why;
    if (!r->is_dispatched)
        r->is_answered = true; /* nobody will */
    if (r->source)
        loop_run_soon(r->connection->admin->loop, &r->answer);
    bury_if_over(r);
}

static void on_done(struct http_stream *st)
{
    bury_if_over(st->owner);
}

static void on_writable(struct http_stream *st)
{
    struct admin_request *r = st->owner;
    if (r->source)
        loop_run_soon(r->connection->admin->loop, &r->answer);
}

static const struct http_events stream_events = {.on_head = on_head,
                                                 .on_body = on_body,
                                                 .on_end = on_end,
                                                 .on_writable = on_writable,
                                                 .on_abort = on_abort,
                                                 .on_done = on_done};

static struct http_stream *on_stream(struct http_server *server)
{
    struct connection *c = http_server_owner(server);
    struct admin_request *r = mem_zalloc(sizeof(*r));
    r->connection = c;
    list_link_last(&c->requests, &r->node);
    arena_init(&r->arena, 2048);
    loop_task_init(&r->answer, send_answer);
    loop_task_init(&r->grave, free_request);
    timer_init(&r->deadline, c->admin->loop, on_deadline);
    r->stream.events = &stream_events;
    r->stream.owner = r;
    r->stream.arena = &r->arena;
    return &r->stream;
}

static const struct http_server_events server_events = {.on_stream = on_stream,
                                                        .on_closed = on_closed};

/* ---- life ---- */

static void on_accept(struct listener *l, struct stream *accepted)
{
    struct admin *a = listener_owner(l);
    if (a->connection_count >= CONNECTIONS_MAX) {
        stream_close(accepted);
        return;
    }
    struct connection *c = mem_zalloc(sizeof(*c));
    struct buf nothing;
    buf_init(&nothing);
    c->admin = a;
    list_init(&c->requests);
    loop_task_init(&c->grave, free_connection);
    list_link_last(&a->connections, &c->node);
    a->connection_count++;
    c->server = http_server_create(accepted, HTTP_PROTOCOL_1, &config, &server_events, c, &nothing);
}

enum err admin_open(struct loop *l, const struct addr *at, const struct admin_route *routes,
                    size_t count, void *owner, struct admin **out)
{
    struct admin *a = mem_zalloc(sizeof(*a));
    struct listener_options options = {.backlog = 128};
    a->loop = l;
    a->routes = routes;
    a->route_count = count;
    a->owner = owner;
    list_init(&a->connections);
    enum err e = listener_open(l, at, &options, on_accept, a, &a->listener);
    if (e != ERR_OK) {
        mem_free(a);
        return e;
    }
    *out = a;
    return ERR_OK;
}

/* Whatever was to answer them is gone. */
static void drop_requests(struct connection *c)
{
    LIST_FOREACH_SAFE(node, next, &c->requests)
    {
        struct admin_request *r = container_of(node, struct admin_request, node);
        close_source(r);
        loop_task_cancel(&r->answer);
        r->is_answered = true;
        bury_if_over(r);
    }
}

static void free_admin(struct loop_task *task)
{
    mem_free(container_of(task, struct admin, grave));
}

void admin_close(struct admin *a)
{
    listener_close(a->listener);
    LIST_FOREACH_SAFE(node, next, &a->connections)
    {
        struct connection *c = container_of(node, struct connection, node);
        if (c->server)
            http_server_close(c->server);
        drop_requests(c);
    }
    loop_task_init(&a->grave, free_admin);
    loop_bury(a->loop, &a->grave); /* after the connections' graves */
}
