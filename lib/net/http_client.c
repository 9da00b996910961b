/* What a client connection is whatever the HTTP version: the choice of the codec, retirement, and
 * the end. On the connection's worker; knows nothing of requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/http_client.h"

#include "lib/net/http_client_priv.h"

struct http_client *http_client_create(struct stream *transport, enum http_protocol protocol,
                                       const struct http_client_config *config,
                                       const struct http_client_events *events, void *owner)
{
    if (protocol == HTTP_PROTOCOL_2)
        return http_client_h2_create(transport, config, events, owner);
    return http_client_h1_create(transport, config, events, owner);
}

void *http_client_owner(const struct http_client *c)
{
    return c->owner;
}

struct stream *http_client_transport(const struct http_client *c)
{
    return c->transport;
}

unsigned http_client_capacity(const struct http_client *c)
{
    if (c->over || c->retired || c->draining)
        return 0;
    return c->ops->capacity(c);
}

unsigned http_client_active(const struct http_client *c)
{
    return c->active;
}

void http_client_send(struct http_client *c, struct http_stream *st, const struct message *request,
                      bool end)
{
    c->opened++;
    c->ops->send(c, st, request, end);
}

void http_client_drain(struct http_client *c)
{
    if (c->over || c->draining)
        return;
    c->draining = true;
    c->ops->drain(c);
}

void http_client_close(struct http_client *c)
{
    bool reset = c->active || (!c->over && c->ops->owes_reset(c));
    http_client_finish(c, ERR_CANCELED, reset ? HTTP_CLOSE_RESET : HTTP_CLOSE_NOW, ERR_CANCELED);
}

bool http_client_is_stale(struct http_client *c)
{
    return !c->over && c->ops->is_stale && c->ops->is_stale(c);
}

uint32_t http_client_keep_alive_ms(const struct http_client *c)
{
    return c->keep_alive_ms;
}

bool http_client_was_reused(const struct http_client *c)
{
    return c->opened > 1;
}

bool http_client_answer_began(const struct http_client *c, const struct http_stream *st)
{
    return c->ops->answer_began(c, st);
}

static void run_burial(struct loop_task *task)
{
    struct http_client *c = container_of(task, struct http_client, bury);
    c->ops->destroy(c);
}

void http_client_init(struct http_client *c, const struct http_client_ops *ops,
                      struct stream *transport, const struct http_client_config *config,
                      const struct http_client_events *events, void *owner)
{
    c->ops = ops;
    c->transport = transport;
    c->config = config;
    c->events = events;
    c->owner = owner;
    c->loop = transport->loop;
    list_init(&c->streams);
    c->active = 0;
    c->keep_alive_ms = 0;
    c->opened = 0;
    c->draining = false;
    c->retired = false;
    c->over = false;
    loop_task_init(&c->bury, run_burial);
}

void http_client_retire(struct http_client *c)
{
    if (c->retired)
        return;
    c->retired = true;
    if (c->events->on_retired)
        c->events->on_retired(c);
}

void http_client_finish(struct http_client *c, enum err abort_why, enum http_close how,
                        enum err why)
{
    if (c->over)
        return;
    http_client_retire(c);
    c->over = true;
    while (!list_is_empty(&c->streams)) {
        c->active--;
        http_stream_abort(container_of(c->streams.next, struct http_stream, node), abort_why);
    }
    c->events->on_closed(c, why);
    struct stream *transport = c->transport;
    c->transport = NULL;
    http_stream_close_transport(transport, how);
    loop_bury(c->loop, &c->bury);
}
