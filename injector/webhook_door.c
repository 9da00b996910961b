/* Connections from accept to close: TLS first, then HTTP by what ALPN chose. On the injector's only
 * thread. Must not know requests. Above the limit a connection is closed at once.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/webhook_door.h"

#include "injector/webhook_door_priv.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/listener.h"
#include "lib/net/tls_stream.h"

enum { HANDSHAKE_MS = 5000, IDLE_MS = 300000 };

/* One connection: `stream` until it is open, then `http`. */
struct webhook_visit {
    struct webhook_door *door;
    struct list node;
    struct stream *stream;
    struct http_server *http;
    struct addr peer;
    struct loop_task grave;
};

static void free_visit(struct loop_task *task)
{
    mem_free(container_of(task, struct webhook_visit, grave));
}

static void end_visit(struct webhook_visit *v)
{
    list_unlink(&v->node);
    v->door->count--;
    loop_bury(v->door->loop, &v->grave);
}

/* ---- HTTP */

static struct http_stream *on_stream(struct http_server *s)
{
    const struct webhook_visit *v = http_server_owner(s);
    return webhook_request_begin(s, v->door);
}

static void on_closed(struct http_server *s, enum err why, const char *detail)
{
    struct webhook_visit *v = http_server_owner(s);
    char text[ADDR_TEXT_MAX];
    LOG_D("webhook", "connection from %s is over: %s%s%s", addr_format(&v->peer, text),
          err_text(why), detail ? ": " : "", detail ? detail : "");
    end_visit(v);
}

static void on_open(struct stream *s)
{
    static const struct http_server_events events = {.on_stream = on_stream,
                                                     .on_closed = on_closed};
    struct webhook_visit *v = s->owner;
    struct stream_info info;
    stream_info(s, &info);
    bool is_h2 = slice_eq(info.alpn, SLICE("h2"));
    v->stream = NULL;
    v->http = http_server_create(s, is_h2 ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1, &v->door->http,
                                 &events, v, NULL);
}

/* ---- TLS */

static void on_fail(struct stream *s, enum err why)
{
    struct webhook_visit *v = s->owner;
    struct stream_info info;
    char text[ADDR_TEXT_MAX];
    stream_info(s, &info);
    LOG_W("webhook", "refused the connection from %s: %s", addr_format(&v->peer, text),
          info.fail_detail ? info.fail_detail : err_text(why));
    stream_close(s);
    end_visit(v);
}

static void on_eof(struct stream *s)
{
    on_fail(s, ERR_CLOSED);
}

static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)owner, (void)data, (void)len;
    on_fail(s, ERR_PROTOCOL);
}

static void on_accept(struct listener *l, struct stream *accepted)
{
    static const struct tls_stream_options options = {.handshake_timeout_ms = HANDSHAKE_MS};
    static const struct stream_events events = {
        .on_open = on_open, .on_data = on_data, .on_eof = on_eof, .on_fail = on_fail};
    struct webhook_door *d = listener_owner(l);
    struct stream_info info;
    if (d->count >= d->config.max_connections) {
        LOG_W("webhook", "more than %u connections: closed one", d->config.max_connections);
        stream_close(accepted);
        return;
    }
    struct webhook_visit *v = mem_zalloc(sizeof(*v));
    v->door = d;
    stream_info(accepted, &info);
    v->peer = info.peer;
    list_init(&v->node);
    list_link_last(&d->visits, &v->node);
    loop_task_init(&v->grave, free_visit);
    d->count++;
    v->stream =
        tls_stream_create(accepted, d->config.tls(d->config.owner), &options, NULL, &events, v);
}

/* ---- life */

static void free_door(struct loop_task *task)
{
    mem_free(container_of(task, struct webhook_door, grave));
}

enum err webhook_door_open(struct loop *l, const struct webhook_door_config *config,
                           struct webhook_door **out)
{
    static const struct listener_options options;
    struct webhook_door *d = mem_zalloc(sizeof(*d));
    d->loop = l;
    d->config = *config;
    d->http = (struct http_server_config){.scheme = SLICE("https"), .idle_timeout_ms = IDLE_MS};
    list_init(&d->visits);
    loop_task_init(&d->grave, free_door);
    enum err e = listener_open(l, &config->at, &options, on_accept, d, &d->listener);
    if (e) {
        mem_free(d);
        return e;
    }
    *out = d;
    return ERR_OK;
}

void webhook_door_addr(const struct webhook_door *d, struct addr *out)
{
    listener_addr(d->listener, out);
}

void webhook_door_drain(struct webhook_door *d)
{
    LIST_FOREACH_SAFE(node, next, &d->visits)
    {
        struct webhook_visit *v = container_of(node, struct webhook_visit, node);
        if (v->http)
            http_server_drain(v->http);
    }
}

void webhook_door_close(struct webhook_door *d)
{
    if (!d)
        return;
    listener_close(d->listener);
    while (!list_is_empty(&d->visits)) {
        struct webhook_visit *v = container_of(d->visits.next, struct webhook_visit, node);
        if (v->http) {
            /* Tells on_closed, which ends the visit, now or by the end of the turn. */
            list_unlink(&v->node);
            http_server_close(v->http);
        } else {
            stream_close(v->stream);
            end_visit(v);
        }
    }
    loop_bury(d->loop, &d->grave);
}
