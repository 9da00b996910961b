/* What a gRPC server says to requests that are none, or not right: by their heads, their frames and
 * their time. Over HTTP/2 in memory, with a client that says anything.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "lib/io/memstream.h"
#include "lib/net/grpc_server.h"
#include "lib/net/http_client.h"
#include "tests/unit/lib/base/cmocka_base.h"

enum { REQUEST_MAX = 8, CALL_MS = 5000 };

struct bed {
    struct loop *loop;
    struct grpc_server *server;
    struct http_client *client;
    struct http_stream st;
    struct arena arena;
    struct message request, *head;
    const struct headers *trailers;
    char body[200];
    size_t body_len;
    unsigned handled, noted;
    bool is_over, parks;
    struct grpc_call *parked;
};

/* ---- the service */

static void echo(struct grpc_call *call, struct slice request)
{
    struct bed *b = grpc_call_owner(call);
    b->handled++;
    if (b->parks)
        b->parked = call;
    else
        grpc_call_reply(call, request.ptr, request.len);
}

static void on_call(void *owner, struct slice path, enum grpc_status status, const char *text)
{
    (void)path, (void)status, (void)text;
    ((struct bed *)owner)->noted++;
}

static void on_server_closed(void *owner, enum err why, const char *detail)
{
    (void)why, (void)detail;
    ((struct bed *)owner)->server = NULL;
}

/* ---- the client */

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    (void)end;
    ((struct bed *)st->owner)->head = head;
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct bed *b = st->owner;
    (void)owner;
    assert_true(b->body_len + len < sizeof(b->body));
    memcpy(b->body + b->body_len, data, len);
    b->body_len += len;
    http_stream_consume(st, len);
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    struct bed *b = st->owner;
    b->trailers = trailers;
    b->is_over = true;
}

static void on_any(struct http_stream *st)
{
    (void)st;
}

static void on_abort(struct http_stream *st, enum err why)
{
    (void)why;
    ((struct bed *)st->owner)->is_over = true;
}

static void on_http_any(struct http_client *c)
{
    (void)c;
}

static void on_http_closed(struct http_client *c, enum err why)
{
    (void)why;
    ((struct bed *)http_client_owner(c))->client = NULL;
}

static const struct grpc_method methods[] = {{.path = "/test.Test/Echo", .handle = echo}};

static void open_bed(struct bed *b, struct grpc_service *service)
{
    static const struct http_client_config config = {0};
    static const struct http_client_events events = {
        .on_capacity = on_http_any, .on_retired = on_http_any, .on_closed = on_http_closed};
    static const struct http_events stream_events = {.on_head = on_head,
                                                     .on_body = on_body,
                                                     .on_end = on_end,
                                                     .on_writable = on_any,
                                                     .on_abort = on_abort,
                                                     .on_done = on_any};
    struct stream *near, *far;
    *b = (struct bed){.loop = loop_sim_create(1000)};
    *service = (struct grpc_service){.methods = methods,
                                     .method_count = 1,
                                     .owner = b,
                                     .max_request = REQUEST_MAX,
                                     .call_timeout_ms = CALL_MS,
                                     .on_call = on_call};
    memstream_pair(b->loop, NULL, &near, &far);
    b->server = grpc_server_create(far, HTTP_PROTOCOL_2, service, on_server_closed, b);
    b->client = http_client_create(near, HTTP_PROTOCOL_2, &config, &events, b);
    arena_init(&b->arena, 1024);
    message_init(&b->request, &b->arena);
    b->request.version = HTTP_2;
    b->request.method = SLICE("POST");
    b->request.scheme = SLICE("http");
    b->request.authority = SLICE("name");
    b->request.path = SLICE("/test.Test/Echo");
    b->request.content_length = -1;
    b->st = (struct http_stream){.events = &stream_events, .owner = b, .arena = &b->arena};
}

static void close_bed(struct bed *b)
{
    if (b->parked)
        grpc_call_reply(b->parked, "", 0);
    if (http_stream_is_live(&b->st))
        http_stream_reset(&b->st, ERR_CANCELED);
    if (b->client)
        http_client_close(b->client);
    if (b->server)
        grpc_server_close(b->server);
    assert_true(loop_sim_turn(b->loop));
    arena_dispose(&b->arena);
    loop_destroy(b->loop);
}

static void say(struct bed *b, struct slice bytes, bool end)
{
    struct buf body;
    http_client_send(b->client, &b->st, &b->request, false);
    buf_init(&body);
    buf_append_slice(&body, bytes);
    http_stream_send_body(&b->st, &body, end);
    assert_true(loop_sim_turn(b->loop));
}

static struct slice said(const struct bed *b, enum header_id id)
{
    struct slice value = {NULL, 0};
    if (b->trailers)
        value = headers_get_id(b->trailers, id);
    return value.ptr || !b->head ? value : headers_get_id(&b->head->headers, id);
}

struct row {
    const char *method, *path, *type, *timeout;
    struct slice body;
    unsigned http, status; /* status 99: none is said */
    const char *text;      /* in grpc-message, or in the body where there is no status */
};

#define GRPC "application/grpc"
#define ECHO "/test.Test/Echo"
#define OK {"\0\0\0\0\2hi", 7}

static void test_what_is_asked(void **state)
{
    static const struct row rows[] = {
        {"POST", ECHO, GRPC, NULL, OK, 200, 0, ""},
        {"POST", ECHO, GRPC "+proto", "1S", OK, 200, 0, ""},
        {"POST", ECHO, GRPC, NULL, {"\0\0\0\0\0", 5}, 200, 0, ""},
        {"GET", ECHO, GRPC, NULL, OK, 415, 99, "This is a gRPC service"},
        {"POST", ECHO, "application/json", NULL, OK, 415, 99, "content-type application/grpc"},
        {"POST", ECHO, NULL, NULL, OK, 415, 99, "content-type application/grpc"},
        {"POST", "/test.Test/Other", GRPC, NULL, OK, 200, GRPC_UNIMPLEMENTED, "no such method"},
        {"POST", "/test.Test/Ech", GRPC, NULL, OK, 200, GRPC_UNIMPLEMENTED, "no such method"},
        {"POST", ECHO, GRPC, "soon", OK, 200, GRPC_INVALID_ARGUMENT, "grpc-timeout"},
        {"POST", ECHO, GRPC, "123456789S", OK, 200, GRPC_INVALID_ARGUMENT, "grpc-timeout"},
        {"POST", ECHO, GRPC, NULL, {"", 0}, 200, GRPC_INVALID_ARGUMENT, "missing or cut short"},
        {"POST", ECHO, GRPC, NULL, {"\0\0\0\0\3hi", 7}, 200, GRPC_INVALID_ARGUMENT,
         "missing or cut short"},
        {"POST", ECHO, GRPC, NULL, {"\1\0\0\0\2hi", 7}, 200, GRPC_UNIMPLEMENTED,
         "compressed messages are not supported"},
        {"POST", ECHO, GRPC, NULL, {"\0\0\0\0\2hihi", 9}, 200, GRPC_INVALID_ARGUMENT,
         "more than one request message"},
        {"POST", ECHO, GRPC, NULL, {"\0\0\0\0\10" "12345678", 13}, 200, 0, ""},
        {"POST", ECHO, GRPC, NULL, {"\0\0\0\0\11" "123456789", 14}, 200, GRPC_RESOURCE_EXHAUSTED,
         "too large"},
        {"POST", ECHO, GRPC, NULL, {"\0\0\0\0\11" "123", 8}, 200, GRPC_RESOURCE_EXHAUSTED,
         "too large"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct bed b;
        struct grpc_service service;
        open_bed(&b, &service);
        b.request.method = slice_from_cstr(r->method);
        b.request.path = slice_from_cstr(r->path);
        if (r->type)
            headers_add_id(&b.request.headers, HEADER_CONTENT_TYPE, slice_from_cstr(r->type));
        if (r->timeout)
            headers_add_id(&b.request.headers, HEADER_GRPC_TIMEOUT, slice_from_cstr(r->timeout));
        say(&b, r->body, true);
        assert_non_null(b.head);
        assert_true(b.is_over);
        uint64_t status = 99;
        (void)!slice_to_u64(said(&b, HEADER_GRPC_STATUS), &status);
        struct slice text = said(&b, HEADER_GRPC_MESSAGE);
        if (r->status == 99)
            text = slice_of(b.body, b.body_len);
        if (b.head->status != r->http || status != r->status ||
            (*r->text && slice_find(text, slice_from_cstr(r->text)) == text.len))
            fail_msg("%zu: HTTP %u, gRPC %u, %.*s", i, b.head->status, (unsigned)status,
                     SLICE_ARG(text));
        assert_int_equal(b.handled, r->status == 0);
        if (r->status == 0) {
            assert_int_equal(b.body_len, r->body.len);
            assert_memory_equal(b.body, r->body.ptr, r->body.len);
        }
        close_bed(&b);
    }
}

/* A call has as long as it says, and no longer than the service allows; a request that does not
 * come to its end has no longer. */
static void test_times(void **state)
{
    static const struct {
        const char *timeout;
        bool parks;
        uint64_t ms;
    } cases[] = {
        {NULL, true, CALL_MS}, {"700m", true, 700},        {"1H", true, CALL_MS},
        {NULL, false, CALL_MS}, {"900000u", false, 900},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bed b;
        struct grpc_service service;
        open_bed(&b, &service);
        b.parks = cases[i].parks;
        headers_add_id(&b.request.headers, HEADER_CONTENT_TYPE, SLICE(GRPC));
        if (cases[i].timeout)
            headers_add_id(&b.request.headers, HEADER_GRPC_TIMEOUT,
                           slice_from_cstr(cases[i].timeout));
        say(&b, SLICE("\0\0\0\0\2hi"), cases[i].parks);
        loop_sim_advance(b.loop, cases[i].ms - 20);
        assert_false(b.is_over);
        loop_sim_advance(b.loop, 40);
        assert_true(b.is_over);
        assert_true(slice_eq_cstr(said(&b, HEADER_GRPC_STATUS), "4"));
        assert_int_equal(b.handled, cases[i].parks);
        close_bed(&b);
    }
}

static unsigned plain(void *owner, struct slice method, struct slice path, struct slice *body)
{
    (void)owner;
    if (!slice_eq_cstr(method, "GET") || !slice_eq_cstr(path, "/healthz"))
        return 0;
    *body = SLICE("ok\n");
    return 200;
}

/* What is no gRPC at all may be answered by the service; by its path alone. */
static void test_plain_requests(void **state)
{
    static const char *const paths[] = {"/healthz", "/healthz?verbose", "/other"};
    for (size_t i = 0; i < 3; i++) {
        struct bed b;
        struct grpc_service service;
        open_bed(&b, &service);
        service.plain = plain;
        b.request.method = SLICE("GET");
        b.request.path = slice_from_cstr(paths[i]);
        say(&b, SLICE(""), true);
        assert_int_equal(b.head->status, i < 2 ? 200 : 415);
        assert_int_equal(slice_eq_cstr(slice_of(b.body, b.body_len), "ok\n"), i < 2);
        close_bed(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_asked),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_plain_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
