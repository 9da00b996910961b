/* HTTP/1.1 through one sidecar: each kind of message arrives at the other side as it was meant,
 * however its bytes are cut, and the connections go on afterwards or end as they should.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD(line) line "\r\nhost: app\r\nx-request-id: 1\r\n"

struct row {
    const char *request, *at_app;
    const char *response, *at_client;
    bool client_over; /* the sidecar closes the client's connection afterwards */
    bool app_shuts;   /* the app ends its answer by closing */
    bool app_over;    /* the sidecar closes the app's connection afterwards */
};

static const struct row rows[] = {
    {ROAD_GET, ROAD_GET, ROAD_OK, ROAD_OK, false, false, false},
    /* a body of a known length, and one of an empty one */
    {HEAD("POST /p HTTP/1.1") "content-length: 3\r\n\r\nabc",
     HEAD("POST /p HTTP/1.1") "content-length: 3\r\n\r\nabc", ROAD_OK, ROAD_OK, false, false,
     false},
    {HEAD("POST /p HTTP/1.1") "content-length: 0\r\n\r\n",
     HEAD("POST /p HTTP/1.1") "content-length: 0\r\n\r\n",
     "HTTP/1.1 201 Created\r\n"
     "content-length: 0\r\n\r\n",
     "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n", false, false, false},
    /* chunked both ways, with trailers */
    {HEAD("PUT /c HTTP/1.1") "transfer-encoding: chunked\r\n\r\n"
                             "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nx-sum: 7\r\n\r\n",
     HEAD("PUT /c HTTP/1.1") "transfer-encoding: chunked\r\n\r\n"
                             "7\r\nabcdefg\r\n0\r\nx-sum: 7\r\n\r\n",
     "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nx-t: "
     "1\r\n\r\n",
     "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n",
     false, false, false},
    /* HEAD: the length is told and nothing follows */
    {HEAD("HEAD /x HTTP/1.1") "\r\n", HEAD("HEAD /x HTTP/1.1") "\r\n",
     "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
     false, false, false},
    {ROAD_GET, ROAD_GET, "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n",
     false, false, false},
    {ROAD_GET, ROAD_GET, "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n",
     "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n", false, false, false},
    /* delimited by the app's close: our own framing takes its place */
    {ROAD_GET, ROAD_GET, "HTTP/1.1 200 OK\r\n\r\nhello",
     "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", false, true,
     true},
    /* the app wants no more requests: only its own connection ends */
    {ROAD_GET, ROAD_GET, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello",
     ROAD_OK, false, false, true},
    /* the client sends no more requests: only its own connection ends */
    {HEAD("GET /x HTTP/1.1") "connection: close\r\n\r\n", ROAD_GET, ROAD_OK,
     "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello", true, false, false},
    /* interim answers */
    {ROAD_GET, ROAD_GET, "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" ROAD_OK,
     "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" ROAD_OK, false, false, false},
    /* switches that a proxy may ignore are not asked for */
    {HEAD("GET /x HTTP/1.1") "connection: upgrade\r\nupgrade: h2c\r\n\r\n", ROAD_GET, ROAD_OK,
     ROAD_OK, false, false, false},
    {HEAD("GET /x HTTP/1.1") "connection: upgrade\r\nupgrade: TLS/1.2\r\n\r\n", ROAD_GET, ROAD_OK,
     ROAD_OK, false, false, false},
    /* a switch that the app declines */
    {HEAD("GET /x HTTP/1.1") "connection: upgrade\r\nupgrade: websocket\r\n\r\n",
     HEAD("GET /x HTTP/1.1") "connection: upgrade\r\nupgrade: websocket\r\n\r\n", ROAD_OK, ROAD_OK,
     false, false, true},
};

/* Chunks may be cut anew on the way: all of a message's become one. In place. */
static void join_chunks(struct sim_text *t)
{
    static const char mark[] = "transfer-encoding: chunked\r\n";
    char *head = t->ptr ? strstr(t->ptr, mark) : NULL;
    char *at = head ? strstr(head, "\r\n\r\n") : NULL;
    if (!at)
        return;
    struct sim_text joined = {0}, body = {0};
    char size[32];
    sim_text_add(&joined, t->ptr, (size_t)(at + 4 - t->ptr));
    for (at += 4; *at;) {
        size_t len = (size_t)strtoul(at, &at, 16);
        at = strstr(at, "\r\n");
        if (!at || len == 0)
            break;
        sim_text_add(&body, at + 2, len);
        at += 2 + len + 2;
    }
    if (body.len)
        snprintf(size, sizeof(size), "%zx\r\n", body.len);
    sim_text_add(&joined, size, body.len ? strlen(size) : 0);
    sim_text_add(&joined, sim_text_get(&body), body.len);
    sim_text_add(&joined, "\r\n0", body.len ? 3 : 1);
    if (at)
        sim_text_add(&joined, at, strlen(at));
    sim_text_dispose(&body);
    sim_text_dispose(t);
    *t = joined;
}

static void send_cut(struct sim_road *r, struct sim_peer *p, const char *text, size_t cut)
{
    size_t len = strlen(text);
    cut = cut < len ? cut : len;
    if (cut)
        sim_peer_send_bytes(p, text, cut);
    sim_turn(&r->sim);
    if (len > cut)
        sim_peer_send_bytes(p, text + cut, len - cut);
    sim_turn(&r->sim);
}

static void expect(struct sim_peer *p, const char *text)
{
    join_chunks(&p->in);
    sim_peer_expect(p, text);
}

/* One row on a road that is there already; ends with both sides idle. */
static void walk(struct sim_road *r, const struct row *row, size_t request_cut, size_t response_cut)
{
    struct sim_peer *client = sim_road_client(r);
    send_cut(r, client, row->request, request_cut);
    struct sim_peer *app = sim_road_app(r);
    expect(app, row->at_app);
    send_cut(r, app, row->response, response_cut);
    if (row->app_shuts)
        sim_peer_shut(app);
    sim_turn(&r->sim);
    expect(client, row->at_client);
    assert_int_equal(sim_peer_is_over(client), row->client_over);
    assert_int_equal(sim_peer_is_over(app), row->app_over);
    sim_road_done(r, client);
    if (!row->app_over)
        sim_peer_close(app); /* the next row shall have its own */
    sim_turn(&r->sim);
    assert_int_equal(sim_node_cluster(&r->node, "app")->connections, 0);
}

static void each_kind(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        walk(&r, &rows[i], SIZE_MAX, SIZE_MAX);
    sim_road_close(&r);
}

static void each_request_cut_at_each_byte(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t cut = 1; cut < strlen(rows[i].request); cut++)
            walk(&r, &rows[i], cut, SIZE_MAX);
    sim_road_close(&r);
}

static void each_response_cut_at_each_byte(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t cut = 1; cut < strlen(rows[i].response); cut++)
            walk(&r, &rows[i], SIZE_MAX, cut);
    sim_road_close(&r);
}

static void each_kind_byte_by_byte(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    r.app.host.options.piece = r.node.pieces.piece = 1;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        walk(&r, &rows[i], SIZE_MAX, SIZE_MAX);
    sim_road_close(&r);
}

static void connections_are_kept(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    for (int i = 0; i < 20; i++) {
        if (i)
            sim_peer_send(client, ROAD_GET);
        sim_peer_expect(app, ROAD_GET);
        sim_peer_send(app, ROAD_OK);
        sim_peer_expect(client, ROAD_OK);
    }
    assert_int_equal(r.app.connections, 1);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(
        client,
        HEAD("GET /1 HTTP/1.1") "\r\n" HEAD("GET /2 HTTP/1.1") "\r\n" HEAD(
            "POST /3 HTTP/1.1") "content-length: 2\r\n\r\nhi" HEAD("GET /4 HTTP/1.1") "\r\n");
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_expect(app, HEAD("GET /1 HTTP/1.1") "\r\n");
    sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1");
    sim_peer_expect(app, HEAD("GET /2 HTTP/1.1") "\r\n");
    sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n2");
    sim_peer_expect(app, HEAD("POST /3 HTTP/1.1") "content-length: 2\r\n\r\nhi");
    sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n3");
    sim_peer_expect(app, HEAD("GET /4 HTTP/1.1") "\r\n");
    sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n4");
    sim_peer_expect(client, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1"
                            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n2"
                            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n3"
                            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n4");
    assert_int_equal(r.app.connections, 1);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void expect_continue(void **state)
{
    static const char head[] =
        HEAD("POST /x HTTP/1.1") "expect: 100-continue\r\ncontent-length: 3\r\n\r\n";
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, head);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_expect(app, head);
    sim_peer_expect(client, "");
    sim_peer_send(app, "HTTP/1.1 100 Continue\r\n\r\n");
    sim_peer_expect(client, "HTTP/1.1 100 Continue\r\n\r\n");
    sim_peer_send(client, "abc");
    sim_peer_expect(app, "abc");
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    assert_false(sim_peer_is_over(client));
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* The app does not want the body that was announced; nobody knows whether the client sends it, so
 * neither connection can go on. */
static void expectation_refused(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client,
                  HEAD("POST /x HTTP/1.1") "expect: 100-continue\r\ncontent-length: 3\r\n\r\n");
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, "HTTP/1.1 417 Expectation Failed\r\ncontent-length: 2\r\n\r\nno");
    sim_peer_expect(client, "HTTP/1.1 417 Expectation Failed\r\ncontent-length: 2\r\n"
                            "connection: close\r\n\r\nno");
    assert_true(sim_peer_is_over(client));
    assert_true(sim_peer_is_over(app));
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void http_1_0(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, HEAD("GET /x HTTP/1.0") "\r\n");
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_expect_part(app, "GET /x HTTP/1.0\r\n", "connection: keep-alive\r\n");
    sim_peer_send(app,
                  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    sim_peer_expect(client, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello");
    assert_true(client->eof);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void request_id_is_made(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, "GET / HTTP/1.1\r\nhost: app\r\n\r\n");
    struct sim_peer *app = sim_road_app(&r);
    const char *id = strstr(sim_peer_got(app), "x-request-id: ");
    assert_non_null(id);
    assert_int_equal(strcspn(id + 14, "\r"), 36);
    assert_int_equal(id[14 + 14], '4');
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* What only sidecars may say to each other is taken out of what others say. */
static void control_headers_are_stripped(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, HEAD("GET /x HTTP/1.1") "x-weft-source: root/root\r\n"
                                                  "x-weft-http-version: 2\r\nx-weft-attempt: 9\r\n"
                                                  "x-forwarded-client-cert: Hash=0\r\n\r\n");
    sim_peer_expect(sim_road_app(&r), ROAD_GET);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static const char websocket[] =
    HEAD("GET /ws HTTP/1.1") "connection: upgrade\r\nupgrade: websocket\r\n\r\n";
static const char switched[] =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";

/* After the switch bytes go both ways untouched, and each direction ends by itself. */
static void upgrade(void **state)
{
    for (size_t cut = 1; cut < sizeof(switched) + 4; cut++) {
        for (int client_first = 0; client_first < 2; client_first++) {
            struct sim_road r;
            sim_road_open(&r);
            struct sim_peer *client = sim_road_client(&r);
            sim_peer_send(client, websocket);
            struct sim_peer *app = sim_road_app(&r);
            sim_peer_expect(app, websocket);
            char answer[sizeof(switched) + 8];
            snprintf(answer, sizeof(answer), "%sping", switched);
            send_cut(&r, app, answer, cut);
            sim_peer_expect(client, answer);
            sim_peer_send(client, "pong");
            sim_peer_expect(app, "pong");
            struct sim_peer *first = client_first ? client : app,
                            *last = client_first ? app : client;
            sim_peer_shut(first);
            sim_turn(&r.sim);
            assert_true(last->eof);
            assert_false(sim_peer_is_over(first));
            sim_peer_send(last, "more");
            sim_peer_expect(first, "more");
            assert_int_equal(r.node.worker.exchange_count, 1);
            sim_peer_send(last, "end");
            sim_peer_shut(last);
            sim_peer_expect(first, "end");
            assert_true(first->eof);
            assert_int_equal(r.node.worker.exchange_count, 0);
            assert_int_equal(sim_report.status, 101);
            assert_int_equal(sim_report.fail, FAIL_NONE);
            sim_road_done(&r, client);
            sim_road_close(&r);
        }
    }
}

/* What was sent before the end arrives before the end, however late it is read. */
static void upgraded_connection_ends_slowly(void **state)
{
    enum { SIZE = 300000 };
    static char data[SIZE];
    struct sim_road r;
    sim_road_open(&r);
    r.app.host.options.capacity = 1000;
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, websocket);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_forget(app);
    sim_peer_send(app, switched);
    sim_peer_shut(app);
    sim_turn(&r.sim);
    sim_peer_read(app, false);
    memset(data, 'x', SIZE);
    sim_peer_send_bytes(client, data, SIZE);
    sim_peer_shut(client);
    sim_turn(&r.sim);
    sim_peer_read(app, true);
    sim_turn(&r.sim);
    assert_int_equal(app->in.len, SIZE);
    assert_true(app->eof);
    assert_int_equal(r.node.worker.exchange_count, 0);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind),
        cmocka_unit_test(each_request_cut_at_each_byte),
        cmocka_unit_test(each_response_cut_at_each_byte),
        cmocka_unit_test(each_kind_byte_by_byte),
        cmocka_unit_test(connections_are_kept),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(expect_continue),
        cmocka_unit_test(expectation_refused),
        cmocka_unit_test(http_1_0),
        cmocka_unit_test(request_id_is_made),
        cmocka_unit_test(upgrade),
        cmocka_unit_test(upgraded_connection_ends_slowly),
        cmocka_unit_test(control_headers_are_stripped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
