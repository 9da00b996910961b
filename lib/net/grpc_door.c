/* Connections from accept to close. On one loop, which owns the door. Must not know the methods
 * behind them. Above the limit a connection is closed at once; the rest are served.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/grpc_door.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/listener.h"
#include "lib/io/loop.h"
#include "lib/net/tls_stream.h"

enum { HANDSHAKE_MS = 5000 };

struct grpc_door {
    struct loop *loop;
    struct grpc_door_config config;
    struct listener *listener;
    struct list visits;
    unsigned count;
    struct loop_task grave;
};

/* One connection: `stream` until it is open, then `grpc`. */
struct visit {
    struct grpc_door *door;
    struct list node;
    struct stream *stream;
    struct grpc_server *grpc;
    struct addr peer;
    struct loop_task grave;
};

static void free_visit(struct loop_task *task)
{
    mem_free(container_of(task, struct visit, grave));
}

static void end_visit(struct visit *v)
{
    list_unlink(&v->node);
    v->door->count--;
    loop_bury(v->door->loop, &v->grave);
}

static void on_served(void *owner, enum err why, const char *detail)
{
    struct visit *v = owner;
    char text[ADDR_TEXT_MAX];
    LOG_D("door", "connection from %s is over: %s%s%s", addr_format(&v->peer, text), err_text(why),
          detail ? ": " : "", detail ? detail : "");
    end_visit(v);
}

static void serve(struct visit *v, struct stream *s)
{
    v->stream = NULL;
    v->grpc =
        grpc_server_create(s, v->door->config.protocol, v->door->config.service, on_served, v);
}

static void on_open(struct stream *s)
{
    serve(s->owner, s);
}

static void on_fail(struct stream *s, enum err why)
{
    struct visit *v = s->owner;
    struct stream_info info;
    char text[ADDR_TEXT_MAX];
    stream_info(s, &info);
    LOG_W("door", "refused the connection from %s: %s", addr_format(&v->peer, text),
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
    (void)owner;
    (void)data;
    (void)len;
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
    struct grpc_door *d = listener_owner(l);
    struct stream_info info;
    if (d->count >= d->config.max_connections) {
        LOG_W("door", "more than %u connections: closed one", d->config.max_connections);
        stream_close(accepted);
        return;
    }
    struct visit *v = mem_zalloc(sizeof(*v));
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
    mem_free(container_of(task, struct grpc_door, grave));
}

enum err grpc_door_open(struct loop *l, const struct grpc_door_config *config,
                        struct grpc_door **out)
{
    static const struct listener_options options;
    struct grpc_door *d = mem_zalloc(sizeof(*d));
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

void grpc_door_addr(const struct grpc_door *d, struct addr *out)
{
    listener_addr(d->listener, out);
}

void grpc_door_close(struct grpc_door *d)
{
    if (!d)
        return;
    listener_close(d->listener);
    while (!list_is_empty(&d->visits)) {
        struct visit *v = container_of(d->visits.next, struct visit, node);
        if (v->grpc) {
            /* Tells on_served, which ends the visit, now or by the end of the turn. */
            list_unlink(&v->node);
            grpc_server_close(v->grpc);
        } else {
            stream_close(v->stream);
            end_visit(v);
        }
    }
    loop_bury(d->loop, &d->grave);
}
