/* Connections from accept to close. On one loop, which owns the listener. Must not know what is
 * spoken on them. Above the limit a connection is closed at once; the rest are served.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/stream_listener.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/listener.h"
#include "lib/io/loop.h"
#include "lib/net/tls_stream.h"

enum { HANDSHAKE_MS = 5000 };

struct stream_listener {
    struct loop *loop;
    struct stream_listener_config config;
    struct listener *listener;
    struct list visits;
    unsigned count;
    struct loop_task grave;
};

/* One connection: `stream` until it is open, then `server`. */
struct accepted {
    struct stream_listener *listener;
    struct list node;
    struct stream *stream;
    void *server;
    struct stream *transport; /* the server's, for asking about it */
    struct addr peer;
    struct loop_task grave;
};

static void free_visit(struct loop_task *task)
{
    mem_free(container_of(task, struct accepted, grave));
}

static void end_visit(struct accepted *v)
{
    list_unlink(&v->node);
    v->listener->count--;
    loop_bury(v->listener->loop, &v->grave);
}

void stream_listener_over(struct accepted *v, enum err why, const char *detail)
{
    char text[ADDR_TEXT_MAX];
    LOG_D(v->listener->config.area, "connection from %s is over: %s%s%s",
          addr_format(&v->peer, text), err_text(why), detail ? ": " : "", detail ? detail : "");
    end_visit(v);
}

static void serve(struct accepted *v, struct stream *s)
{
    v->stream = NULL;
    v->transport = s;
    v->server = v->listener->config.serve(v->listener->config.owner, s, v);
}

static void on_open(struct stream *s)
{
    struct accepted *v = s->owner;
    char why[TLS_DETAIL_MAX], text[ADDR_TEXT_MAX];
    /* The roots may have changed since the handshake began. */
    if (tls_stream_review(s, v->listener->config.tls(v->listener->config.owner), NULL, why) ==
        ERR_OK) {
        serve(v, s);
        return;
    }
    LOG_W(v->listener->config.area, "refused the connection from %s: %s",
          addr_format(&v->peer, text), why);
    stream_close(s);
    end_visit(v);
}

static void on_fail(struct stream *s, enum err why)
{
    struct accepted *v = s->owner;
    struct stream_info info;
    char text[ADDR_TEXT_MAX];
    stream_info(s, &info);
    LOG_W(v->listener->config.area, "refused the connection from %s: %s",
          addr_format(&v->peer, text), info.fail_detail ? info.fail_detail : err_text(why));
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
    struct stream_listener *d = listener_owner(l);
    struct stream_info info;
    if (d->count >= d->config.max_connections) {
        LOG_W(d->config.area, "more than %u connections: closed one", d->config.max_connections);
        stream_close(accepted);
        return;
    }
    struct accepted *v = mem_zalloc(sizeof(*v));
    v->listener = d;
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

static void free_listener(struct loop_task *task)
{
    mem_free(container_of(task, struct stream_listener, grave));
}

enum err stream_listener_open(struct loop *l, const struct stream_listener_config *config,
                              struct stream_listener **out)
{
    static const struct listener_options options;
    struct stream_listener *d = mem_zalloc(sizeof(*d));
    d->loop = l;
    d->config = *config;
    list_init(&d->visits);
    loop_task_init(&d->grave, free_listener);
    enum err e = listener_open(l, &config->at, &options, on_accept, d, &d->listener);
    if (e) {
        mem_free(d);
        return e;
    }
    *out = d;
    return ERR_OK;
}

void stream_listener_addr(const struct stream_listener *d, struct addr *out)
{
    listener_addr(d->listener, out);
}

void stream_listener_each(struct stream_listener *d, void (*each)(void *server))
{
    LIST_FOREACH_SAFE(node, next, &d->visits)
    {
        struct accepted *v = container_of(node, struct accepted, node);
        if (v->server)
            each(v->server);
    }
}

static void review(struct accepted *v, const struct tls_ctx *now)
{
    char why[TLS_DETAIL_MAX], text[ADDR_TEXT_MAX];
    if (tls_stream_review(v->transport, now, NULL, why) == ERR_OK)
        return;
    LOG_W(v->listener->config.area,
          "closed the connection from %s: its certificate is not trusted "
          "any more: %s",
          addr_format(&v->peer, text), why);
    v->listener->config.close(v->server);
}

void stream_listener_review(struct stream_listener *d)
{
    const struct tls_ctx *now = d->config.tls ? d->config.tls(d->config.owner) : NULL;
    LIST_FOREACH_SAFE(node, next, &d->visits)
    {
        struct accepted *v = container_of(node, struct accepted, node);
        if (now && v->server)
            review(v, now);
    }
}

void stream_listener_close(struct stream_listener *d)
{
    if (!d)
        return;
    listener_close(d->listener);
    while (!list_is_empty(&d->visits)) {
        struct accepted *v = container_of(d->visits.next, struct accepted, node);
        if (v->server) {
            /* Tells stream_listener_over, which ends the visit, now or by the end of the turn. */
            list_unlink(&v->node);
            d->config.close(v->server);
        } else {
            stream_close(v->stream);
            end_visit(v);
        }
    }
    loop_bury(d->loop, &d->grave);
}
