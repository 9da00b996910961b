/* The connections of a gRPC client: dialled when a call needs one, kept for a while, replaced when
 * the peer retires them. Events wake one step, which decides. Owned by one loop, on its thread.
 * Must not know what is called, nor retry.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/grpc_client.h"

#include "lib/base/mem.h"
#include "lib/io/tcp.h"
#include "lib/net/grpc_client_priv.h"
#include "lib/net/tls_stream.h"

enum { CONNECT_MS = 5000, MAX_RESPONSE = 1 << 20, PING_INTERVAL_MS = 30000, RESOLVE_MS = 2000 };

void grpc_client_wake(struct grpc_client *c)
{
    if (!c->destroyed)
        loop_run_soon(c->loop, &c->task);
}

static void drop_dialing(struct grpc_client *c)
{
    if (c->dialing)
        stream_close(c->dialing);
    c->dialing = NULL;
}

static void dial_address(struct grpc_client *c, const struct addr *to);

static bool dial_next(struct grpc_client *c)
{
    if (c->next_found >= c->found_count)
        return false;
    dial_address(c, &c->found[c->next_found++]);
    return true;
}

static void dial_failed(struct grpc_client *c, enum err why, const char *text)
{
    if (dial_next(c))
        return;
    c->broken = why;
    mem_free(c->broken_text);
    c->broken_text = mem_printf("%s%s%s", err_text(why), text ? ": " : "", text ? text : "");
    grpc_client_wake(c);
}

static void wake_owner(struct http_client *http)
{
    struct grpc_client_conn *conn = http_client_owner(http);
    if (conn->client)
        grpc_client_wake(conn->client);
}

static void on_http_retired(struct http_client *http)
{
    struct grpc_client_conn *conn = http_client_owner(http);
    conn->retired = true;
    wake_owner(http);
}

static void free_conn(struct loop_task *task)
{
    mem_free(container_of(task, struct grpc_client_conn, grave));
}

static void on_http_closed(struct http_client *http, enum err why)
{
    struct grpc_client_conn *conn = http_client_owner(http);
    (void)why;
    list_unlink(&conn->node);
    wake_owner(http);
    loop_bury(conn->loop, &conn->grave);
}

static const struct http_client_events http_events = {
    .on_capacity = wake_owner,
    .on_retired = on_http_retired,
    .on_closed = on_http_closed,
};

static void on_open(struct stream *s)
{
    struct grpc_client *c = s->owner;
    struct stream_info info;
    stream_info(s, &info);
    if (info.is_tls && !slice_eq(info.alpn, SLICE("h2"))) {
        drop_dialing(c);
        dial_failed(c, ERR_PROTOCOL, "the peer did not agree on HTTP/2");
        return;
    }
    c->dialing = NULL;
    struct grpc_client_conn *conn = mem_zalloc(sizeof(*conn));
    conn->client = c;
    conn->loop = c->loop;
    list_init(&conn->node);
    list_link_first(&c->conns, &conn->node);
    loop_task_init(&conn->grave, free_conn);
    conn->config.ping_interval_ms = c->ping_interval_ms;
    conn->http = http_client_create(s, HTTP_PROTOCOL_2, &conn->config, &http_events, conn);
    grpc_client_wake(c);
}

static void on_dial_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)s;
    (void)owner;
    (void)data;
    (void)len;
}

static void on_dial_eof(struct stream *s)
{
    struct grpc_client *c = s->owner;
    drop_dialing(c);
    dial_failed(c, ERR_CLOSED, NULL);
}

static void on_dial_fail(struct stream *s, enum err why)
{
    struct grpc_client *c = s->owner;
    struct stream_info info;
    stream_info(s, &info);
    char *detail = info.fail_detail ? mem_strdup(info.fail_detail) : NULL;
    drop_dialing(c);
    dial_failed(c, why, detail);
    mem_free(detail);
}

static const struct stream_events dial_events = {
    .on_open = on_open,
    .on_data = on_dial_data,
    .on_eof = on_dial_eof,
    .on_fail = on_dial_fail,
};

static void dial_address(struct grpc_client *c, const struct addr *to)
{
    struct tcp_dial_options options = {.timeout_ms = c->connect_timeout_ms};
    struct tls_stream_options tls = {
        .server_name = slice_from_cstr(c->server_name),
        .expect_spiffe_id = slice_from_cstr(c->expect),
        .handshake_timeout_ms = c->connect_timeout_ms,
    };
    struct stream *s = c->dial ? c->dial(c->loop, c->dial_owner, &dial_events, c)
                               : tcp_dial(c->loop, to, &options, &dial_events, c);
    if (c->tls)
        s = tls_stream_create(s, c->tls, &tls, NULL, &dial_events, c);
    c->dialing = s;
}

static void on_resolved(void *owner, enum err e, const struct addr *addrs, size_t count,
                        uint32_t ttl_s)
{
    struct grpc_client *c = owner;
    (void)ttl_s;
    c->resolving = NULL;
    timer_stop(&c->unresolved);
    if (e && c->fallback.family) {
        e = ERR_OK;
        addrs = &c->fallback;
        count = 1;
    }
    c->next_found = 0;
    c->found_count = e == ERR_OK ? count : 0;
    for (size_t i = 0; i < c->found_count; i++)
        c->found[i] = addrs[i];
    if (!dial_next(c))
        dial_failed(c, e ? e : ERR_NOT_FOUND, c->host);
}

/* A resolver that cannot be reached at all takes longer to say so than a call has time. */
static void on_unresolved(struct timer *timer)
{
    struct grpc_client *c = container_of(timer, struct grpc_client, unresolved);
    resolve_cancel(c->resolving);
    on_resolved(c, ERR_DNS, NULL, 0, 0);
}

static void dial(struct grpc_client *c)
{
    c->next_found = c->found_count = 0;
    if (!c->host || c->dial) {
        dial_address(c, &c->to);
        return;
    }
    c->resolving = resolve_start(c->loop, slice_from_cstr(c->host), c->port, on_resolved, c);
    if (c->fallback.family)
        timer_start(&c->unresolved, RESOLVE_MS);
}

static void send_call(struct grpc_client *c, struct grpc_client_conn *conn,
                      struct grpc_client_call *call)
{
    list_unlink(&call->node);
    list_link_last(&c->sent, &call->node);
    grpc_client_call_send(call, conn->http);
}

/* What waits now; calls that the answers give rise to get a new attempt. */
static void fail_waiting(struct grpc_client *c)
{
    enum grpc_status status = c->broken == ERR_UNTRUSTED || c->broken == ERR_EXPIRED
                                  ? GRPC_UNAUTHENTICATED
                                  : GRPC_UNAVAILABLE;
    char *text = c->broken_text;
    size_t count = 0;
    c->broken = ERR_OK;
    c->broken_text = NULL;
    LIST_FOREACH(node, &c->waiting)
    {
        count++;
    }
    while (count-- && !c->destroyed) {
        struct list *node = list_take_first(&c->waiting);
        if (!node)
            break;
        grpc_client_call_fail(container_of(node, struct grpc_client_call, node), status, text);
    }
    mem_free(text);
}

static struct grpc_client_conn *current(const struct grpc_client *c)
{
    if (list_is_empty(&c->conns))
        return NULL;
    struct grpc_client_conn *conn = container_of(c->conns.next, struct grpc_client_conn, node);
    return conn->retired ? NULL : conn;
}

static bool is_unused(const struct grpc_client *c)
{
    return list_is_empty(&c->sent) && list_is_empty(&c->waiting);
}

static void on_idle(struct timer *timer)
{
    struct grpc_client *c = container_of(timer, struct grpc_client, idle);
    struct grpc_client_conn *conn = current(c);
    if (conn && is_unused(c))
        http_client_drain(conn->http);
}

static void run_client(struct loop_task *task)
{
    struct grpc_client *c = container_of(task, struct grpc_client, task);
    struct grpc_client_conn *conn = current(c);
    if (c->broken) {
        fail_waiting(c);
        return;
    }
    while (conn && !conn->retired && !list_is_empty(&c->waiting) &&
           http_client_capacity(conn->http) > 0)
        send_call(c, conn, container_of(c->waiting.next, struct grpc_client_call, node));
    conn = current(c);
    if (!conn && !list_is_empty(&c->waiting) && !c->dialing && !c->resolving)
        dial(c);
    if (!conn || !is_unused(c))
        timer_stop(&c->idle);
    else if (c->idle_ms == 0)
        http_client_drain(conn->http);
    else if (!timer_is_running(&c->idle))
        timer_start(&c->idle, c->idle_ms);
}

static char *copy(struct slice s)
{
    return s.len ? mem_strndup(s.ptr, s.len) : NULL;
}

struct grpc_client *grpc_client_create(struct loop *l, const struct grpc_client_config *config)
{
    struct grpc_client *c = mem_zalloc(sizeof(*c));
    char address[ADDR_TEXT_MAX];
    c->loop = l;
    c->to = config->to;
    c->host = copy(config->host);
    c->port = config->port;
    c->fallback = config->fallback;
    c->fallback.port = config->port;
    c->tls = config->tls ? tls_ctx_ref(config->tls) : NULL;
    c->server_name = copy(config->server_name);
    c->expect = copy(config->expect_spiffe_id);
    c->authority = copy(config->authority.len ? config->authority : config->server_name);
    if (!c->authority && c->host)
        c->authority = mem_printf("%s:%u", c->host, c->port);
    else if (!c->authority)
        c->authority = mem_strdup(addr_format(&config->to, address));
    c->connect_timeout_ms = config->connect_timeout_ms ? config->connect_timeout_ms : CONNECT_MS;
    c->idle_ms = config->idle_ms;
    c->ping_interval_ms = config->ping_interval_ms ? config->ping_interval_ms : PING_INTERVAL_MS;
    c->max_response = config->max_response ? config->max_response : MAX_RESPONSE;
    c->dial = config->dial;
    c->dial_owner = config->dial_owner;
    list_init(&c->conns);
    list_init(&c->waiting);
    list_init(&c->sent);
    loop_task_init(&c->task, run_client);
    timer_init(&c->idle, l, on_idle);
    timer_init(&c->unresolved, l, on_unresolved);
    return c;
}

static void free_client(struct loop_task *task)
{
    struct grpc_client *c = container_of(task, struct grpc_client, grave);
    tls_ctx_unref(c->tls);
    mem_free(c->host);
    mem_free(c->server_name);
    mem_free(c->expect);
    mem_free(c->authority);
    mem_free(c->broken_text);
    mem_free(c);
}

void grpc_client_destroy(struct grpc_client *c)
{
    struct list *node;
    if (!c)
        return;
    c->destroyed = true;
    while ((node = list_take_first(&c->waiting)) || (node = list_take_first(&c->sent)))
        grpc_client_call_free(container_of(node, struct grpc_client_call, node));
    drop_dialing(c);
    if (c->resolving)
        resolve_cancel(c->resolving);
    while ((node = list_take_first(&c->conns))) {
        struct grpc_client_conn *conn = container_of(node, struct grpc_client_conn, node);
        conn->client = NULL;
        http_client_close(conn->http);
    }
    timer_stop(&c->idle);
    timer_stop(&c->unresolved);
    loop_task_cancel(&c->task);
    loop_task_init(&c->grave, free_client);
    loop_bury(c->loop, &c->grave);
}
