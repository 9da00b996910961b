/* HTTP peers of a simulation. Events record; answers are given by a task, as the seam asks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_http.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/net/tls_stream.h"
#include "tests/sim/cmocka_sim.h"

/* ---- a client ---- */

static void on_capacity(struct http_client *client)
{
    (void)client;
}

static void on_retired(struct http_client *client)
{
    ((struct sim_client *)http_client_owner(client))->retired = true;
}

static void on_client_closed(struct http_client *client, enum err why)
{
    struct sim_client *c = http_client_owner(client);
    c->client = NULL;
    c->why = why;
}

void sim_client_open(struct sim_client *c, struct stream *s, enum http_protocol protocol)
{
    static const struct http_client_config config;
    static const struct http_client_events client_events = {
        .on_capacity = on_capacity, .on_retired = on_retired, .on_closed = on_client_closed};
    *c = (struct sim_client){0};
    list_init(&c->calls);
    c->client = http_client_create(s, protocol, &config, &client_events, c);
}

void sim_client_close(struct sim_client *c)
{
    if (c->client)
        http_client_close(c->client);
    sim_call_destroy_all(&c->calls);
}

struct sim_call *sim_client_make(struct sim_client *c)
{
    return sim_call_create(&c->calls, NULL);
}

void sim_client_send(struct sim_client *c, struct sim_call *call, const struct message *head,
                     bool end)
{
    assert_non_null(c->client);
    assert_true(http_client_capacity(c->client) > 0);
    http_client_send(c->client, &call->st, head, end);
}

struct sim_call *sim_client_call(struct sim_client *c, const char *method, const char *authority,
                                 const char *path, const char *body, bool end)
{
    struct sim_call *call = sim_client_make(c);
    struct message *m = sim_call_request(call, method, authority, path);
    sim_client_send(c, call, m, !body && end);
    if (body)
        sim_call_send(call, body, end);
    return call;
}

/* ---- a server ---- */

struct connection {
    struct list node;
    struct sim_server *server;
    struct http_server *http; /* NULL: still in the TLS handshake */
    struct stream *stream;    /* then */
};

static struct http_stream *on_stream(struct http_server *http)
{
    struct sim_server *s = ((struct connection *)http_server_owner(http))->server;
    s->requests++;
    if (s->refuse)
        return NULL;
    return &sim_call_create(&s->calls, s)->st;
}

static void on_closed(struct http_server *http, enum err why, const char *detail)
{
    struct connection *c = http_server_owner(http);
    (void)why;
    (void)detail;
    c->server->open--;
    list_unlink(&c->node);
    mem_free(c);
}

static void on_bad_request(struct http_server *http, unsigned status, const char *reason,
                           char id[MESSAGE_REQUEST_ID_SIZE])
{
    (void)status, (void)reason, (void)id;
    ((struct connection *)http_server_owner(http))->server->bad++;
}

static void serve(struct connection *c, struct stream *s, enum http_protocol protocol)
{
    static const struct http_server_events server_events = {
        .on_stream = on_stream, .on_closed = on_closed, .on_bad_request = on_bad_request};
    c->http = http_server_create(s, protocol, &c->server->config, &server_events, c, NULL);
}

static void on_tls_open(struct stream *s)
{
    struct stream_info info = {0};
    stream_info(s, &info);
    bool is_h2 = slice_eq(info.alpn, SLICE("h2"));
    serve(s->owner, s, is_h2 ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1);
}

static void drop(struct connection *c)
{
    if (c->http) {
        http_server_close(c->http);
        return;
    }
    stream_close(c->stream);
    c->server->open--;
    list_unlink(&c->node);
    mem_free(c);
}

static void on_tls_fail(struct stream *s, enum err why)
{
    (void)why;
    drop(s->owner);
}

static const struct stream_events tls_events = {.on_open = on_tls_open, .on_fail = on_tls_fail};

static void on_accept(struct sim_host *h, struct stream *accepted, const struct addr *to)
{
    struct sim_server *s = h->owner;
    struct connection *c = mem_zalloc(sizeof(*c));
    struct tls_stream_options options = {0};
    (void)to;
    c->server = s;
    c->stream = accepted;
    s->open++;
    list_link_last(&s->connections, &c->node);
    if (s->tls)
        tls_stream_create(accepted, s->tls, &options, NULL, &tls_events, c);
    else
        serve(c, accepted, s->protocol);
}

void sim_server_head(struct sim_call *call, unsigned status, int64_t length, bool end)
{
    struct message *m = arena_zalloc(&call->arena, sizeof(*m));
    message_init(m, &call->arena);
    m->version = HTTP_1_1;
    m->status = (uint16_t)status;
    m->content_length = length;
    if (length >= 0)
        headers_add_id(&m->headers, HEADER_CONTENT_LENGTH,
                       arena_printf(&call->arena, "%lld", (long long)length));
    http_stream_send_head(&call->st, m, end);
}

void sim_server_answer(struct sim_call *call, unsigned status, const char *body)
{
    size_t len = strlen(body);
    sim_server_head(call, status, (int64_t)len, len == 0);
    if (len && http_stream_is_live(&call->st))
        sim_call_send(call, body, true);
}

void sim_server_note_due(struct sim_call *call)
{
    struct sim_server *s = call->server;
    list_link_last(&s->due, &call->due);
    loop_run_soon(s->loop, &s->work);
}

static void answer_all(struct loop_task *task)
{
    struct sim_server *s = container_of(task, struct sim_server, work);
    for (struct list *node; (node = list_take_first(&s->due));) {
        struct sim_call *c = container_of(node, struct sim_call, due);
        if (!s->manual && http_stream_is_live(&c->st))
            sim_server_answer(c, s->status, s->body);
    }
}

void sim_server_open(struct sim_server *s, struct loop *l, const char *address,
                     enum http_protocol protocol)
{
    *s = (struct sim_server){.host = {.on_accept = on_accept, .owner = s},
                             .loop = l,
                             .protocol = protocol,
                             .status = 200,
                             .body = "hello"};
    assert_int_equal(addr_parse(slice_from_cstr(address), &s->host.at), ERR_OK);
    list_init(&s->calls);
    list_init(&s->connections);
    list_init(&s->due);
    loop_task_init(&s->work, answer_all);
    sim_net_add(&s->host);
}

void sim_server_drain(struct sim_server *s)
{
    LIST_FOREACH_SAFE(node, next, &s->connections)
    http_server_drain(container_of(node, struct connection, node)->http);
}

void sim_server_drop(struct sim_server *s)
{
    LIST_FOREACH_SAFE(node, next, &s->connections)
    drop(container_of(node, struct connection, node));
}

void sim_server_close(struct sim_server *s)
{
    sim_net_remove(&s->host);
    sim_server_drop(s);
    loop_task_cancel(&s->work);
    sim_call_destroy_all(&s->calls);
}

struct sim_call *sim_server_call(struct sim_server *s, unsigned n)
{
    LIST_FOREACH(node, &s->calls)
    {
        if (n-- == 0)
            return container_of(node, struct sim_call, node);
    }
    return NULL;
}
