/* Where requests meet connections: what waits is sent as soon as a connection has room, and one is
 * made when none has. Events wake one step, which decides. Owned by one loop, on its thread. Must
 * not know what is asked, nor try again on its own but where the server provably saw nothing.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_client.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/codec/http/bearer.h"
#include "lib/io/file.h"
#include "lib/kube/kube_client_priv.h"

enum {
    CONNS_MAX = 64, /* HTTP/1.1 needs one for each watch */
    TOKEN_AGE_MS = 55000,
    TOKEN_MAX = 1 << 20,
    HTTPS_PORT = 443,
};

void kube_client_wake(struct kube_client *c)
{
    if (!c->destroyed)
        loop_run_soon(c->loop, &c->task);
}

/* ---- the token */

static void drop_token(struct kube_client *c)
{
    if (c->token)
        explicit_bzero(c->token, strlen(c->token));
    mem_free(c->token);
    c->token = NULL;
}

static enum err read_token(struct kube_client *c, char **why)
{
    char *text;
    size_t len;
    enum err e = file_read(c->config.token_file, TOKEN_MAX, &text, &len);
    if (e) {
        *why = mem_printf("token file %s: %s", c->config.token_file, err_text(e));
        return e;
    }
    const char *problem;
    struct slice token = bearer_token(slice_of(text, len), &problem);
    if (token.len) {
        drop_token(c);
        c->token = mem_strndup(token.ptr, token.len);
    } else {
        *why = mem_printf("token file %s %s", c->config.token_file, problem);
    }
    explicit_bzero(text, len);
    mem_free(text);
    return token.len ? ERR_OK : ERR_SYNTAX;
}

enum err kube_client_token(struct kube_client *c, struct slice *out, char **why)
{
    uint64_t now = loop_now_ms(c->loop);
    bool is_old = !c->token || c->token_is_old || now - c->token_ms >= TOKEN_AGE_MS;
    if (c->config.token_file && is_old) {
        enum err e = read_token(c, why);
        if (e && !c->token)
            return e;
        /* What we have may still be good: the server says. */
        if (e) {
            LOG_W("kube", "%s: going on with the one read before", *why);
            mem_free(*why);
        }
        c->token_is_old = false;
        c->token_ms = now;
    }
    *out = slice_from_cstr(c->config.token_file ? c->token : c->config.token);
    return ERR_OK;
}

/* ---- connections */

static void wake_owner(struct http_client *http)
{
    struct kube_conn *conn = http_client_owner(http);
    if (conn->client)
        kube_client_wake(conn->client);
}

static void on_http_retired(struct http_client *http)
{
    struct kube_conn *conn = http_client_owner(http);
    conn->retired = true;
    wake_owner(http);
}

static void free_conn(struct loop_task *task)
{
    mem_free(container_of(task, struct kube_conn, grave));
}

static void on_http_closed(struct http_client *http, enum err why)
{
    struct kube_conn *conn = http_client_owner(http);
    (void)why;
    list_unlink(&conn->node);
    wake_owner(http);
    loop_bury(conn->loop, &conn->grave);
}

void kube_client_add_conn(struct kube_client *c, struct stream *s, enum http_protocol protocol)
{
    static const struct http_client_config config = {
        .stream_window = 1 << 19,
        .connection_window = 1 << 22,
        .ping_interval_ms = 15000,
    };
    static const struct http_client_events events = {
        .on_capacity = wake_owner,
        .on_retired = on_http_retired,
        .on_closed = on_http_closed,
    };
    struct kube_conn *conn = mem_zalloc(sizeof(*conn));
    conn->client = c;
    conn->loop = c->loop;
    list_init(&conn->node);
    list_link_first(&c->conns, &conn->node);
    loop_task_init(&conn->grave, free_conn);
    conn->http = http_client_create(s, protocol, &config, &events, conn);
    kube_client_wake(c);
}

void kube_client_dial_failed(struct kube_client *c, char *why)
{
    struct list failed;
    list_init(&failed);
    list_splice_last(&failed, &c->waiting);
    LIST_FOREACH_SAFE(node, next, &failed)
    {
        struct kube_request *r = container_of(node, struct kube_request, node);
        list_unlink(node);
        list_link_last(&c->sent, node);
        kube_request_fail(r, why);
    }
    mem_free(why);
}

/* One that takes another request now; *count says how many there are. */
static struct kube_conn *find_conn(struct kube_client *c, unsigned *count)
{
    *count = 0;
    LIST_FOREACH_SAFE(node, next, &c->conns)
    {
        struct kube_conn *conn = container_of(node, struct kube_conn, node);
        if (conn->retired)
            continue;
        if (http_client_active(conn->http) == 0 && http_client_is_stale(conn->http)) {
            http_client_close(conn->http);
            continue;
        }
        if (http_client_capacity(conn->http) > 0)
            return conn;
        ++*count;
    }
    return NULL;
}

static void run_client(struct loop_task *task)
{
    struct kube_client *c = container_of(task, struct kube_client, task);
    while (!list_is_empty(&c->waiting)) {
        unsigned count;
        struct kube_conn *conn = find_conn(c, &count);
        if (!conn) {
            if (!kube_dial_is_running(c) && count < CONNS_MAX)
                kube_dial_start(c);
            return;
        }
        struct list *node = list_take_first(&c->waiting);
        list_link_last(&c->sent, node);
        kube_request_send(container_of(node, struct kube_request, node), conn);
    }
}

/* ---- life */

struct kube_client *kube_client_create(struct loop *l, struct kube_config *config)
{
    struct kube_client *c = mem_zalloc(sizeof(*c));
    c->loop = l;
    c->config = *config;
    *config = (struct kube_config){0};
    const char *host = c->config.host;
    bool v6 = strchr(host, ':') != NULL;
    c->url = mem_printf(v6 ? "https://[%s]:%u" : "https://%s:%u", host, c->config.port);
    if (c->config.port == HTTPS_PORT)
        c->authority = mem_printf(v6 ? "[%s]" : "%s", host);
    else
        c->authority = mem_strdup(c->url + strlen("https://"));
    list_init(&c->conns);
    list_init(&c->waiting);
    list_init(&c->sent);
    loop_task_init(&c->task, run_client);
    return c;
}

struct slice kube_client_namespace(const struct kube_client *c)
{
    return slice_from_cstr(c->config.namespace_name);
}

static void free_client(struct loop_task *task)
{
    struct kube_client *c = container_of(task, struct kube_client, grave);
    tls_ctx_unref(c->tls);
    kube_config_dispose(&c->config);
    drop_token(c);
    mem_free(c->url);
    mem_free(c->authority);
    mem_free(c);
}

void kube_client_destroy(struct kube_client *c)
{
    struct list *node;
    if (!c)
        return;
    c->destroyed = true;
    while (!list_is_empty(&c->waiting))
        kube_request_drop(container_of(c->waiting.next, struct kube_request, node));
    while (!list_is_empty(&c->sent))
        kube_request_drop(container_of(c->sent.next, struct kube_request, node));
    kube_dial_stop(c);
    while ((node = list_take_first(&c->conns))) {
        struct kube_conn *conn = container_of(node, struct kube_conn, node);
        conn->client = NULL;
        http_client_close(conn->http);
    }
    loop_task_cancel(&c->task);
    loop_task_init(&c->grave, free_client);
    loop_bury(c->loop, &c->grave);
}
