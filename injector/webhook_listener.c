/* A listener whose connections speak HTTP, by what ALPN chose. On the injector's only thread. Must
 * not know requests. SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/webhook_listener.h"

#include "injector/webhook_listener_priv.h"
#include "lib/base/mem.h"
#include "lib/net/stream_listener.h"

enum { IDLE_MS = 300000 };

/* What a connection's server belongs to. */
struct webhook_visit {
    struct webhook_listener *listener;
    struct accepted *visit;
    struct http_server *http;
    struct loop_task grave;
};

static void free_visit(struct loop_task *task)
{
    mem_free(container_of(task, struct webhook_visit, grave));
}

static struct http_stream *on_stream(struct http_server *s)
{
    const struct webhook_visit *v = http_server_owner(s);
    return webhook_request_begin(s, v->listener);
}

static void on_closed(struct http_server *s, enum err why, const char *detail)
{
    struct webhook_visit *v = http_server_owner(s);
    stream_listener_over(v->visit, why, detail);
    loop_bury(v->listener->loop, &v->grave);
}

static void *serve(void *owner, struct stream *s, struct accepted *visit)
{
    static const struct http_server_events events = {.on_stream = on_stream,
                                                     .on_closed = on_closed};
    struct webhook_listener *d = owner;
    struct webhook_visit *v = mem_zalloc(sizeof(*v));
    struct stream_info info;
    stream_info(s, &info);
    bool is_h2 = slice_eq(info.alpn, SLICE("h2"));
    v->listener = d;
    v->visit = visit;
    loop_task_init(&v->grave, free_visit);
    v->http = http_server_create(s, is_h2 ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1, &d->http, &events, v,
                                 NULL);
    return v;
}

static void close_visit(void *server)
{
    http_server_close(((struct webhook_visit *)server)->http);
}

static void drain_visit(void *server)
{
    http_server_drain(((struct webhook_visit *)server)->http);
}

static struct tls_ctx *current_ctx(void *owner)
{
    const struct webhook_listener_config *config = &((struct webhook_listener *)owner)->config;
    return config->tls(config->owner);
}

/* ---- life */

static void free_listener(struct loop_task *task)
{
    mem_free(container_of(task, struct webhook_listener, grave));
}

enum err webhook_listener_open(struct loop *l, const struct webhook_listener_config *config,
                               struct webhook_listener **out)
{
    struct webhook_listener *d = mem_zalloc(sizeof(*d));
    struct stream_listener_config listener = {
        .at = config->at,
        .area = "webhook",
        .max_connections = config->max_connections,
        .tls = current_ctx,
        .serve = serve,
        .close = close_visit,
        .owner = d,
    };
    d->loop = l;
    d->config = *config;
    d->http = (struct http_server_config){.scheme = SLICE("https"), .idle_timeout_ms = IDLE_MS};
    loop_task_init(&d->grave, free_listener);
    enum err e = stream_listener_open(l, &listener, &d->listener);
    if (e) {
        mem_free(d);
        return e;
    }
    *out = d;
    return ERR_OK;
}

void webhook_listener_addr(const struct webhook_listener *d, struct addr *out)
{
    stream_listener_addr(d->listener, out);
}

void webhook_listener_drain(struct webhook_listener *d)
{
    stream_listener_each(d->listener, drain_visit);
}

void webhook_listener_close(struct webhook_listener *d)
{
    if (!d)
        return;
    stream_listener_close(d->listener);
    loop_bury(d->loop, &d->grave);
}
