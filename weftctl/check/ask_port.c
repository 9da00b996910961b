/* A port-forward, and on it either TLS up to the end of its handshake, or one HTTP request. What
 * happens is told at the end of a loop turn. Main thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/check/ask_port.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_tunnel.h"
#include "lib/net/http_client.h"
#include "lib/net/tls_stream.h"

enum { ARENA_BLOCK = 4096, TIMEOUT_MS = 8000, BODY_MAX = 16 << 20 };

struct ask_port_call {
    struct loop *loop;
    struct kube_tunnel *tunnel;
    struct stream *stream; /* TLS, or the tunnel's; NULL: taken by http, or closed */
    struct tls_ctx *tls;
    struct http_client *http;
    struct http_stream st;
    struct message request;
    struct arena arena;
    struct buf body;
    struct timer timer;
    struct loop_task task, grave;
    ask_port_done_fn done;
    void *owner;
    bool is_over, ok, no_way;
    unsigned status;
    int64_t not_after_ms;
    char detail[320];
};

/* ---- the end ---- */

static void close_all(struct ask_port_call *c)
{
    timer_stop(&c->timer);
    if (http_stream_is_live(&c->st))
        http_stream_reset(&c->st, ERR_CANCELED);
    if (c->http)
        http_client_close(c->http);
    if (c->stream)
        stream_close(c->stream);
    kube_tunnel_close(c->tunnel);
    c->http = NULL;
    c->stream = NULL;
    c->tunnel = NULL;
}

static void tell(struct loop_task *task)
{
    struct ask_port_call *c = container_of(task, struct ask_port_call, task);
    size_t len;
    close_all(c);
    char *body = buf_take_text(&c->body, &len);
    c->done(c->owner, &(struct ask_port_result){.ok = c->ok,
                                                .no_way = c->no_way,
                                                .status = c->status,
                                                .body = slice_of(body, len),
                                                .detail = slice_from_cstr(c->detail),
                                                .not_after_ms = c->not_after_ms});
    mem_free(body);
}

/* The first reason stays: what comes after follows from it. */
static void finish(struct ask_port_call *c, bool ok, const char *detail)
{
    if (c->is_over)
        return;
    c->is_over = true;
    c->ok = ok;
    if (!c->detail[0] && detail)
        snprintf(c->detail, sizeof(c->detail), "%s", detail);
    loop_run_soon(c->loop, &c->task);
}

static void on_trouble(void *owner, unsigned status, struct slice detail)
{
    struct ask_port_call *c = owner;
    if (c->is_over)
        return;
    c->status = status;
    c->no_way = true;
    while (detail.len && (detail.ptr[detail.len - 1] == '\n' || detail.ptr[detail.len - 1] == ' '))
        detail.len--;
    snprintf(c->detail, sizeof(c->detail), "%.*s", SLICE_ARG(detail));
    finish(c, false, NULL);
}

static void on_time(struct timer *t)
{
    finish(container_of(t, struct ask_port_call, timer), false, "no answer within 8 s");
}

static void free_call(struct loop_task *task)
{
    struct ask_port_call *c = container_of(task, struct ask_port_call, grave);
    arena_dispose(&c->arena);
    mem_free(c);
}

void ask_port_end(struct ask_port_call *c)
{
    if (!c)
        return;
    loop_task_cancel(&c->task);
    close_all(c);
    tls_ctx_unref(c->tls);
    buf_dispose(&c->body);
    loop_task_init(&c->grave, free_call);
    loop_bury(c->loop, &c->grave);
}

static struct ask_port_call *create(struct api *a, const struct ask_port *at,
                                    ask_port_done_fn done, void *owner)
{
    struct ask_port_call *c = mem_zalloc(sizeof(*c));
    struct kube_client *client = api_http1_client(a);
    c->loop = api_loop(a);
    c->done = done;
    c->owner = owner;
    arena_init(&c->arena, ARENA_BLOCK);
    buf_init(&c->body);
    loop_task_init(&c->task, tell);
    timer_init(&c->timer, c->loop, on_time);
    timer_start(&c->timer, TIMEOUT_MS);
    if (client)
        c->tunnel = kube_tunnel_open(client, at->namespace_name, at->pod, at->port, &c->stream,
                                     on_trouble, c);
    else
        finish(c, false, "the kubeconfig cannot be read again");
    return c;
}

/* ---- a handshake ---- */

static void on_open(struct stream *s)
{
    struct ask_port_call *c = s->owner;
    struct stream_info info;
    stream_info(s, &info);
    c->not_after_ms = info.tls_peer ? info.tls_peer->not_after_ms : 0;
    finish(c, true, NULL);
}

static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)s;
    (void)owner;
    (void)data;
    (void)len;
}

static void on_eof(struct stream *s)
{
    finish(s->owner, false, "it closed the connection");
}

static void on_fail(struct stream *s, enum err why)
{
    struct stream_info info;
    stream_info(s, &info);
    finish(s->owner, false, info.fail_detail ? info.fail_detail : err_text(why));
}

struct ask_port_call *ask_port_handshake(struct api *a, const struct ask_port *at,
                                         struct slice roots_pem, struct slice spiffe_id,
                                         struct slice dns_name, ask_port_done_fn done, void *owner)
{
    static const char *const alpn[] = {"h2", "http/1.1", NULL};
    static const struct stream_events events = {
        .on_open = on_open, .on_data = on_data, .on_eof = on_eof, .on_fail = on_fail};
    struct tls_client_config config = {.roots_pem = roots_pem, .alpn = alpn};
    struct tls_stream_options options = {.server_name = dns_name, .expect_spiffe_id = spiffe_id};
    struct ask_port_call *c = create(a, at, done, owner);
    char detail[TLS_DETAIL_MAX];
    if (!c->stream)
        return c;
    if (tls_ctx_create_client(&config, &c->tls, detail))
        finish(c, false, detail);
    else
        c->stream = tls_stream_create(c->stream, c->tls, &options, NULL, &events, c);
    return c;
}

/* ---- a page ---- */

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    struct ask_port_call *c = st->owner;
    (void)end;
    c->status = head->status;
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct ask_port_call *c = st->owner;
    http_stream_consume(st, len);
    if (c->body.len + len > BODY_MAX)
        finish(c, false, "the answer is too large");
    else
        buf_append_shared(&c->body, owner, data, len);
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    struct ask_port_call *c = st->owner;
    (void)trailers;
    finish(c, c->status / 100 == 2, NULL);
}

static void on_writable(struct http_stream *st)
{
    (void)st;
}

static void on_abort(struct http_stream *st, enum err why)
{
    finish(st->owner, false, err_text(why));
}

static void on_http_done(struct http_stream *st)
{
    (void)st;
}

static void on_capacity(struct http_client *http)
{
    (void)http;
}

static void on_http_closed(struct http_client *http, enum err why)
{
    struct ask_port_call *c = http_client_owner(http);
    (void)why;
    c->http = NULL;
}

struct ask_port_call *ask_port_get(struct api *a, const struct ask_port *at, const char *path,
                                   ask_port_done_fn done, void *owner)
{
    static const struct http_client_config config = {0};
    static const struct http_client_events client_events = {
        .on_capacity = on_capacity, .on_retired = on_capacity, .on_closed = on_http_closed};
    static const struct http_events events = {.on_head = on_head,
                                              .on_body = on_body,
                                              .on_end = on_end,
                                              .on_writable = on_writable,
                                              .on_abort = on_abort,
                                              .on_done = on_http_done};
    struct ask_port_call *c = create(a, at, done, owner);
    if (!c->stream)
        return c;
    c->http = http_client_create(c->stream, HTTP_PROTOCOL_1, &config, &client_events, c);
    c->stream = NULL;
    message_init(&c->request, &c->arena);
    c->request.method = SLICE("GET");
    c->request.authority = arena_printf(&c->arena, "127.0.0.1:%u", at->port);
    c->request.path = arena_copy(&c->arena, slice_from_cstr(path));
    c->st = (struct http_stream){.events = &events, .owner = c, .arena = &c->arena};
    http_client_send(c->http, &c->st, &c->request, true);
    return c;
}
