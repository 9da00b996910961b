/* Questions to the app in the own pod: what it says is told, where it listens is found, and nothing
 * it does or leaves undone holds the asker up.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app_call.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "tests/sim/sim.h"

#define LOOPBACK "127.0.0.1:8080"
#define POD "10.0.9.1:8080"

/* An asker, and what it was told. */
struct world {
    struct sim sim;
    struct app_call_place place;
    struct app_question question;
    struct list calls;
    unsigned answers, status;
    bool is_cut;
    char body[64], detail[128], content_type[64];
};

static void on_answer(void *owner, struct app_answer *a)
{
    struct world *w = owner;
    size_t len = a->body->len < sizeof(w->body) - 1 ? a->body->len : sizeof(w->body) - 1;
    w->answers++;
    w->status = a->status;
    w->is_cut = a->is_cut;
    buf_copy_out(a->body, w->body, len);
    w->body[len] = 0;
    snprintf(w->detail, sizeof(w->detail), "%s", a->detail);
    snprintf(w->content_type, sizeof(w->content_type), "%.*s", SLICE_ARG(a->content_type));
}

static void open_world(struct world *w, enum app_call_kind kind)
{
    *w = (struct world){0};
    sim_open(&w->sim);
    list_init(&w->calls);
    w->place = (struct app_call_place){.loop = w->sim.loop, .is_redirected = true};
    assert_int_equal(addr_parse(SLICE("10.0.9.1"), &w->place.pod_ip), ERR_OK);
    w->question = (struct app_question){
        .kind = kind, .port = 8080, .timeout_ms = 1000, .path = SLICE("/live?x=1"), .body_max = 20};
}

static void ask(struct world *w)
{
    app_call_open(&w->place, &w->question, &w->calls, on_answer, w);
    assert_int_equal(w->answers, 0);
    sim_turn(&w->sim);
}

static void close_world(struct world *w)
{
    assert_int_equal(w->answers, 1);
    assert_true(list_is_empty(&w->calls));
    sim_close(&w->sim);
}

/* ---- HTTP ---- */

static void http_answers(void **state)
{
    static const struct {
        const char *answer;
        unsigned status;
        const char *body;
        bool is_cut;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 200, "ok", false},
        {"HTTP/1.1 500 Oops\r\ncontent-type: text/x\r\ncontent-length: 3\r\n\r\nbad", 500, "bad",
         false},
        {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", false},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", 404,
         "", false},
        {"HTTP/1.1 200 OK\r\ncontent-length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz", 200,
         "abcdefghijklmnopqrst", true},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, "ok",
         false},
        {"HTTP/1.1 302 Found\r\nlocation: http://example.org/\r\ncontent-length: 0\r\n\r\n", 302,
         "", false},
        {"HTTP/1.1 304 Not Modified\r\n\r\n", 304, "", false},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w;
        struct sim_app app;
        open_world(&w, APP_CALL_HTTP);
        sim_app_open(&app, LOOPBACK);
        ask(&w);
        struct sim_peer *at = sim_app_accept(&app);
        assert_non_null(at);
        sim_peer_expect(at, "GET /live?x=1 HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n\r\n");
        sim_peer_send(at, cases[i].answer);
        sim_turn(&w.sim);
        assert_int_equal(w.status, cases[i].status);
        assert_string_equal(w.body, cases[i].body);
        assert_int_equal(w.is_cut, cases[i].is_cut);
        assert_true(sim_peer_is_over(at));
        sim_app_close(&app);
        close_world(&w);
    }
}

static void http_headers(void **state)
{
    static const struct app_call_header headers[] = {{{"x-probe", 7}, {"yes", 3}}};
    struct world w;
    struct sim_app app;
    open_world(&w, APP_CALL_HTTP);
    w.question.host = SLICE("shop.example.org");
    w.question.headers = headers;
    w.question.header_count = 1;
    sim_app_open(&app, LOOPBACK);
    ask(&w);
    struct sim_peer *at = sim_app_accept(&app);
    sim_peer_expect(at, "GET /live?x=1 HTTP/1.1\r\nhost: shop.example.org\r\nx-probe: yes\r\n\r\n");
    sim_peer_send(at, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    sim_turn(&w.sim);
    sim_app_close(&app);
    close_world(&w);
}

/* It listens at the pod's own address only; what is sent there is marked as the sidecar's. */
static void at_the_pods_address(void **state)
{
    for (unsigned is_redirected = 0; is_redirected < 2; is_redirected++) {
        struct world w;
        struct sim_app app;
        open_world(&w, APP_CALL_HTTP);
        w.place.is_redirected = is_redirected;
        sim_app_open(&app, POD);
        app.host.behind_proxy = is_redirected;
        ask(&w);
        struct sim_peer *at = sim_app_accept(&app);
        assert_non_null(at);
        sim_peer_expect_part(at, "GET /live?x=1 HTTP/1.1\r\nhost: 10.0.9.1:8080\r\n", NULL);
        sim_peer_send(at, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        sim_turn(&w.sim);
        assert_int_equal(w.status, 200);
        sim_app_close(&app);
        close_world(&w);
    }
}

static void nobody_listens(void **state)
{
    static const enum app_call_kind kinds[] = {APP_CALL_HTTP, APP_CALL_TCP, APP_CALL_GRPC};
    for (unsigned i = 0; i < 3; i++) {
        struct world w;
        open_world(&w, kinds[i]);
        ask(&w);
        assert_int_equal(w.status, 0);
        assert_non_null(strstr(w.detail, "refused"));
        close_world(&w);
    }
}

/* A redirect that stays with the app is followed; for ever, it is not. */
static void redirects(void **state)
{
    for (unsigned hops = 1; hops < 14; hops += 6) {
        struct world w;
        struct sim_app app;
        open_world(&w, APP_CALL_HTTP);
        sim_app_open(&app, LOOPBACK);
        ask(&w);
        for (unsigned i = 0; i < hops && !w.answers; i++) {
            struct sim_peer *at = sim_app_accept(&app);
            assert_non_null(at);
            sim_peer_expect_part(at, i ? "GET /next HTTP/1.1\r\n" : "GET /live?x=1 ", NULL);
            sim_peer_send(at, "HTTP/1.1 307 Temporary Redirect\r\nlocation: /next\r\n"
                              "content-length: 0\r\n\r\n");
            sim_turn(&w.sim);
        }
        struct sim_peer *last = sim_app_accept(&app);
        assert_int_equal(last != NULL, hops < 11);
        if (last)
            sim_peer_send(last, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        sim_turn(&w.sim);
        assert_int_equal(w.status, last ? 200 : 307);
        sim_app_close(&app);
        close_world(&w);
    }
}

/* Every status that sends a client on does, and no other with a location. */
static void which_statuses_send_on(void **state)
{
    static const unsigned statuses[] = {200, 201, 300, 301, 302, 303, 304,
                                        305, 306, 307, 308, 309, 404};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        unsigned status = statuses[i];
        bool sends = (status >= 301 && status <= 303) || status == 307 || status == 308;
        struct world w;
        struct sim_app app;
        char answer[200];
        open_world(&w, APP_CALL_HTTP);
        sim_app_open(&app, LOOPBACK);
        ask(&w);
        struct sim_peer *at = sim_app_accept(&app);
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 %u What\r\nlocation: /next\r\ncontent-length: 0\r\n\r\n", status);
        sim_peer_send(at, answer);
        sim_turn(&w.sim);
        struct sim_peer *next = sim_app_accept(&app);
        if ((next != NULL) != sends)
            fail_msg("%u", status);
        if (next)
            sim_peer_send(next, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        sim_turn(&w.sim);
        assert_int_equal(w.status, sends ? 200 : status);
        sim_app_close(&app);
        close_world(&w);
    }
}

/* Ends that are no answer. */
static void broken_off(void **state)
{
    static const char *const parts[] = {"", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel",
                                        "SSH-2.0-x\r\n"};
    for (unsigned i = 0; i < 3; i++) {
        struct world w;
        struct sim_app app;
        open_world(&w, APP_CALL_HTTP);
        sim_app_open(&app, LOOPBACK);
        ask(&w);
        struct sim_peer *at = sim_app_accept(&app);
        sim_peer_send(at, parts[i]);
        sim_peer_close(at);
        sim_turn(&w.sim);
        assert_int_equal(w.status, 0);
        assert_true(strlen(w.detail) > 0);
        sim_app_close(&app);
        close_world(&w);
    }
}

/* However far it has come when the time is over. */
static void too_slow(void **state)
{
    static const char *const parts[] = {NULL, "",
                                        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel"};
    for (unsigned i = 0; i < 3; i++) {
        struct world w;
        struct sim_app app;
        open_world(&w, APP_CALL_HTTP);
        sim_app_open(&app, LOOPBACK);
        app.host.answer = parts[i] ? SIM_ACCEPT : SIM_SILENT;
        ask(&w);
        if (parts[i])
            sim_peer_send(sim_app_accept(&app), parts[i]);
        sim_advance(&w.sim, 990);
        assert_int_equal(w.answers, 0);
        sim_advance(&w.sim, 1100);
        assert_int_equal(w.status, 0);
        assert_string_equal(w.detail, "no answer within 1000 ms");
        sim_app_close(&app);
        close_world(&w);
    }
}

/* The kubelet does not ask who an app's certificate is from either. */
static void https(void **state)
{
    struct world w;
    struct sim_app app;
    open_world(&w, APP_CALL_HTTP);
    w.question.is_tls = true;
    sim_app_open(&app, LOOPBACK);
    app.tls = sim_tls_server("nobody:anything", NULL);
    ask(&w);
    struct sim_peer *at = sim_app_accept(&app);
    assert_non_null(at);
    sim_peer_expect_part(at, "GET /live?x=1 HTTP/1.1\r\n", NULL);
    sim_peer_send(at, "HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n");
    sim_turn(&w.sim);
    assert_int_equal(w.status, 503);
    sim_app_close(&app);
    tls_ctx_unref(app.tls);
    close_world(&w);
}

/* ---- TCP ---- */

static void tcp(void **state)
{
    static const char *const places[] = {LOOPBACK, POD};
    for (unsigned i = 0; i < 2; i++) {
        struct world w;
        struct sim_app app;
        open_world(&w, APP_CALL_TCP);
        sim_app_open(&app, places[i]);
        app.host.behind_proxy = i == 1;
        ask(&w);
        assert_int_equal(w.status, 200);
        assert_int_equal(app.connections, 1);
        assert_true(sim_peer_is_over(sim_app_accept(&app)));
        sim_app_close(&app);
        close_world(&w);
    }
}

/* ---- gRPC ---- */

/* message: the answer's, with its prefix; NULL: only this grpc-status. */
static void grpc_case(const char *message, size_t len, const char *grpc_status, unsigned status,
                      const char *detail)
{
    struct world w;
    struct sim_server server;
    struct headers trailers;
    struct buf body;
    open_world(&w, APP_CALL_GRPC);
    w.question.service = SLICE("shop");
    w.place.pod_ip.family = 0;
    sim_server_open(&server, w.sim.loop, LOOPBACK, HTTP_PROTOCOL_2);
    server.manual = true;
    ask(&w);
    struct sim_call *call = sim_server_call(&server, 0);
    assert_non_null(call);
    assert_true(slice_eq_cstr(call->head->path, "/grpc.health.v1.Health/Check"));
    assert_memory_equal(call->body.ptr, "\0\0\0\0\x06\x0a\x04shop", 11);
    struct message *head = arena_zalloc(&call->arena, sizeof(*head));
    message_init(head, &call->arena);
    head->version = HTTP_2;
    head->status = 200;
    head->content_length = -1;
    headers_add(&head->headers, SLICE("content-type"), SLICE("application/grpc"));
    http_stream_send_head(&call->st, head, false);
    buf_init(&body);
    buf_append(&body, message, len);
    http_stream_send_body(&call->st, &body, false);
    headers_init(&trailers, &call->arena);
    headers_add(&trailers, SLICE("grpc-status"), slice_from_cstr(grpc_status));
    http_stream_send_trailers(&call->st, &trailers);
    sim_turn(&w.sim);
    assert_int_equal(w.status, status);
    if (!strstr(w.detail, detail))
        fail_msg("\"%s\" does not say \"%s\"", w.detail, detail);
    sim_server_close(&server);
    close_world(&w);
}

static void grpc(void **state)
{
    grpc_case("\0\0\0\0\x02\x08\x01", 7, "0", 200, "SERVING");
    grpc_case("\0\0\0\0\x02\x08\x02", 7, "0", 503, "NOT_SERVING");
    grpc_case("\0\0\0\0\0", 5, "0", 503, "UNKNOWN");
    grpc_case("", 0, "5", 503, "NOT_FOUND");
    grpc_case("", 0, "12", 503, "UNIMPLEMENTED");
}

/* ---- nobody wants to know any more ---- */

static void cancelled(void **state)
{
    static const enum app_call_kind kinds[] = {APP_CALL_HTTP, APP_CALL_TCP, APP_CALL_GRPC};
    for (unsigned i = 0; i < 6; i++) {
        struct world w;
        struct sim_app app;
        open_world(&w, kinds[i / 2]);
        sim_app_open(&app, LOOPBACK);
        app.host.answer = i % 2 ? SIM_SILENT : SIM_ACCEPT;
        app_call_open(&w.place, &w.question, &w.calls, on_answer, &w);
        if (kinds[i / 2] != APP_CALL_TCP || i % 2)
            sim_turn(&w.sim);
        app_call_cancel_all(&w.calls);
        sim_turn(&w.sim);
        assert_int_equal(w.answers, 0);
        sim_app_close(&app);
        sim_close(&w.sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_answers),
        cmocka_unit_test(http_headers),
        cmocka_unit_test(at_the_pods_address),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(redirects),
        cmocka_unit_test(which_statuses_send_on),
        cmocka_unit_test(broken_off),
        cmocka_unit_test(too_slow),
        cmocka_unit_test(https),
        cmocka_unit_test(tcp),
        cmocka_unit_test(grpc),
        cmocka_unit_test(cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
