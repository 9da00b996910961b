/* How a gRPC client gets to its server: how long that may take, what it calls the server, and what
 * it makes of one that is no gRPC service.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "lib/io/memstream.h"
#include "lib/net/grpc_client.h"
#include "lib/net/http_server.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"

static struct pki pki;
static struct tls_ctx *client_tls;

static int set_up(void **state)
{
    assert_int_equal(tls_lib_init(), ERR_OK);
    pki_init(&pki);
    struct pki_leaf leaf = pki_svid(&pki, PKI_CLIENT_ID);
    client_tls = pki_client(&pki, &leaf);
    pki_leaf_dispose(&leaf);
    return 0;
}

static int tear_down(void **state)
{
    tls_ctx_unref(client_tls);
    pki_dispose(&pki);
    return 0;
}

struct bed {
    struct loop *loop;
    struct stream *near, *far;
    struct loop_task connected;
    struct http_server *server; /* NULL: nobody answers */
    struct http_stream request;
    struct arena arena;
    bool answers;
    unsigned dials, done;
    enum grpc_status status;
    char text[200], authority[100], response[20];
};

static void on_far_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)s, (void)owner, (void)data, (void)len;
}

static void on_far_end(struct stream *s)
{
    (void)s;
}

static void on_far_fail(struct stream *s, enum err why)
{
    (void)s, (void)why;
}

static const struct stream_events silent_events = {
    .on_data = on_far_data, .on_eof = on_far_end, .on_fail = on_far_fail};

/* ---- a server that hears the head of a request */

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    struct bed *b = st->owner;
    (void)end;
    snprintf(b->authority, sizeof(b->authority), "%.*s", SLICE_ARG(head->authority));
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)owner, (void)data;
    http_stream_consume(st, len);
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    (void)st, (void)trailers;
}

static void on_any(struct http_stream *st)
{
    (void)st;
}

static void on_abort(struct http_stream *st, enum err why)
{
    (void)st, (void)why;
}

static struct http_stream *on_stream(struct http_server *s)
{
    static const struct http_events events = {.on_head = on_head,
                                              .on_body = on_body,
                                              .on_end = on_end,
                                              .on_writable = on_any,
                                              .on_abort = on_abort,
                                              .on_done = on_any};
    struct bed *b = http_server_owner(s);
    b->request = (struct http_stream){.events = &events, .owner = b, .arena = &b->arena};
    return &b->request;
}

static void on_server_closed(struct http_server *s, enum err why, const char *detail)
{
    (void)why, (void)detail;
    ((struct bed *)http_server_owner(s))->server = NULL;
}

static void connected(struct loop_task *task)
{
    struct bed *b = container_of(task, struct bed, connected);
    b->near->events->on_open(b->near);
}

static struct stream *dial(struct loop *l, void *owner, const struct stream_events *events,
                           void *stream_owner)
{
    static const struct http_server_config config = {.scheme = {"http", 4}};
    static const struct http_server_events server_events = {.on_stream = on_stream,
                                                            .on_closed = on_server_closed};
    struct bed *b = owner;
    memstream_pair(l, NULL, &b->near, &b->far);
    stream_use(b->near, events, stream_owner);
    b->dials++;
    if (b->answers) {
        loop_task_init(&b->connected, connected);
        loop_run_soon(l, &b->connected);
        b->server =
            http_server_create(b->far, HTTP_PROTOCOL_2, &config, &server_events, b, NULL);
    } else {
        stream_use(b->far, &silent_events, b);
        stream_read_start(b->far);
    }
    return b->near;
}

static void on_done(void *owner, const struct grpc_result *r)
{
    struct bed *b = owner;
    b->done++;
    b->status = r->status;
    snprintf(b->text, sizeof(b->text), "%.*s", SLICE_ARG(r->text));
    snprintf(b->response, sizeof(b->response), "%.*s", SLICE_ARG(r->response));
}

static struct grpc_client *open_bed(struct bed *b, struct grpc_client_config *config, bool answers)
{
    *b = (struct bed){.loop = loop_sim_create(1000), .answers = answers};
    arena_init(&b->arena, 1024);
    config->dial = dial;
    config->dial_owner = b;
    struct grpc_client *c = grpc_client_create(b->loop, config);
    grpc_client_call(c, "/test.Test/Echo", NULL, 0, SLICE("x"), 60000, on_done, b);
    assert_true(loop_sim_turn(b->loop));
    return c;
}

static void close_bed(struct bed *b, struct grpc_client *c)
{
    grpc_client_destroy(c);
    assert_true(loop_sim_turn(b->loop));
    if (b->server)
        http_server_close(b->server);
    else if (!b->answers)
        stream_close(b->far);
    assert_true(loop_sim_turn(b->loop));
    arena_dispose(&b->arena);
    loop_destroy(b->loop);
}

/* A server that takes the connection and says nothing is given up long before the call is. */
static void test_a_silent_server(void **state)
{
    static const uint32_t said[] = {0, 700, 20000}, limits[] = {5000, 700, 20000};
    for (size_t i = 0; i < 3; i++) {
        struct bed b;
        struct grpc_client_config config = {.tls = client_tls,
                                            .expect_spiffe_id = SLICE(PKI_SERVER_ID),
                                            .connect_timeout_ms = said[i]};
        struct grpc_client *c = open_bed(&b, &config, false);
        loop_sim_advance(b.loop, limits[i] - 1);
        assert_int_equal(b.done, 0);
        loop_sim_advance(b.loop, 2);
        assert_int_equal(b.done, 1);
        assert_int_equal(b.status, GRPC_UNAVAILABLE);
        assert_int_equal(b.dials, 1);
        close_bed(&b, c);
    }
}

static void test_names(void **state)
{
    struct addr to;
    assert_int_equal(addr_parse(SLICE("192.0.2.7:15010"), &to), ERR_OK);
    const struct {
        struct grpc_client_config config;
        const char *authority;
    } cases[] = {
        {{.to = to}, "192.0.2.7:15010"},
        {{.to = to, .host = SLICE("policyd.test"), .port = 15011}, "policyd.test:15011"},
        {{.to = to, .host = SLICE("h"), .port = 1, .server_name = SLICE("name")}, "name"},
        {{.to = to, .server_name = SLICE("name"), .authority = SLICE("said")}, "said"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bed b;
        struct grpc_client_config config = cases[i].config;
        struct grpc_client *c = open_bed(&b, &config, true);
        assert_string_equal(b.authority, cases[i].authority);
        close_bed(&b, c);
    }
}

struct odd_answer {
    uint16_t http_status;
    const char *type, *grpc_status, *message;
    struct slice body;
    enum grpc_status status;
    const char *text;
};

static void answer(struct bed *b, const struct odd_answer *a)
{
    struct message head;
    struct headers trailers;
    struct buf body;
    message_init(&head, &b->arena);
    head.status = a->http_status;
    head.content_length = -1;
    if (a->type)
        headers_add_id(&head.headers, HEADER_CONTENT_TYPE, slice_from_cstr(a->type));
    headers_init(&trailers, &b->arena);
    if (a->grpc_status)
        headers_add_id(&trailers, HEADER_GRPC_STATUS, slice_from_cstr(a->grpc_status));
    if (a->message)
        headers_add_id(&trailers, HEADER_GRPC_MESSAGE, slice_from_cstr(a->message));
    buf_init(&body);
    buf_append_slice(&body, a->body);
    http_stream_send_head(&b->request, &head, false);
    http_stream_send_body(&b->request, &body, false);
    http_stream_send_trailers(&b->request, &trailers);
    assert_true(loop_sim_turn(b->loop));
}

#define GRPC "application/grpc"

/* Only what is one whole message with the status OK is an answer. */
static void test_odd_answers(void **state)
{
    static const struct odd_answer cases[] = {
        {200, GRPC, "0", NULL, {"\0\0\0\0\2ok", 7}, GRPC_OK, ""},
        {200, GRPC "+proto", "0", NULL, {"\0\0\0\0\2ok", 7}, GRPC_OK, ""},
        {200, GRPC, "0", NULL, {"\0\0\0\0\0", 5}, GRPC_OK, ""},
        {200, GRPC, "7", "not%20you", {"", 0}, GRPC_PERMISSION_DENIED, "not you"},
        {200, GRPC, "7", NULL, {"\0\0\0\0\2ok", 7}, GRPC_PERMISSION_DENIED, ""},
        {200, GRPC, "99", NULL, {"", 0}, GRPC_UNKNOWN, ""},
        {200, GRPC, NULL, NULL, {"\0\0\0\0\2ok", 7}, GRPC_UNKNOWN, "no gRPC service"},
        {200, "text/html", "0", NULL, {"\0\0\0\0\2ok", 7}, GRPC_UNKNOWN, "HTTP status 200"},
        {200, NULL, "0", NULL, {"\0\0\0\0\2ok", 7}, GRPC_UNKNOWN, "HTTP status 200"},
        {503, GRPC, "0", NULL, {"\0\0\0\0\2ok", 7}, GRPC_UNAVAILABLE, "HTTP status 503"},
        {403, "text/html", NULL, NULL, {"no", 2}, GRPC_PERMISSION_DENIED, "HTTP status 403"},
        {200, GRPC, "0", NULL, {"", 0}, GRPC_INTERNAL, "exactly one message"},
        {200, GRPC, "0", NULL, {"\0\0\0\0\3ok", 7}, GRPC_INTERNAL, "exactly one message"},
        {200, GRPC, "0", NULL, {"\0\0\0\0\1ok", 7}, GRPC_INTERNAL, "exactly one message"},
        {200, GRPC, "0", NULL, {"\1\0\0\0\2ok", 7}, GRPC_INTERNAL, "exactly one message"},
        {200, GRPC, "0", NULL, {"\0\0\0\0\x10" "0123456789abcdef", 21}, GRPC_OK, ""},
        {200, GRPC, "0", NULL, {"\0\0\0\0\x11" "0123456789abcdefg", 22}, GRPC_RESOURCE_EXHAUSTED,
         "the answer is too large"},
        {200, GRPC, "0", NULL, {"\0\0\0\0\x11" "01234567", 13}, GRPC_RESOURCE_EXHAUSTED,
         "exactly one message"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bed b;
        struct grpc_client_config config = {.server_name = SLICE("name"), .max_response = 16};
        struct grpc_client *c = open_bed(&b, &config, true);
        answer(&b, &cases[i]);
        assert_int_equal(b.done, 1);
        if (b.status != cases[i].status || !strstr(b.text, cases[i].text))
            fail_msg("%zu: %s \"%s\"", i, grpc_status_name(b.status), b.text);
        if (b.status == GRPC_OK)
            assert_int_equal(strlen(b.response), cases[i].body.len - 5);
        close_bed(&b, c);
    }
}

static void on_stream_message(void *owner, struct slice message)
{
    struct bed *b = owner;
    snprintf(b->response, sizeof(b->response), "%.*s", SLICE_ARG(message));
}

static void on_stream_closed(void *owner, enum grpc_status status, struct slice text)
{
    struct bed *b = owner;
    b->done++;
    b->status = status;
    snprintf(b->text, sizeof(b->text), "%.*s", SLICE_ARG(text));
}

/* Of a stream every whole message counts, and why it ended is told once. */
static void test_odd_streams(void **state)
{
    static const struct grpc_stream_events stream_events = {.on_message = on_stream_message,
                                                            .on_closed = on_stream_closed};
    static const struct odd_answer cases[] = {
        {200, GRPC, "0", NULL, {"\0\0\0\0\2ok", 7}, GRPC_OK, ""},
        {200, GRPC, "14", "go%20away", {"\0\0\0\0\2ok", 7}, GRPC_UNAVAILABLE, "go away"},
        {200, GRPC, NULL, NULL, {"\0\0\0\0\2ok", 7}, GRPC_UNKNOWN, "without a status"},
        {200, GRPC, "0", NULL, {"\0\0\0\0\2ok\0\0", 9}, GRPC_INTERNAL, "cut short"},
        {503, "text/html", NULL, NULL, {"busy", 4}, GRPC_UNAVAILABLE, "HTTP status 503"},
        {200, "text/html", "0", NULL, {"hello", 5}, GRPC_UNKNOWN, "no gRPC service"},
        {200, GRPC, "0", NULL, {"\1\0\0\0\2ok", 7}, GRPC_UNIMPLEMENTED, "compressed"},
        {200, GRPC, "0", NULL, {"\0\0\0\0\x11" "01234567", 13}, GRPC_RESOURCE_EXHAUSTED, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bed b = {.loop = loop_sim_create(1000), .answers = true};
        struct grpc_client_config config = {
            .server_name = SLICE("name"), .max_response = 16, .dial = dial, .dial_owner = &b};
        arena_init(&b.arena, 1024);
        struct grpc_client *c = grpc_client_create(b.loop, &config);
        struct grpc_stream *s =
            grpc_client_open_stream(c, "/test.Test/Stream", NULL, 0, &stream_events, &b);
        grpc_stream_send(s, "x", 1);
        assert_true(loop_sim_turn(b.loop));
        answer(&b, &cases[i]);
        assert_int_equal(b.done, 1);
        if (b.status != cases[i].status || !strstr(b.text, cases[i].text))
            fail_msg("%zu: %s \"%s\"", i, grpc_status_name(b.status), b.text);
        if (cases[i].body.ptr[4] == 2 && cases[i].body.ptr[0] == 0)
            assert_string_equal(b.response, "ok");
        close_bed(&b, c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_silent_server),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_odd_answers),
        cmocka_unit_test(test_odd_streams),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
