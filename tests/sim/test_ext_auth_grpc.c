/* External authorization by gRPC: what the authorizer is shown, and what becomes of a request for
 * each thing that it may answer.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/ext_auth_wire.h"

static void grpc_is_shown(void **state)
{
    struct world w;
    struct sim_peer *client =
        open_world(&w, "{" GRPC ",\"contextExtensions\":{\"tenant\":\"shop\"}}");
    sim_peer_send(client, "GET /a?b=c HTTP/1.1\r\nhost: shop.test\r\nx-request-id: 7\r\n"
                          "cookie: a=1\r\ncookie: b=2\r\nx-many: 1\r\nx-many: 2\r\n"
                          "x-odd: \xff\xc3\xa9\r\n\r\n");
    struct sim_call *call = next_call(&w);
    SAYS(call->head->path, "/envoy.service.auth.v3.Authorization/Check");
    assert_string_equal(sim_call_header(call, "content-type"), "application/grpc");
    assert_string_equal(sim_call_header(call, "te"), "trailers");
    assert_string_equal(sim_call_header(call, "grpc-timeout"), "200m");
    struct slice a = asked_of(call), http = take(take(a, REQUEST), HTTP_PART);
    SAYS(take(http, 1), "7");
    SAYS(take(http, 2), "GET");
    SAYS(take(http, 4), "/a?b=c");
    SAYS(take(http, 5), "shop.test");
    SAYS(take(http, 6), "http");
    SAYS(take(http, 10), "HTTP/1.1");
    SAYS(look_up(http, 3, ":path"), "/a?b=c");
    SAYS(look_up(http, 3, ":method"), "GET");
    SAYS(look_up(http, 3, ":authority"), "shop.test");
    SAYS(look_up(http, 3, "cookie"), "a=1; b=2");
    SAYS(look_up(http, 3, "x-many"), "1,2");
    SAYS(look_up(http, 3, "x-odd"), "!\xc3\xa9");
    assert_null(look_up(http, 3, "x-envoy-auth-partial-body").ptr);
    SAYS(look_up(a, CONTEXT, "tenant"), "shop");
    uint64_t port;
    struct slice from = take(take(take(a, SOURCE), 1), 1);
    struct slice to = take(take(take(a, DESTINATION), 1), 1);
    assert_true(take(from, 2).len > 0);
    SAYS(take(to, 2), "10.96.0.1");
    take_nth(to, 3, 0, &port);
    assert_int_equal(port, 80);
    struct bytes yes = response(0, NULL, NULL);
    answer(call, &yes, "0");
    expect_app(&w, client, "x-many: 2\r\n", NULL);
    finish(&w, client);
}

static void grpc_is_shown_a_choice(void **state)
{
    struct world w;
    struct sim_peer *client = open_world(
        &w, "{" GRPC ",\"allowedHeaders\":[\"X-Tenant\"],\"body\":{\"maxBytes\":9}}");
    sim_peer_send(client, POST("x-tenant: a\r\ncookie: s\r\nx-envoy-auth-partial-body: true\r\n"
                               "content-length: 5\r\n") "he\xffll");
    struct sim_call *call = next_call(&w);
    struct slice http = take(take(asked_of(call), REQUEST), HTTP_PART);
    SAYS(look_up(http, 3, "x-tenant"), "a");
    SAYS(look_up(http, 3, "x-envoy-auth-partial-body"), "false");
    assert_null(look_up(http, 3, "cookie").ptr);
    assert_null(look_up(http, 3, ":path").ptr);
    assert_int_equal(take(http, 11).len, 0); /* it is no text */
    SAYS(take(http, 12), "he\xffll");
    struct bytes yes = response(0, NULL, NULL);
    answer(call, &yes, "0");
    expect_app(&w, client, "he\xffll", NULL);
    finish(&w, client);
}

static void grpc_changes_the_request(void **state)
{
    struct world w;
    struct bytes ok = {.len = 0}, query = {.len = 0};
    struct sim_peer *client = open_world(&w, "{" GRPC "}");
    sim_peer_send(client,
                  "GET /a?keep=1&to%6ben=x&lang=de HTTP/1.1\r\nhost: app\r\nx-user: root\r\n"
                  "x.user: root\r\nx-list: 1\r\nx-secret: s\r\nx_secret: s\r\nx-there: 1\r\n\r\n");
    struct sim_call *call = next_call(&w);
    add_header(&ok, 2, "X-User", "ann", NOT_SAID, 0);
    add_header(&ok, 2, "x-list", "2", 1, 0);
    add_header(&ok, 2, "x-new", "n", 1, 0);
    add_header(&ok, 2, "x-there", "2", NOT_SAID, 1);
    add_header(&ok, 2, "x-absent", "2", NOT_SAID, 3);
    add_header(&ok, 6, "set-cookie", "s=1", NOT_SAID, 0);
    add_header(&ok, 6, "set-cookie", "t=2", 1, 0);
    put_text(&ok, 5, "x-secret");
    put_text(&query, 1, "lang");
    put_text(&query, 2, "en &");
    put(&ok, 7, &query);
    put_text(&ok, 8, "token");
    struct bytes yes = response(0, NULL, &ok);
    answer(call, &yes, "0");
    struct sim_peer *app = sim_road_app(&w.r);
    const char *got = sim_peer_got(app);
    assert_non_null(strstr(got, "GET /a?keep=1&lang=en%20%26 HTTP/1.1\r\n"));
    assert_non_null(strstr(got, "x-user: ann\r\n"));
    assert_null(strstr(got, "root"));
    assert_non_null(strstr(got, "x-list: 1\r\n"));
    assert_non_null(strstr(got, "x-list: 2\r\n"));
    assert_non_null(strstr(got, "x-new: n\r\n"));
    assert_non_null(strstr(got, "x-there: 1\r\n"));
    assert_null(strstr(got, "x-there: 2\r\n"));
    assert_null(strstr(got, "x-absent"));
    assert_null(strstr(got, "secret"));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect_part(client, "HTTP/1.1 200 OK\r\n", "set-cookie: s=1\r\nset-cookie: t=2\r\n");
    finish(&w, client);
}

static void grpc_denies(void **state)
{
    struct world w;
    struct bytes denied = {.len = 0}, status = {.len = 0};
    struct sim_peer *client = open_world(&w, "{" GRPC "}");
    sim_peer_send(client, ROAD_GET);
    put_number(&status, 1, 401);
    put(&denied, 1, &status);
    add_header(&denied, 2, "WWW-Authenticate", "Bearer", NOT_SAID, 0);
    put_text(&denied, 3, "who are you?");
    struct bytes no = response(16, &denied, NULL);
    answer(next_call(&w), &no, "0");
    sim_turn(&w.r.sim);
    assert_non_null(strstr(sim_peer_got(client), "www-authenticate: Bearer\r\n"));
    expect_refused(&w, client, "HTTP/1.1 401 ", "\r\n\r\nwho are you?");
    finish(&w, client);
}

/* Whatever does not say twice that it may go on. */
static void grpc_denies_without_words(void **state)
{
    struct bytes empty = {.len = 0}, ok = {.len = 0};
    const struct bytes answers[] = {
        response(7, NULL, NULL),
        response(7, NULL, &ok), /* the code counts */
        response(0, &empty, NULL),
    };
    for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct world w;
        struct sim_peer *client = open_world(&w, "{" GRPC ",\"failOpen\":true}");
        sim_peer_send(client, ROAD_GET);
        answer(next_call(&w), &answers[i], "0");
        expect_refused(&w, client, "HTTP/1.1 403 ", NULL);
        finish(&w, client);
    }
}

/* A status that cannot be sent to a client as an answer. */
static void grpc_denies_with_a_strange_status(void **state)
{
    static const unsigned codes[] = {0, 100, 101, 199, 600, 70000};
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct world w;
        struct bytes denied = {.len = 0}, status = {.len = 0};
        struct sim_peer *client = open_world(&w, "{" GRPC "}");
        sim_peer_send(client, ROAD_GET);
        put_number(&status, 1, codes[i]);
        put(&denied, 1, &status);
        struct bytes no = response(7, &denied, NULL);
        answer(next_call(&w), &no, "0");
        expect_refused(&w, client, "HTTP/1.1 403 ", NULL);
        finish(&w, client);
    }
}

/* An answer that asks for what it may not is none. */
static void grpc_asks_too_much(void **state)
{
    static const struct {
        unsigned field;
        const char *name, *value;
    } rows[] = {
        {2, ":path", "/admin"},      {2, "host", "evil"},       {2, "Content-Length", "3"},
        {2, "x-weft-client", "a"},   {2, "x-user", "a\r\nb: c"}, {2, "x user", "a"},
        {2, "", "a"},                {5, ":method", NULL},      {5, "host", NULL},
        {5, "content-length", NULL}, {6, "transfer-encoding", "chunked"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world w;
        struct bytes ok = {.len = 0};
        struct sim_peer *client = open_world(&w, "{" GRPC "}");
        sim_peer_send(client, ROAD_GET);
        if (rows[i].value)
            add_header(&ok, rows[i].field, rows[i].name, rows[i].value, NOT_SAID, 0);
        else
            put_text(&ok, rows[i].field, rows[i].name);
        struct bytes yes = response(0, NULL, &ok);
        answer(next_call(&w), &yes, "0");
        expect_refused(&w, client, "HTTP/1.1 403 ", "x-weft-reason: ext_auth_error\r\n");
        finish(&w, client);
    }
}

static void grpc_may_set_what_is_listed(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct world w;
        struct bytes ok = {.len = 0};
        struct sim_peer *client =
            open_world(&w, "{" GRPC ",\"headersToBackend\":[\"x-user\",\"x-role\"]}");
        sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: app\r\nx-role: root\r\n\r\n");
        add_header(&ok, 2, i ? "x-other" : "x-user", "ann", NOT_SAID, 0);
        struct bytes yes = response(0, NULL, &ok);
        answer(next_call(&w), &yes, "0");
        if (i)
            expect_refused(&w, client, "HTTP/1.1 403 ", "x-other");
        else
            expect_app(&w, client, "x-user: ann\r\n", "x-role");
        finish(&w, client);
    }
}

static void grpc_fails(void **state)
{
    #define FRAME(literal) {literal, sizeof(literal) - 1}
    static const struct slice frames[] = {
        FRAME(""),                         /* no message */
        FRAME("\0\0\0\0"),             /* half a prefix */
        FRAME("\1\0\0\0\2\x0a\x00"),     /* compressed */
        FRAME("\0\0\0\0\3\x0a\x00"),     /* cut off */
        FRAME("\0\0\0\0\1\x0a\x00"),     /* more than one */
        FRAME("\0\0\0\0\3\x0a\x7f\x00"), /* no protobuf */
    };
    for (unsigned i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct world w;
        struct sim_peer *client = open_world(&w, "{" GRPC "}");
        sim_peer_send(client, ROAD_GET);
        answer_frame(next_call(&w), frames[i].ptr, frames[i].len, "0");
        expect_refused(&w, client, "HTTP/1.1 403 ", "x-weft-reason: ext_auth_error\r\n");
        finish(&w, client);
    }
}

/* The call itself failed, whatever message came. */
static void grpc_has_a_status_of_failure(void **state)
{
    static const char *const statuses[] = {"14", "12", "7", "x", "", "00", "999999999999"};
    for (unsigned i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct world w;
        struct sim_peer *client = open_world(&w, "{" GRPC "}");
        sim_peer_send(client, ROAD_GET);
        struct bytes yes = response(0, NULL, NULL);
        answer(next_call(&w), &yes, statuses[i]);
        expect_refused(&w, client, "HTTP/1.1 403 ", "x-weft-reason: ext_auth_error\r\n");
        finish(&w, client);
    }
}

static void no_grpc_at_all(void **state)
{
    struct world w;
    struct sim_peer *client = open_world(&w, "{" GRPC "}");
    sim_peer_send(client, ROAD_GET);
    sim_server_answer(next_call(&w), 404, "what?");
    expect_refused(&w, client, "HTTP/1.1 403 ", "HTTP status 404");
    finish(&w, client);
}

/* A client that speaks gRPC is told in its own way. */
static void a_call_of_grpc_is_denied(void **state)
{
    struct world w;
    struct bytes denied = {.len = 0}, status = {.len = 0};
    struct sim_peer *client = open_world(&w, "{" GRPC "}");
    sim_peer_send(client, "POST /pkg.Service/Do HTTP/1.1\r\nhost: app\r\n"
                          "content-type: application/grpc\r\ncontent-length: 0\r\n\r\n");
    put_number(&status, 1, 401);
    put(&denied, 1, &status);
    put_text(&denied, 3, "not for you");
    struct bytes no = response(16, &denied, NULL);
    answer(next_call(&w), &no, "0");
    expect_refused(&w, client, "HTTP/1.1 200 ", "grpc-status: 16\r\n");
    finish(&w, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grpc_is_shown),
        cmocka_unit_test(grpc_is_shown_a_choice),
        cmocka_unit_test(grpc_changes_the_request),
        cmocka_unit_test(grpc_denies),
        cmocka_unit_test(grpc_denies_without_words),
        cmocka_unit_test(grpc_denies_with_a_strange_status),
        cmocka_unit_test(grpc_asks_too_much),
        cmocka_unit_test(grpc_may_set_what_is_listed),
        cmocka_unit_test(grpc_fails),
        cmocka_unit_test(grpc_has_a_status_of_failure),
        cmocka_unit_test(no_grpc_at_all),
        cmocka_unit_test(a_call_of_grpc_is_denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
