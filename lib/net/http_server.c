/* What a server connection is whatever the HTTP version: the choice of the codec, and the end. On
 * the connection's worker; knows nothing of requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/http_server.h"

#include "lib/net/http_server_priv.h"

struct http_server *http_server_create(struct stream *transport, enum http_protocol protocol,
                                       const struct http_server_config *config,
                                       const struct http_server_events *events, void *owner,
                                       struct buf *early)
{
    if (protocol == HTTP_PROTOCOL_2)
        return http_server_h2_create(transport, config, events, owner, early);
    return http_server_h1_create(transport, config, events, owner, early);
}

void *http_server_owner(const struct http_server *s)
{
    return s->owner;
}

struct stream *http_server_transport(const struct http_server *s)
{
    return s->transport;
}

void http_server_drain(struct http_server *s)
{
    if (s->over || s->draining)
        return;
    s->draining = true;
    s->ops->drain(s);
}

void http_server_took(struct http_server *s)
{
    if (s->config->max_requests && ++s->taken == s->config->max_requests)
        http_server_drain(s);
}

void http_server_close(struct http_server *s)
{
    http_server_finish(s, ERR_CANCELED, s->active ? HTTP_CLOSE_RESET : HTTP_CLOSE_NOW, ERR_CANCELED,
                       NULL);
}

unsigned http_server_active(const struct http_server *s)
{
    return s->active;
}

static void run_burial(struct loop_task *task)
{
    struct http_server *s = container_of(task, struct http_server, bury);
    s->ops->destroy(s);
}

void http_server_init(struct http_server *s, const struct http_server_ops *ops,
                      struct stream *transport, const struct http_server_config *config,
                      const struct http_server_events *events, void *owner)
{
    s->ops = ops;
    s->transport = transport;
    s->config = config;
    s->events = events;
    s->owner = owner;
    s->loop = transport->loop;
    list_init(&s->streams);
    s->active = 0;
    s->taken = 0;
    s->draining = false;
    s->over = false;
    loop_task_init(&s->bury, run_burial);
}

void http_server_finish(struct http_server *s, enum err abort_why, enum http_close how,
                        enum err why, const char *detail)
{
    if (s->over)
        return;
    s->over = true;
    while (!list_is_empty(&s->streams)) {
        s->active--;
        http_stream_abort(container_of(s->streams.next, struct http_stream, node), abort_why);
    }
    /* on_closed may still look at the transport (who was it?), so that goes last. */
    s->events->on_closed(s, why, detail);
    struct stream *transport = s->transport;
    s->transport = NULL;
    http_stream_close_transport(transport, how);
    loop_bury(s->loop, &s->bury);
}
