/* Connections from accept to close. On one loop, which owns the door. Must not know what is spoken
 * on them. Above the limit a connection is closed at once; the rest are served.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/door.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/listener.h"
#include "lib/io/loop.h"
#include "lib/net/tls_stream.h"

enum { HANDSHAKE_MS = 5000 };

struct door {
    struct loop *loop;
    struct door_config config;
    struct listener *listener;
    struct list visits;
    unsigned count;
    struct loop_task grave;
};

/* One connection: `stream` until it is open, then `server`. */
struct door_visit {
    struct door *door;
    struct list node;
    struct stream *stream;
    void *server;
    struct stream *transport; /* the server's, for asking about it */
    struct addr peer;
    struct loop_task grave;
};

static void free_visit(struct loop_task *task)
{
    mem_free(container_of(task, struct door_visit, grave));
}

static void end_visit(struct door_visit *v)
{
    list_unlink(&v->node);
    v->door->count--;
    loop_bury(v->door->loop, &v->grave);
}

void door_visit_over(struct door_visit *v, enum err why, const char *detail)
{
    char text[ADDR_TEXT_MAX];
    LOG_D(v->door->config.area, "connection from %s is over: %s%s%s", addr_format(&v->peer, text),
          err_text(why), detail ? ": " : "", detail ? detail : "");
    end_visit(v);
}

static void serve(struct door_visit *v, struct stream *s)
{
    v->stream = NULL;
    v->transport = s;
    v->server = v->door->config.serve(v->door->config.owner, s, v);
}

static void on_open(struct stream *s)
{
    struct door_visit *v = s->owner;
    char why[TLS_DETAIL_MAX], text[ADDR_TEXT_MAX];
    /* The roots may have changed since the handshake began. */
    if (tls_stream_review(s, v->door->config.tls(v->door->config.owner), NULL, why) == ERR_OK) {
        serve(v, s);
        return;
    }
    LOG_W(v->door->config.area, "refused the connection from %s: %s", addr_format(&v->peer, text),
          why);
    stream_close(s);
    end_visit(v);
}

static void on_fail(struct stream *s, enum err why)
{
    struct door_visit *v = s->owner;
    struct stream_info info;
    char text[ADDR_TEXT_MAX];
    stream_info(s, &info);
    LOG_W(v->door->config.area, "refused the connection from %s: %s", addr_format(&v->peer, text),
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

static const struct stream_events visit_events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_eof = on_eof,
    .on_fail = on_fail,
};

static void on_accept(struct listener *l, struct stream *accepted)
{
    static const struct tls_stream_options options = {.handshake_timeout_ms = HANDSHAKE_MS};
    struct door *d = listener_owner(l);
    struct stream_info info;
    if (d->count >= d->config.max_connections) {
        LOG_W(d->config.area, "more than %u connections: closed one", d->config.max_connections);
        stream_close(accepted);
        return;
    }
    struct door_visit *v = mem_zalloc(sizeof(*v));
    v->door = d;
    stream_info(accepted, &info);
    v->peer = info.peer;
    list_init(&v->node);
    list_link_last(&d->visits, &v->node);
    loop_task_init(&v->grave, free_visit);
    d->count++;
    if (d->config.tls)
        v->stream = tls_stream_create(accepted, d->config.tls(d->config.owner), &options, NULL,
                                      &visit_events, v);
    else
        serve(v, accepted);
}

static void free_door(struct loop_task *task)
{
    mem_free(container_of(task, struct door, grave));
}

enum err door_open(struct loop *l, const struct door_config *config, struct door **out)
{
    static const struct listener_options options;
    struct door *d = mem_zalloc(sizeof(*d));
    d->loop = l;
    d->config = *config;
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

void door_addr(const struct door *d, struct addr *out)
{
    listener_addr(d->listener, out);
}

void door_each(struct door *d, void (*each)(void *server))
{
    LIST_FOREACH_SAFE(node, next, &d->visits)
    {
        struct door_visit *v = container_of(node, struct door_visit, node);
        if (v->server)
            each(v->server);
    }
}

static void review(struct door_visit *v, const struct tls_ctx *now)
{
    char why[TLS_DETAIL_MAX], text[ADDR_TEXT_MAX];
    if (tls_stream_review(v->transport, now, NULL, why) == ERR_OK)
        return;
    LOG_W(v->door->config.area,
          "closed the connection from %s: its certificate is not trusted "
          "any more: %s",
          addr_format(&v->peer, text), why);
    v->door->config.close(v->server);
}

void door_review(struct door *d)
{
    const struct tls_ctx *now = d->config.tls ? d->config.tls(d->config.owner) : NULL;
    LIST_FOREACH_SAFE(node, next, &d->visits)
    {
        struct door_visit *v = container_of(node, struct door_visit, node);
        if (now && v->server)
            review(v, now);
    }
}

void door_close(struct door *d)
{
    if (!d)
        return;
    listener_close(d->listener);
    while (!list_is_empty(&d->visits)) {
        struct door_visit *v = container_of(d->visits.next, struct door_visit, node);
        if (v->server) {
            /* Tells door_visit_over, which ends the visit, now or by the end of the turn. */
            list_unlink(&v->node);
            d->config.close(v->server);
        } else {
            stream_close(v->stream);
            end_visit(v);
        }
    }
    loop_bury(d->loop, &d->grave);
}
