/* What a Gateway's port says of its connections: how many there may be, how old one may become, and
 * what it may have under way. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/cluster_usage.h"
#include "sidecar/session/session_priv.h"

/* ---- how many ---- */

bool session_port_enter(struct session *s, const struct gateway_conf *g)
{
    uint64_t limit = (uint64_t)session_client_conf(s)->connection.max_connections;
    if (s->usage)
        return true; /* it is counted already */
    if (!cluster_usage_take(&g->usage->connections, limit ? (uint32_t)limit : UINT32_MAX)) {
        metrics_add(s->worker->metrics, METRICS_CONNECTIONS_OVER_LIMIT, 1);
        return false;
    }
    s->usage = port_usage_ref(g->usage);
    return true;
}

void session_port_leave(struct session *s)
{
    if (!s->usage)
        return;
    cluster_usage_give_back(&s->usage->connections);
    port_usage_unref(s->usage);
    s->usage = NULL;
}

/* ---- how old, and how much ---- */

static void on_age(struct timer *t)
{
    struct session *s = container_of(t, struct session, timer);
    if (s->server)
        http_server_drain(s->server);
}

/* It is as old as its acceptance. */
static void limit_age(struct session *s, uint64_t limit_ms)
{
    uint64_t age_ms = (loop_now_ns(s->worker->loop) - s->opened_ns) / 1000000;
    timer_init(&s->timer, s->worker->loop, on_age);
    timer_start(&s->timer, age_ms < limit_ms ? limit_ms - age_ms : 0);
}

void session_port_limit(struct session *s)
{
    const struct client_connection *c = &session_client_conf(s)->connection;
    struct http_server_config *to = &s->server_config;
    if (!s->side->faces_strangers)
        return; /* it is said of a gateway's connections only */
    to->head_timeout_ms = (uint32_t)c->timeouts.request_head;
    to->idle_timeout_ms = (uint32_t)c->timeouts.idle;
    to->max_requests = (uint32_t)c->max_requests;
    to->max_streams = (uint32_t)c->http2.max_streams;
    to->stream_window = (uint32_t)c->http2.stream_window;
    to->connection_window = (uint32_t)c->http2.connection_window;
    if (c->timeouts.connection)
        limit_age(s, (uint64_t)c->timeouts.connection);
}
