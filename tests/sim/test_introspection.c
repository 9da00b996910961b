/* oauth2Introspection on the road of a request: what the authorization server is asked, what
 * becomes of the request for each of its answers, what is remembered, and who asks when many want
 * to know the same.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <stdio.h>
#include <string.h>

#define SERVER "10.0.0.9:8080"
#define GET(token) \
    "GET /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\nauthorization: Bearer " token "\r\n\r\n"
#define SAYS(json) \
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n" json
#define ACTIVE SAYS("{\"active\":true,\"sub\":\"ann\"}")

struct world {
    struct sim_road r;
    sim_cluster *idp;
    struct sim_app app;
};

static struct sim_peer *start(struct world *w, const char *more)
{
    static char service[] = "idp.svc";
    char spec[1024];
    *w = (struct world){0};
    sim_road_prepare(&w->r);
    w->idp = sim_conf_cluster(&w->r.conf, "idp");
    w->idp->service = service;
    sim_conf_endpoint(&w->r.conf, w->idp, SERVER);
    sim_route *route = sim_conf_route(&w->r.conf, w->r.destination, "/", "app");
    snprintf(spec, sizeof spec,
             "{\"backendRef\":{\"name\":\"i\",\"port\":1,\"value\":\"idp\"},\"path\":\"/check\","
             "\"clientId\":\"gate way\",\"realm\":\"shop\","
             "\"clientSecretRef\":{\"name\":\"s\",\"key\":\"k\",\"value\":\"0\"}%s}",
             more);
    sim_conf_name(&w->r.conf, &route->n_filters, &route->filters,
                  sim_conf_secret_filter(&w->r.conf, "tokens", "oauth2Introspection", spec,
                                         "s:cret"));
    sim_road_start(&w->r);
    sim_app_open(&w->app, SERVER);
    return sim_road_client(&w->r);
}

static void finish(struct world *w, struct sim_peer *client)
{
    sim_road_done(&w->r, client);
    sim_node_close(&w->r.node);
    sim_app_close(&w->r.app);
    sim_app_close(&w->app);
    sim_conf_dispose(&w->r.conf);
    sim_close(&w->r.sim);
}

static struct sim_peer *asked(struct world *w)
{
    sim_turn(&w->r.sim);
    struct sim_peer *p = sim_app_accept(&w->app);
    assert_non_null(p);
    sim_turn(&w->r.sim);
    return p;
}

static void answer(struct sim_peer *server, const char *text)
{
    sim_peer_send(server, text);
    sim_peer_shut(server);
}

static void expect_app(struct world *w, struct sim_peer *client, const char *part)
{
    struct sim_peer *app = sim_road_app(&w->r);
    if (part)
        assert_non_null(strstr(sim_peer_got(app), part));
    sim_peer_forget(app);
    sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
    sim_peer_shut(app);
    sim_peer_expect_part(client, "HTTP/1.1 200 ", "\r\n\r\nhello");
}

static void expect_refused(struct world *w, struct sim_peer *client, const char *status,
                           const char *part)
{
    sim_turn(&w->r.sim);
    sim_peer_expect_part(client, status, part);
    assert_null(sim_app_accept(&w->r.app));
}

/* RFC 7662 §2.1, RFC 6749 §2.3.1. */
static void the_server_is_asked(void **state)
{
    struct world w;
    struct sim_peer *client = start(
        &w, ",\"claimToHeaders\":[{\"claim\":\"sub\",\"header\":\"X-User\"}]");
    sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\nx-user: root\r\n"
                          "X_User: root\r\nauthorization: bearer a+b/c==\r\n\r\n");
    struct sim_peer *server = asked(&w);
    const char *got = sim_peer_got(server);
    assert_non_null(strstr(got, "POST /check HTTP/1.1\r\nhost: idp.svc\r\n"));
    assert_non_null(strstr(got, "content-type: application/x-www-form-urlencoded\r\n"));
    /* "gate%20way:s%3Acret" */
    assert_non_null(strstr(got, "authorization: Basic Z2F0ZSUyMHdheTpzJTNBY3JldA==\r\n"));
    assert_non_null(strstr(got, "\r\n\r\ntoken=a%2Bb%2Fc%3D%3D&token_type_hint=access_token"));
    answer(server, ACTIVE);
    struct sim_peer *app = sim_road_app(&w.r);
    assert_non_null(strstr(sim_peer_got(app), "x-user: ann\r\n"));
    assert_non_null(strstr(sim_peer_got(app), "authorization: bearer a+b/c==\r\n"));
    assert_null(strstr(sim_peer_got(app), "root"));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&w, client);
}

static void the_token_stays_here(void **state)
{
    struct world w;
    struct sim_peer *client = start(&w, ",\"hideCredentials\":true");
    sim_peer_send(client, GET("abc"));
    answer(asked(&w), ACTIVE);
    struct sim_peer *app = sim_road_app(&w.r);
    assert_null(strstr(sim_peer_got(app), "authorization"));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&w, client);
}

/* requirement: H19 */
/* Each answer, and what the client is told. */
static void each_answer(void **state)
{
#define INVALID "www-authenticate: Bearer realm=\"shop\", error=\"invalid_token\"\r\n"
    static const struct {
        const char *says, *more, *status, *part;
    } rows[] = {
        {SAYS("{\"active\":false}"), "", "HTTP/1.1 401 ", INVALID},
        {SAYS("{\"active\":true,\"exp\":1}"), "", "HTTP/1.1 401 ", INVALID},
        {SAYS("{\"active\":true,\"nbf\":99999999999}"), "", "HTTP/1.1 401 ", INVALID},
        {SAYS("{\"active\":true,\"iss\":\"b\"}"), ",\"issuer\":\"a\"", "HTTP/1.1 401 ", INVALID},
        {ACTIVE, ",\"issuer\":\"a\"", "HTTP/1.1 401 ", INVALID},
        {SAYS("{\"active\":true,\"aud\":[\"b\",\"c\"]}"), ",\"audiences\":[\"a\"]",
         "HTTP/1.1 401 ", INVALID},
        {ACTIVE, ",\"audiences\":[\"a\"]", "HTTP/1.1 401 ", INVALID},
        {SAYS("{\"active\":true,\"scope\":\"read writer\"}"),
         ",\"scopes\":[\"read\",\"write\"]", "HTTP/1.1 403 ",
         "www-authenticate: Bearer realm=\"shop\", error=\"insufficient_scope\", "
         "scope=\"read write\"\r\n"},
        {ACTIVE, ",\"scopes\":[\"read\"]", "HTTP/1.1 403 ", "insufficient_scope"},
        {SAYS("{\"active\":\"true\"}"), "", "HTTP/1.1 503 ", "introspection_failed"},
        {SAYS("{\"active\":1}"), "", "HTTP/1.1 503 ", "introspection_failed"},
        {SAYS("{}"), "", "HTTP/1.1 503 ", "introspection_failed"},
        {SAYS("{\"active\":false,\"active\":true}"), "", "HTTP/1.1 503 ", "introspection_failed"},
        {SAYS("{\"active\":true,\"exp\":\"x\"}"), "", "HTTP/1.1 503 ", "introspection_failed"},
        {SAYS("[true]"), "", "HTTP/1.1 503 ", "introspection_failed"},
        {SAYS("true"), "", "HTTP/1.1 503 ", "introspection_failed"},
        {SAYS(""), "", "HTTP/1.1 503 ", "introspection_failed"},
        {"HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n{\"active\":true}", "",
         "HTTP/1.1 503 ", "introspection_failed"},
        {"HTTP/1.1 500 Oops\r\nconnection: close\r\n\r\n", "", "HTTP/1.1 503 ",
         "introspection_failed"},
        {"garbage\r\n\r\n", "", "HTTP/1.1 503 ", "introspection_failed"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world w;
        struct sim_peer *client = start(&w, rows[i].more);
        sim_peer_send(client, GET("abc"));
        answer(asked(&w), rows[i].says);
        expect_refused(&w, client, rows[i].status, rows[i].part);
        finish(&w, client);
    }
}

static void each_condition_holds(void **state)
{
    struct world w;
    struct sim_peer *client =
        start(&w, ",\"issuer\":\"a\",\"audiences\":[\"x\",\"b\"],\"scopes\":[\"read\"]");
    sim_peer_send(client, GET("abc"));
    answer(asked(&w), SAYS("{\"active\":true,\"iss\":\"a\",\"aud\":\"b\",\"nbf\":1,"
                           "\"exp\":99999999999,\"scope\":\"write read\"}"));
    expect_app(&w, client, NULL);
    finish(&w, client);
}

/* requirement: H19 */
/* The same token is not asked about again, until its time is over; another one is. */
static void it_is_remembered(void **state)
{
    struct world w;
    struct sim_peer *client = start(&w, ",\"cacheTime\":\"60s\",\"negativeCacheTime\":\"10s\"");
    sim_peer_send(client, GET("abc"));
    answer(asked(&w), ACTIVE);
    expect_app(&w, client, NULL);
    sim_advance(&w.r.sim, 59000);
    sim_peer_send(client, GET("abc"));
    expect_app(&w, client, NULL);
    assert_null(sim_app_accept(&w.app));
    sim_peer_send(client, GET("abd"));
    answer(asked(&w), SAYS("{\"active\":false}"));
    expect_refused(&w, client, "HTTP/1.1 401 ", NULL);
    sim_peer_send(client, GET("abd"));
    expect_refused(&w, client, "HTTP/1.1 401 ", NULL);
    assert_null(sim_app_accept(&w.app));
    sim_advance(&w.r.sim, 10001);
    sim_peer_send(client, GET("abd")); /* it may be active by now */
    answer(asked(&w), ACTIVE);
    expect_app(&w, client, NULL);
    sim_peer_send(client, GET("abc"));
    answer(asked(&w), SAYS("{\"active\":false}"));
    expect_refused(&w, client, "HTTP/1.1 401 ", NULL);
    finish(&w, client);
}

/* A failure is told to those who wait for it, and remembered for nobody. */
static void a_failure_is_not_remembered(void **state)
{
    struct world w;
    struct sim_peer *client = start(&w, "");
    sim_peer_send(client, GET("abc"));
    answer(asked(&w), "HTTP/1.1 500 Oops\r\nconnection: close\r\n\r\n");
    expect_refused(&w, client, "HTTP/1.1 503 ", NULL);
    sim_peer_send(client, GET("abc"));
    answer(asked(&w), ACTIVE);
    expect_app(&w, client, NULL);
    finish(&w, client);
}

static void nothing_is_remembered_on_request(void **state)
{
    struct world w;
    struct sim_peer *client = start(&w, ",\"cacheTime\":\"0s\"");
    for (unsigned i = 0; i < 2; i++) {
        sim_peer_send(client, GET("abc"));
        answer(asked(&w), ACTIVE);
        expect_app(&w, client, NULL);
        sim_advance(&w.r.sim, 10);
    }
    finish(&w, client);
}

/* Two requests at once: one question. */
static void one_asks_for_all(void **state)
{
    static const char *const answers[] = {ACTIVE, SAYS("{\"active\":false}"),
                                          "HTTP/1.1 500 Oops\r\nconnection: close\r\n\r\n"};
    static const char *const statuses[] = {NULL, "HTTP/1.1 401 ", "HTTP/1.1 503 "};
    for (unsigned i = 0; i < 3; i++) {
        struct world w;
        struct sim_peer *client = start(&w, ""), *other = sim_road_client(&w.r);
        sim_peer_send(client, GET("abc"));
        struct sim_peer *server = asked(&w);
        sim_peer_send(other, GET("abc"));
        sim_advance(&w.r.sim, 20);
        assert_null(sim_app_accept(&w.app));
        answer(server, answers[i]);
        sim_turn(&w.r.sim);
        if (statuses[i])
            expect_refused(&w, client, statuses[i], NULL);
        else
            expect_app(&w, client, NULL);
        sim_advance(&w.r.sim, 10);
        if (statuses[i])
            expect_refused(&w, other, statuses[i], NULL);
        else
            expect_app(&w, other, NULL);
        assert_null(sim_app_accept(&w.app));
        sim_peer_destroy(other);
        finish(&w, client);
    }
}

/* Who asked has left: the next one asks. */
static void the_asker_leaves(void **state)
{
    struct world w;
    struct sim_peer *client = start(&w, ""), *other = sim_road_client(&w.r);
    sim_peer_send(client, GET("abc"));
    struct sim_peer *server = asked(&w);
    sim_peer_send(other, GET("abc"));
    sim_advance(&w.r.sim, 20);
    sim_peer_reset(client);
    sim_turn(&w.r.sim);
    assert_true(sim_peer_is_over(server));
    sim_advance(&w.r.sim, 10);
    answer(asked(&w), ACTIVE);
    expect_app(&w, other, NULL);
    sim_peer_destroy(client);
    finish(&w, other);
}

static void it_is_silent(void **state)
{
    struct world w;
    struct sim_peer *client = start(&w, ",\"timeout\":\"300ms\"");
    sim_peer_send(client, GET("abc"));
    asked(&w);
    sim_advance(&w.r.sim, 290);
    sim_peer_expect(client, "");
    sim_advance(&w.r.sim, 20);
    expect_refused(&w, client, "HTTP/1.1 503 ", "introspection_failed");
    finish(&w, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_is_asked),
        cmocka_unit_test(the_token_stays_here),
        cmocka_unit_test(each_answer),
        cmocka_unit_test(each_condition_holds),
        cmocka_unit_test(it_is_remembered),
        cmocka_unit_test(a_failure_is_not_remembered),
        cmocka_unit_test(nothing_is_remembered_on_request),
        cmocka_unit_test(one_asks_for_all),
        cmocka_unit_test(the_asker_leaves),
        cmocka_unit_test(it_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
