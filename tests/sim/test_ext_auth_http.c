/* External authorization by HTTP: what the authorizer is shown, and what becomes of a request for
 * each thing that it may answer; and how the decision waits for a body.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/ext_auth_world.h"

#include "tests/sim/cmocka_sim.h"

/* ---- HTTP ---- */

/* Method, host and path are the client's; of its headers what is always shown, and what is allowed.
 */
static void http_is_shown(void **state)
{
    struct world w;
    struct sim_peer *client =
        open_world(&w, "{" HTTP ",\"path\":\"/check/\",\"allowedHeaders\":[\"X-Tenant\"]}");
    sim_peer_send(client, "DELETE /a/b?c=d HTTP/1.1\r\nhost: shop.test\r\nx-request-id: 1\r\n"
                          "authorization: Bearer t\r\nx-tenant: a\r\nx-tenant: b\r\n"
                          "cookie: secret\r\n\r\n");
    struct sim_peer *auth = asked(&w);
    sim_peer_expect(auth, "DELETE /check/a/b?c=d HTTP/1.1\r\nhost: shop.test\r\n"
                          "authorization: Bearer t\r\nx-tenant: a\r\nx-tenant: b\r\n"
                          "x-request-id: 1\r\ncontent-length: 0\r\n\r\n");
    assert_null(sim_app_accept(&w.r.app));
    sim_peer_send(auth, YES);
    expect_app(&w, client, "cookie: secret\r\n", NULL);
    finish(&w, client);
}

/* Only the authorizer says who the user is. */
static void http_gives_headers(void **state)
{
    struct world w;
    struct sim_peer *client =
        open_world(&w, "{" HTTP ",\"headersToBackend\":[\"X-User\",\"x-role\",\"x-gone\"]}");
    sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: app\r\nx-user: root\r\nx_user: root\r\n"
                          "x-gone: client\r\nX-Role: root\r\n\r\n");
    sim_peer_send(asked(&w), "HTTP/1.1 200 OK\r\nx-user: ann\r\nx-role: a\r\nx-role: b\r\n"
                             "x-other: no\r\ncontent-length: 2\r\n\r\nok");
    struct sim_peer *app = sim_road_app(&w.r);
    assert_non_null(strstr(sim_peer_got(app), "x-user: ann\r\nx-role: a\r\nx-role: b\r\n"));
    assert_null(strstr(sim_peer_got(app), "root"));
    assert_null(strstr(sim_peer_got(app), "x-gone"));
    assert_null(strstr(sim_peer_got(app), "x-other"));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&w, client);
}

static void http_gives_all_headers(void **state)
{
    struct world w;
    struct sim_peer *client = open_world(&w, "{" HTTP ",\"allHeadersToBackend\":true}");
    sim_peer_send(client, "POST /x HTTP/1.1\r\nhost: app\r\ncontent-type: text/json\r\n"
                          "content-length: 2\r\n\r\n{}");
    sim_peer_send(asked(&w), "HTTP/1.1 200 OK\r\nx-user: ann\r\nhost: evil\r\n"
                             "content-type: text/plain\r\nx-weft-client: 9.9.9.9\r\n"
                             "content-length: 3\r\n\r\nyes");
    struct sim_peer *app = sim_road_app(&w.r);
    assert_non_null(strstr(sim_peer_got(app), "x-user: ann\r\n"));
    assert_non_null(strstr(sim_peer_got(app), "host: app\r\n"));
    assert_non_null(strstr(sim_peer_got(app), "content-type: text/json\r\n"));
    assert_null(strstr(sim_peer_got(app), "evil"));
    assert_null(strstr(sim_peer_got(app), "9.9.9.9"));
    assert_non_null(strstr(sim_peer_got(app), "\r\n\r\n{}"));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&w, client);
}

/* Its status, headers and body are the client's answer; the reason is for the log. */
static void http_denies(void **state)
{
    struct world w;
    struct sim_peer *client = open_world(&w, "{" HTTP "}");
    sim_peer_send(client, ROAD_GET);
    sim_peer_send(asked(&w), "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=\"x\"\r\n"
                             "set-cookie: a=1\r\nset-cookie: b=2\r\nx-weft-reason: lie\r\n"
                             "content-length: 5\r\n\r\nlogin");
    sim_turn(&w.r.sim);
    const char *got = sim_peer_got(client);
    assert_non_null(strstr(got, "www-authenticate: Basic realm=\"x\"\r\n"));
    assert_non_null(strstr(got, "set-cookie: a=1\r\nset-cookie: b=2\r\n"));
    assert_null(strstr(got, "lie"));
    expect_refused(&w, client, "HTTP/1.1 401 ", "\r\n\r\nlogin");
    assert_string_equal(fail_info(sim_report.fail)->label.ptr, "ext_auth_denied");
    assert_string_equal(sim_report.filter_event, "extAuth denied");
    finish(&w, client);
}

static void http_redirects(void **state)
{
    struct world w;
    struct sim_peer *client = open_world(&w, "{" HTTP "}");
    sim_peer_send(client, ROAD_GET);
    sim_peer_send(asked(&w), "HTTP/1.1 302 Found\r\nlocation: https://login.example.com/\r\n"
                             "content-length: 0\r\n\r\n");
    expect_refused(&w, client, "HTTP/1.1 302 ", "location: https://login.example.com/\r\n");
    finish(&w, client);
}

/* Neither yes nor no: closed, or open on request. */
static void http_fails(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n",
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
    };
    for (unsigned i = 0; i < 2 * sizeof(answers) / sizeof(answers[0]); i++) {
        bool is_open = i % 2;
        struct world w;
        struct sim_peer *client = open_world(
            &w, is_open ? "{" HTTP ",\"failOpen\":true}" : "{" HTTP ",\"statusOnError\":502}");
        sim_peer_send(client, ROAD_GET);
        sim_peer_send(asked(&w), answers[i / 2]);
        if (is_open)
            expect_app(&w, client, "GET /x ", NULL);
        else
            expect_refused(&w, client, "HTTP/1.1 502 ", "x-weft-reason: ext_auth_error\r\n");
        assert_string_equal(sim_report.filter_event,
                            is_open ? "extAuth failOpen" : "extAuth error");
        finish(&w, client);
    }
}

static void http_is_silent(void **state)
{
    struct world w;
    struct sim_peer *client = open_world(&w, "{" HTTP "}");
    sim_peer_send(client, ROAD_GET);
    asked(&w);
    sim_advance(&w.r.sim, 190);
    sim_peer_expect(client, "");
    sim_advance(&w.r.sim, 20);
    expect_refused(&w, client, "HTTP/1.1 403 ", "attempt_timeout");
    finish(&w, client);
}

static void the_client_leaves(void **state)
{
    struct world w;
    struct sim_peer *client = open_world(&w, "{" HTTP "}");
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *auth = asked(&w);
    sim_peer_reset(client);
    sim_turn(&w.r.sim);
    assert_true(sim_peer_is_over(auth));
    sim_node_check_idle(&w.r.node);
    finish(&w, client);
}

/* ---- bodies ---- */

/* The decision waits for the body, which goes on as it came. */
static void a_body_is_shown(void **state)
{
    struct world w;
    struct sim_peer *client = open_world(&w, "{" HTTP ",\"body\":{\"maxBytes\":5}}");
    sim_peer_send(client, POST("content-length: 5\r\n") "he");
    sim_turn(&w.r.sim);
    assert_null(sim_app_accept(&w.app));
    sim_peer_send(client, "llo");
    struct sim_peer *auth = asked(&w);
    sim_peer_expect(auth, "POST /x HTTP/1.1\r\nhost: app\r\nx-envoy-auth-partial-body: false\r\n"
                          "x-request-id: 1\r\ncontent-length: 5\r\n\r\nhello");
    assert_null(sim_app_accept(&w.r.app));
    sim_peer_send(auth, YES);
    expect_app(&w, client, "\r\n\r\nhello", NULL);
    finish(&w, client);
}

/* Without a length: as soon as there is too much of it. */
static void a_body_is_too_long(void **state)
{
    struct world w;
    struct sim_peer *client = open_world(&w, "{" HTTP ",\"body\":{\"maxBytes\":5}}");
    sim_peer_send(client, POST("transfer-encoding: chunked\r\n") "5\r\nhello\r\n");
    sim_turn(&w.r.sim);
    sim_peer_expect(client, "");
    sim_peer_send(client, "1\r\n!\r\n");
    sim_turn(&w.r.sim);
    expect_refused(&w, client, "HTTP/1.1 413 ", "x-weft-reason: ext_auth_body_too_large\r\n");
    assert_null(sim_app_accept(&w.app));
    finish(&w, client);
}

/* The beginning is enough, and nobody waits for the rest. */
static void a_part_of_a_body(void **state)
{
    struct world w;
    struct sim_peer *client =
        open_world(&w, "{" HTTP ",\"body\":{\"maxBytes\":5,\"allowPartial\":true}}");
    sim_peer_send(client, POST("content-length: 11\r\n") "hello ");
    struct sim_peer *auth = asked(&w);
    sim_peer_expect_part(auth, "POST /x ", "x-envoy-auth-partial-body: true\r\n"
                                           "x-request-id: 1\r\ncontent-length: 5\r\n\r\nhello");
    sim_peer_send(auth, YES);
    struct sim_peer *app = sim_road_app(&w.r);
    sim_peer_send(client, "world");
    sim_turn(&w.r.sim);
    assert_non_null(strstr(sim_peer_got(app), "\r\n\r\nhello world"));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&w, client);
}

/* Longer than a sender may send without being told to go on. */
static void a_large_body(void **state)
{
    enum { LEN = 200000 };
    static char body[LEN + 1];
    struct world w;
    struct sim_peer *client = open_world(&w, "{" HTTP ",\"body\":{\"maxBytes\":\"1Mi\"}}");
    memset(body, 'a', LEN);
    sim_peer_send(client, POST("content-length: 200000\r\n"));
    for (size_t at = 0; at < LEN; at += LEN / 4) {
        sim_peer_send_bytes(client, body + at, LEN / 4);
        sim_turn(&w.r.sim);
    }
    struct sim_peer *auth = asked(&w);
    assert_non_null(strstr(sim_peer_got(auth), body));
    sim_peer_send(auth, YES);
    struct sim_peer *app = sim_road_app(&w.r);
    sim_turn(&w.r.sim);
    assert_non_null(strstr(sim_peer_got(app), body));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&w, client);
}

/* A client that waits to be asked for its body is asked. */
static void a_body_is_asked_for(void **state)
{
    struct world w;
    struct sim_peer *client = open_world(&w, "{" HTTP ",\"body\":{\"maxBytes\":5}}");
    sim_peer_send(client, POST("content-length: 5\r\nexpect: 100-continue\r\n"));
    sim_turn(&w.r.sim);
    sim_peer_expect(client, "HTTP/1.1 100 Continue\r\n\r\n");
    sim_peer_send(client, "hello");
    sim_peer_send(asked(&w), YES);
    expect_app(&w, client, "\r\n\r\nhello", "expect:");
    finish(&w, client);
}

/* What follows a switch of protocols has no end, and is not shown as if it were all. */
static void an_upgrade_is_shown_in_part(void **state)
{
#define UPGRADE                                                                             \
    "GET /x HTTP/1.1\r\nhost: app\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
    struct world w;
    struct sim_peer *client = open_world(&w, "{" HTTP ",\"body\":{\"maxBytes\":5}}");
    sim_peer_send(client, UPGRADE);
    sim_turn(&w.r.sim);
    expect_refused(&w, client, "HTTP/1.1 413 ", NULL);
    finish(&w, client);
    client = open_world(&w, "{" HTTP ",\"body\":{\"maxBytes\":5,\"allowPartial\":true}}");
    sim_peer_send(client, UPGRADE);
    struct sim_peer *auth = asked(&w);
    assert_null(strstr(sim_peer_got(auth), "upgrade"));
    sim_peer_expect_part(auth, "GET /x ", "x-envoy-auth-partial-body: true\r\n");
    sim_peer_send(auth, YES);
    expect_app(&w, client, "upgrade: websocket\r\n", NULL);
    finish(&w, client);
}

static void no_body_at_all(void **state)
{
    struct world w;
    struct sim_peer *client = open_world(&w, "{" HTTP ",\"body\":{\"maxBytes\":5}}");
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *auth = asked(&w);
    sim_peer_expect_part(auth, "GET /x ", "content-length: 0\r\n");
    sim_peer_send(auth, YES);
    expect_app(&w, client, "GET /x ", NULL);
    finish(&w, client);
}

static void the_client_leaves_with_its_body(void **state)
{
    struct world w;
    struct sim_peer *client = open_world(&w, "{" HTTP ",\"body\":{\"maxBytes\":5}}");
    sim_peer_send(client, POST("content-length: 5\r\n") "he");
    sim_turn(&w.r.sim);
    sim_peer_reset(client);
    sim_turn(&w.r.sim);
    assert_null(sim_app_accept(&w.app));
    sim_node_check_idle(&w.r.node);
    finish(&w, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_is_shown),
        cmocka_unit_test(http_gives_headers),
        cmocka_unit_test(http_gives_all_headers),
        cmocka_unit_test(http_denies),
        cmocka_unit_test(http_redirects),
        cmocka_unit_test(http_fails),
        cmocka_unit_test(http_is_silent),
        cmocka_unit_test(the_client_leaves),
        cmocka_unit_test(a_body_is_shown),
        cmocka_unit_test(a_body_is_too_long),
        cmocka_unit_test(a_part_of_a_body),
        cmocka_unit_test(a_large_body),
        cmocka_unit_test(a_body_is_asked_for),
        cmocka_unit_test(an_upgrade_is_shown_in_part),
        cmocka_unit_test(no_body_at_all),
        cmocka_unit_test(the_client_leaves_with_its_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
