/* What a ListenerPolicy says of the connections and requests of a Gateway's clients: timeouts, ages
 * and numbers, HTTP/2, bodies, the Server field, and the way to HTTPS. In both HTTP versions where
 * they differ.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim_door.h"
#include "tests/sim/sim_http.h"
#include "tests/sim/sim_pod.h"

#define POST_HEAD "POST /x HTTP/1.1\r\nhost: shop\r\nx-request-id: 1\r\n"

static void open_door(struct sim_door *d, const char *spec)
{
    static char text[512];
    sim_door_prepare(d);
    snprintf(text, sizeof(text), "%s", spec);
    sim_conf_clients(&d->conf, sim_conf_gateway(&d->conf, 8000, "one"))->spec = text;
    sim_door_start(d);
}

static struct sim_peer *arrive(struct sim_door *d)
{
    return sim_node_connect_gateway(&d->node, 8000);
}

/* One request, answered by the app; the answer is the client's to look at. */
static void serve(struct sim_door *d, struct sim_peer *client, struct sim_peer **app)
{
    sim_peer_send(client, DOOR_GET);
    sim_turn(&d->sim);
    struct sim_peer *fresh = sim_door_app(d, 0);
    if (fresh)
        *app = fresh;
    sim_peer_expect_part(*app, "GET /x", NULL);
    sim_peer_send(*app, DOOR_OK);
    sim_turn(&d->sim);
}

static void end(struct sim_door *d, struct sim_peer *client)
{
    sim_door_done(d, client);
    sim_door_close(d);
}

/* ---- timeouts ---- */

static void a_head_that_does_not_end(void **state)
{
    struct sim_door d;
    (void)state;
    open_door(&d, "{\"timeouts\":{\"requestHeader\":\"300ms\"}}");
    struct sim_peer *client = arrive(&d);
    sim_peer_send(client, "GET /x HTTP/1.1\r\n");
    sim_advance(&d.sim, 250);
    assert_false(sim_peer_is_over(client));
    sim_peer_send(client, "host: shop\r\n");
    sim_advance(&d.sim, 100);
    sim_peer_expect_part(client, "HTTP/1.1 408 ", NULL);
    assert_true(sim_peer_is_over(client));
    end(&d, client);
}

/* Not even that it is HTTP can be told yet. */
static void a_first_word_that_does_not_end(void **state)
{
    struct sim_door d;
    (void)state;
    open_door(&d, "{\"timeouts\":{\"requestHeader\":\"300ms\"}}");
    struct sim_peer *client = arrive(&d);
    sim_peer_send(client, "G");
    sim_advance(&d.sim, 250);
    assert_false(sim_peer_is_over(client));
    sim_advance(&d.sim, 100);
    assert_true(sim_peer_is_over(client));
    end(&d, client);
}

static void an_idle_connection(void **state)
{
    struct sim_door d;
    struct sim_peer *app = NULL;
    (void)state;
    open_door(&d, "{\"timeouts\":{\"idle\":\"5s\"}}");
    struct sim_peer *silent = arrive(&d), *client = arrive(&d);
    serve(&d, client, &app);
    sim_peer_expect_part(client, "HTTP/1.1 200 OK", NULL);
    sim_advance(&d.sim, 4000);
    assert_false(sim_peer_is_over(client));
    serve(&d, client, &app);
    assert_false(sim_peer_is_over(silent));
    sim_advance(&d.sim, 2000);
    assert_true(sim_peer_is_over(silent));
    assert_false(sim_peer_is_over(client));
    sim_advance(&d.sim, 4000);
    assert_true(sim_peer_is_over(client));
    sim_peer_destroy(silent);
    end(&d, client);
}

static void a_body_that_does_not_come(void **state)
{
    struct sim_door d;
    (void)state;
    open_door(&d, "{\"timeouts\":{\"requestBody\":\"2s\"}}");
    struct sim_peer *client = arrive(&d);
    sim_peer_send(client, POST_HEAD "content-length: 9\r\n\r\nabc");
    struct sim_peer *app = sim_door_app(&d, 0);
    sim_advance(&d.sim, 1500);
    sim_peer_send(client, "def");
    sim_advance(&d.sim, 1500);
    assert_false(sim_peer_is_over(client));
    sim_advance(&d.sim, 600);
    sim_peer_expect_part(client, "HTTP/1.1 408 ", "x-weft-reason: body_timeout\r\n");
    assert_true(sim_peer_is_over(client));
    assert_true(sim_peer_is_over(app));
    assert_int_equal(sim_report.fail, FAIL_BODY_TIMEOUT);
    end(&d, client);
}

/* Whose body is complete, who was not told to go on, and who may not send more is not late. */
static void who_is_not_late(void **state)
{
    struct sim_door d;
    static char much[300000];
    (void)state;
    memset(much, 'x', sizeof(much));
    open_door(&d, "{\"timeouts\":{\"requestBody\":\"2s\"}}");
    d.apps[0].host.options.capacity = 1000;
    struct sim_peer *whole = arrive(&d), *asking = arrive(&d), *full = arrive(&d);
    sim_peer_send(whole, POST_HEAD "content-length: 3\r\n\r\nabc");
    struct sim_peer *app = sim_door_app(&d, 0);
    sim_peer_send(asking, POST_HEAD "content-length: 3\r\nexpect: 100-continue\r\n\r\n");
    struct sim_peer *app_of_asking = sim_door_app(&d, 0);
    sim_peer_send(full, POST_HEAD "content-length: 500000\r\n\r\n");
    struct sim_peer *app_of_full = sim_door_app(&d, 0);
    sim_peer_read(app_of_full, false);
    sim_peer_send_bytes(full, much, sizeof(much));
    sim_turn(&d.sim);
    sim_advance(&d.sim, 5000);
    assert_false(sim_peer_is_over(whole));
    assert_false(sim_peer_is_over(asking));
    assert_false(sim_peer_is_over(full));
    sim_peer_send(app, DOOR_OK);
    sim_peer_send(app_of_asking, "HTTP/1.1 100 Continue\r\n\r\n");
    sim_turn(&d.sim);
    sim_peer_expect_part(whole, "HTTP/1.1 200 OK", NULL);
    sim_peer_expect_part(asking, "HTTP/1.1 100 ", NULL);
    sim_peer_send(asking, "abc");
    sim_turn(&d.sim);
    sim_peer_send(app_of_asking, DOOR_OK);
    sim_turn(&d.sim);
    sim_peer_expect_part(asking, "HTTP/1.1 200 OK", NULL);
    /* It may go on now, and has to. */
    sim_peer_read(app_of_full, true);
    sim_turn(&d.sim);
    sim_advance(&d.sim, 1900);
    assert_false(sim_peer_is_over(full));
    sim_advance(&d.sim, 200);
    sim_peer_expect_part(full, "HTTP/1.1 408 ", NULL);
    sim_peer_destroy(whole);
    sim_peer_destroy(asking);
    end(&d, full);
}

/* The answer has begun: it can only be broken off. */
static void a_body_that_ends_during_the_answer(void **state)
{
    struct sim_door d;
    (void)state;
    open_door(&d, "{\"timeouts\":{\"requestBody\":\"2s\"}}");
    struct sim_peer *client = arrive(&d);
    sim_peer_send(client, POST_HEAD "content-length: 9\r\n\r\nabc");
    struct sim_peer *app = sim_door_app(&d, 0);
    sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel");
    sim_turn(&d.sim);
    sim_peer_expect_part(client, "HTTP/1.1 200 OK", "hel");
    sim_advance(&d.sim, 2100);
    assert_true(sim_peer_is_over(client));
    assert_int_equal(sim_report.fail, FAIL_BODY_TIMEOUT);
    end(&d, client);
}

/* ---- ages and numbers ---- */

static void an_old_connection(void **state)
{
    struct sim_door d;
    struct sim_peer *app = NULL;
    (void)state;
    open_door(&d, "{\"timeouts\":{\"connection\":\"10s\"}}");
    struct sim_peer *idle = arrive(&d), *client = arrive(&d);
    serve(&d, client, &app);
    sim_peer_expect_part(client, "HTTP/1.1 200 OK", NULL);
    serve(&d, idle, &app);
    sim_advance(&d.sim, 9000);
    sim_peer_send(client, DOOR_GET);
    sim_turn(&d.sim);
    assert_false(sim_peer_is_over(idle));
    sim_advance(&d.sim, 2000);
    assert_true(sim_peer_is_over(idle));
    assert_false(sim_peer_is_over(client));
    /* What it has under way is answered. */
    struct sim_peer *fresh = sim_door_app(&d, 0);
    app = fresh ? fresh : app;
    sim_peer_expect_part(app, "GET /x", NULL);
    sim_peer_send(app, DOOR_OK);
    sim_turn(&d.sim);
    sim_peer_expect_part(client, "HTTP/1.1 200 OK", "connection: close\r\n");
    assert_true(sim_peer_is_over(client));
    sim_peer_destroy(idle);
    end(&d, client);
}

static void the_last_request(void **state)
{
    struct sim_door d;
    struct sim_peer *app = NULL;
    (void)state;
    open_door(&d, "{\"maxRequestsPerConnection\":2}");
    struct sim_peer *client = arrive(&d);
    serve(&d, client, &app);
    assert_null(strstr(sim_peer_got(client), "connection: close"));
    sim_peer_forget(client);
    serve(&d, client, &app);
    sim_peer_expect_part(client, "HTTP/1.1 200 OK", "connection: close\r\n");
    assert_true(sim_peer_is_over(client));
    end(&d, client);
}

static void the_last_request_over_http2(void **state)
{
    struct sim_door d;
    struct sim_client client;
    struct sim_peer *app = NULL;
    (void)state;
    open_door(&d, "{\"maxRequestsPerConnection\":2}");
    sim_client_open(&client, sim_node_dial_gateway(&d.node, 8000), HTTP_PROTOCOL_2);
    for (unsigned i = 0; i < 2; i++) {
        assert_false(client.retired);
        struct sim_call *call = sim_client_call(&client, "GET", "shop", "/x", NULL, true);
        sim_turn(&d.sim);
        app = app ? app : sim_door_app(&d, 0);
        sim_peer_forget(app);
        sim_peer_send(app, DOOR_OK);
        sim_turn(&d.sim);
        assert_int_equal(call->head->status, 200);
    }
    sim_turn(&d.sim);
    assert_true(client.retired);
    sim_client_close(&client);
    sim_node_check_idle(&d.node);
    sim_door_close(&d);
}

static void streams_of_one_connection(void **state)
{
    struct sim_door d;
    struct sim_client client;
    (void)state;
    open_door(&d, "{\"http2\":{\"maxConcurrentStreams\":2}}");
    sim_client_open(&client, sim_node_dial_gateway(&d.node, 8000), HTTP_PROTOCOL_2);
    sim_turn(&d.sim);
    assert_int_equal(http_client_capacity(client.client), 2);
    sim_client_call(&client, "GET", "shop", "/x", NULL, true);
    sim_client_call(&client, "GET", "shop", "/x", NULL, true);
    struct sim_peer *app = sim_door_app(&d, 0);
    assert_non_null(sim_door_app(&d, 0));
    assert_int_equal(http_client_capacity(client.client), 0);
    sim_peer_send(app, DOOR_OK);
    sim_turn(&d.sim);
    assert_int_equal(http_client_capacity(client.client), 1);
    sim_client_close(&client);
    sim_turn(&d.sim);
    sim_node_check_idle(&d.node);
    sim_door_close(&d);
}

static void connections_of_a_port(void **state)
{
    struct sim_door d;
    struct sim_peer *app = NULL;
    (void)state;
    open_door(&d, "{\"maxConnections\":2}");
    struct sim_peer *first = arrive(&d), *second = arrive(&d);
    sim_turn(&d.sim);
    uint64_t before = sim_report.values[METRICS_CONNECTIONS_OVER_LIMIT];
    struct sim_peer *third = arrive(&d);
    sim_turn(&d.sim);
    assert_true(sim_peer_is_over(third));
    assert_int_equal(sim_report.values[METRICS_CONNECTIONS_OVER_LIMIT], before + 1);
    /* Those that are there go on, also under another configuration, which counts them. */
    sim_node_adopt(&d.node, &d.conf);
    serve(&d, second, &app);
    sim_peer_expect_part(second, "HTTP/1.1 200 OK", NULL);
    struct sim_peer *fourth = arrive(&d);
    sim_turn(&d.sim);
    assert_true(sim_peer_is_over(fourth));
    sim_peer_destroy(first);
    sim_turn(&d.sim);
    struct sim_peer *fifth = arrive(&d);
    sim_turn(&d.sim);
    assert_false(sim_peer_is_over(fifth));
    sim_peer_destroy(third);
    sim_peer_destroy(fourth);
    sim_peer_destroy(fifth);
    end(&d, second);
}

/* ---- bodies ---- */

static void a_body_that_is_too_large(void **state)
{
    struct sim_door d;
    (void)state;
    open_door(&d, "{\"maxRequestBody\":5}");
    struct sim_peer *client = arrive(&d);
    sim_peer_send(client, POST_HEAD "content-length: 6\r\n\r\n");
    assert_null(sim_door_app(&d, 0));
    sim_peer_expect_part(client, "HTTP/1.1 413 ", "x-weft-reason: request_too_large\r\n");
    sim_peer_destroy(client);
    /* Without a length it shows when it comes: with the head, or later. */
    client = arrive(&d);
    sim_peer_send(client, POST_HEAD "transfer-encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n");
    assert_null(sim_door_app(&d, 0));
    sim_peer_expect_part(client, "HTTP/1.1 413 ", "x-weft-reason: request_too_large\r\n");
    sim_peer_destroy(client);
    client = arrive(&d);
    sim_peer_send(client, POST_HEAD "transfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n");
    struct sim_peer *app = sim_door_app(&d, 0);
    assert_non_null(app);
    assert_string_equal(sim_peer_got(client), "");
    sim_peer_send(client, "1\r\nf\r\n");
    sim_turn(&d.sim);
    sim_peer_expect_part(client, "HTTP/1.1 413 ", "x-weft-reason: request_too_large\r\n");
    assert_true(sim_peer_is_over(app));
    sim_peer_destroy(client);
    client = arrive(&d);
    sim_peer_send(client, POST_HEAD "content-length: 5\r\n\r\nabcde");
    app = sim_door_app(&d, 0);
    sim_peer_expect_part(app, "POST /x", "abcde");
    sim_peer_send(app, DOOR_OK);
    sim_turn(&d.sim);
    sim_peer_expect_part(client, "HTTP/1.1 200 OK", NULL);
    end(&d, client);
}

/* ---- the Server field ---- */

/* NULL: the app closes, and the answer is Weft's. */
static const char *answer_with(const char *spec, const char *answer)
{
    static char got[1024];
    struct sim_door d;
    open_door(&d, spec);
    struct sim_peer *client = arrive(&d);
    sim_peer_send(client, POST_HEAD "content-length: 0\r\n\r\n");
    struct sim_peer *app = sim_door_app(&d, 0);
    if (answer)
        sim_peer_send(app, answer);
    else
        sim_peer_close(app);
    sim_turn(&d.sim);
    snprintf(got, sizeof(got), "%s", sim_peer_got(client));
    end(&d, client);
    return got;
}

static void the_server_field(void **state)
{
    static const char app[] = "HTTP/1.1 200 OK\r\nserver: app/1.2\r\ncontent-length: 0\r\n\r\n";
    (void)state;
    assert_non_null(strstr(answer_with("", app), "server: app/1.2\r\n"));
    assert_null(strstr(answer_with("{\"serverHeader\":{\"action\":\"Remove\"}}", app), "server:"));
    const char *set = "{\"serverHeader\":{\"action\":\"Set\",\"value\":\"shop\"}}";
    const char *got = answer_with(set, app);
    assert_non_null(strstr(got, "server: shop\r\n"));
    assert_null(strstr(got, "app/1.2"));
    /* Weft's own answers as well, which otherwise say nothing. */
    assert_non_null(strstr(answer_with(set, NULL), "server: shop\r\n"));
    got = answer_with("", NULL);
    assert_non_null(strstr(got, "HTTP/1.1 502 "));
    assert_null(strstr(got, "server:"));
}

/* ---- to HTTPS ---- */

#define REDIRECT(more) "{\"httpsRedirect\":{\"mode\":\"Enabled\"" more "}}"

static void redirected(const char *spec, const char *target, const char *host, const char *status,
                       const char *location)
{
    struct sim_door d;
    char request[256], line[128];
    open_door(&d, spec);
    struct sim_peer *client = arrive(&d);
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nhost: %s\r\n\r\n", target, host);
    sim_peer_send(client, request);
    struct sim_peer *app = sim_door_app(&d, 0);
    if (location) {
        assert_null(app);
        snprintf(line, sizeof(line), "location: %s\r\n", location);
        sim_peer_expect_part(client, status, line);
    } else {
        assert_non_null(app);
    }
    end(&d, client);
}

static void every_request_goes_to_https(void **state)
{
    static const char at[] = "/.well-known/acme-challenge/token";
    (void)state;
    redirected(REDIRECT(""), "/a/b?c=d", "shop", "HTTP/1.1 301 ", "https://shop/a/b?c=d");
    redirected(REDIRECT(""), "/", "shop:8000", "HTTP/1.1 301 ", "https://shop/");
    redirected(REDIRECT(",\"statusCode\":308,\"port\":8443"), "/x", "[2001:db8::1]:80",
               "HTTP/1.1 308 ", "https://[2001:db8::1]:8443/x");
    /* Also where no route would match; a challenge goes to its route, unless it shall not. */
    redirected(REDIRECT(""), at, "shop", "", NULL);
    redirected(REDIRECT(",\"acmeChallenges\":\"Redirect\""), at, "shop", "HTTP/1.1 301 ",
               "https://shop/.well-known/acme-challenge/token");
    redirected(REDIRECT(""), "/.well-known/acme-challenge/../../x", "shop", "HTTP/1.1 301 ",
               "https://shop/.well-known/acme-challenge/../../x");
    redirected("{\"httpsRedirect\":{\"mode\":\"Disabled\"}}", "/x", "shop", "", NULL);
}

/* A proxy that is trusted ended TLS itself. */
static void what_came_over_https_to_a_trusted_proxy_is_served(void **state)
{
    static char spec[] = REDIRECT("");
    struct sim_door d;
    (void)state;
    sim_door_prepare(&d);
    sim_clients *clients = sim_conf_clients(&d.conf, sim_conf_gateway(&d.conf, 8000, "one"));
    clients->spec = spec;
    clients->trust->hops = 1;
    sim_door_start(&d);
    struct sim_peer *client = arrive(&d);
    sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: shop\r\nx-forwarded-for: 198.51.100.7\r\n"
                          "x-forwarded-proto: https\r\n\r\n");
    assert_non_null(sim_door_app(&d, 0));
    end(&d, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_that_does_not_end),
        cmocka_unit_test(a_first_word_that_does_not_end),
        cmocka_unit_test(an_idle_connection),
        cmocka_unit_test(a_body_that_does_not_come),
        cmocka_unit_test(who_is_not_late),
        cmocka_unit_test(a_body_that_ends_during_the_answer),
        cmocka_unit_test(an_old_connection),
        cmocka_unit_test(the_last_request),
        cmocka_unit_test(the_last_request_over_http2),
        cmocka_unit_test(streams_of_one_connection),
        cmocka_unit_test(connections_of_a_port),
        cmocka_unit_test(a_body_that_is_too_large),
        cmocka_unit_test(the_server_field),
        cmocka_unit_test(every_request_goes_to_https),
        cmocka_unit_test(what_came_over_https_to_a_trusted_proxy_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
