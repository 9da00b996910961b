/* A door whose connections speak HTTP, by what ALPN chose. On the injector's only thread. Must not
 * know requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/webhook_door.h"

#include "injector/webhook_door_priv.h"
#include "lib/base/mem.h"
#include "lib/net/door.h"

enum { IDLE_MS = 300000 };

/* What a connection's server belongs to. */
struct webhook_visit {
    struct webhook_door *door;
    struct door_visit *visit;
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
    return webhook_request_begin(s, v->door);
}

static void on_closed(struct http_server *s, enum err why, const char *detail)
{
    struct webhook_visit *v = http_server_owner(s);
    door_visit_over(v->visit, why, detail);
    loop_bury(v->door->loop, &v->grave);
}

static void *serve(void *owner, struct stream *s, struct door_visit *visit)
{
    static const struct http_server_events events = {.on_stream = on_stream,
                                                     .on_closed = on_closed};
    struct webhook_door *d = owner;
    struct webhook_visit *v = mem_zalloc(sizeof(*v));
    struct stream_info info;
    stream_info(s, &info);
    bool is_h2 = slice_eq(info.alpn, SLICE("h2"));
    v->door = d;
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
    const struct webhook_door_config *config = &((struct webhook_door *)owner)->config;
    return config->tls(config->owner);
}

/* ---- life */

static void free_door(struct loop_task *task)
{
    mem_free(container_of(task, struct webhook_door, grave));
}

enum err webhook_door_open(struct loop *l, const struct webhook_door_config *config,
                           struct webhook_door **out)
{
    struct webhook_door *d = mem_zalloc(sizeof(*d));
    struct door_config door = {
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
    loop_task_init(&d->grave, free_door);
    enum err e = door_open(l, &door, &d->door);
    if (e) {
        mem_free(d);
        return e;
    }
    *out = d;
    return ERR_OK;
}

void webhook_door_addr(const struct webhook_door *d, struct addr *out)
{
    door_addr(d->door, out);
}

void webhook_door_drain(struct webhook_door *d)
{
    door_each(d->door, drain_visit);
}

void webhook_door_close(struct webhook_door *d)
{
    if (!d)
        return;
    door_close(d->door);
    loop_bury(d->loop, &d->grave);
}
