/* Bodies that a filter sees whole and replaces (filter_host.peek_body and its kin), with transform
 * and errorPages as the ones who do: lengths, windows, breaks, timeouts, and answers without a
 * route. SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <stdio.h>
#include <string.h>

#define DROP_A \
    "{\"request\":{\"body\":{\"remove\":[\"a\"]}},\"response\":{\"body\":{\"remove\":[\"a\"]}}}"
#define POST                                                \
    "POST /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\n" \
    "content-type: application/json\r\n"
#define OK "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"

static sim_route *prepare(struct sim_road *r, const char *name, const char *spec)
{
    sim_road_prepare(r);
    sim_route *route = sim_conf_route(&r->conf, r->destination, "/", "app");
    sim_conf_name(&r->conf, &route->n_filters, &route->filters,
                  sim_conf_filter(&r->conf, "test", name, spec));
    return route;
}

static struct sim_peer *start(struct sim_road *r)
{
    sim_road_start(r);
    return sim_road_client(r);
}

static void finish(struct sim_road *r, struct sim_peer *client)
{
    sim_road_done(r, client);
    sim_road_close(r);
}

/* Nothing goes on before all of it is there, and then with the length that it has. */
static void a_request_body_is_replaced(void **state)
{
    struct sim_road r;
    prepare(&r, "transform", DROP_A);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, POST "transfer-encoding: chunked\r\n\r\n6\r\n{\"a\":1\r\n");
    sim_turn(&r.sim);
    assert_null(sim_app_accept(&r.app));
    sim_peer_send(client, "7\r\n,\"b\":2}\r\n0\r\n\r\n");
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_expect_part(app, "POST /x HTTP/1.1\r\n", "content-length: 7\r\n");
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&r, client);
}

static void a_response_body_is_replaced(void **state)
{
    struct sim_road r;
    prepare(&r, "transform", DROP_A);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, OK "transfer-encoding: chunked\r\n\r\n6\r\n{\"a\":1\r\n");
    sim_turn(&r.sim);
    sim_peer_expect(client, "");
    sim_peer_send(app, "7\r\n,\"b\":2}\r\n");
    sim_turn(&r.sim);
    sim_peer_expect(client, "");
    sim_peer_send(app, "0\r\n\r\n"); /* the end alone is news too */
    sim_turn(&r.sim);
    sim_peer_expect_part(client, OK "content-length: 7\r\n", "\r\n\r\n{\"b\":2}");
    finish(&r, client);
}

/* More than a window: both senders are told to go on while the filter waits. */
static void a_long_body_both_ways(void **state)
{
    enum { LEN = 300000 };
    struct sim_road r;
    static char text[LEN + 64], head[256];
    prepare(&r, "transform", DROP_A);
    struct sim_peer *client = start(&r);
    memset(text, 'x', sizeof text);
    memcpy(text, "{\"a\":1,\"b\":\"", 12);
    memcpy(text + 12 + LEN, "\"}", 3);
    snprintf(head, sizeof head, POST "content-length: %zu\r\n\r\n", strlen(text));
    sim_peer_send(client, head);
    sim_peer_send(client, text);
    struct sim_peer *app = sim_road_app(&r);
    for (unsigned i = 0; i < 40; i++)
        sim_turn(&r.sim);
    assert_non_null(strstr(sim_peer_got(app), "content-length: 300008\r\n"));
    assert_non_null(strstr(sim_peer_got(app), "xx\"}"));
    snprintf(head, sizeof head, OK "content-length: %zu\r\n\r\n", strlen(text));
    sim_peer_send(app, head);
    sim_peer_send(app, text);
    for (unsigned i = 0; i < 40; i++)
        sim_turn(&r.sim);
    assert_non_null(strstr(sim_peer_got(client), "content-length: 300008\r\n"));
    assert_non_null(strstr(sim_peer_got(client), "xx\"}"));
    finish(&r, client);
}

/* The client can still be told, and is. */
static void the_backend_breaks_off(void **state)
{
    struct sim_road r;
    prepare(&r, "transform", DROP_A);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, OK "content-length: 20\r\n\r\n{\"a\":1");
    sim_turn(&r.sim);
    sim_peer_expect(client, "");
    sim_peer_reset(app);
    sim_turn(&r.sim);
    sim_peer_expect_part(client, "HTTP/1.1 502 ", "x-weft-reason: upstream_reset\r\n");
    assert_int_equal(sim_report.fail, FAIL_UPSTREAM_RESET);
    finish(&r, client);
}

static void the_deadline_comes_first(void **state)
{
    struct sim_road r;
    sim_route *route = prepare(&r, "transform", DROP_A);
    route->timeouts = sim_conf_timeouts(&r.conf);
    route->timeouts->request_ms = 1000;
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    sim_peer_send(sim_road_app(&r), OK "content-length: 20\r\n\r\n{\"a\":1");
    sim_advance(&r.sim, 990);
    sim_peer_expect(client, "");
    sim_advance(&r.sim, 20);
    sim_peer_expect_part(client, "HTTP/1.1 504 ", "x-weft-reason: request_timeout\r\n");
    finish(&r, client);
}

static void the_client_leaves(void **state)
{
    struct sim_road r;
    prepare(&r, "transform", DROP_A);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    sim_peer_send(sim_road_app(&r), OK "content-length: 20\r\n\r\n{\"a\":1");
    sim_turn(&r.sim);
    sim_peer_reset(client);
    sim_turn(&r.sim);
    assert_int_equal(sim_report.fail, FAIL_DOWNSTREAM_GONE);
    sim_node_check_idle(&r.node);
    finish(&r, client);
}

/* A backend that answers before it has read everything, and ends its answer only then. */
static void the_request_goes_on_meanwhile(void **state)
{
    struct sim_road r;
    prepare(&r, "transform", "{\"response\":{\"body\":{\"remove\":[\"a\"]}}}");
    struct sim_peer *client = start(&r);
    sim_peer_send(client, POST "content-length: 10\r\n\r\nhello");
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, OK "content-length: 13\r\n\r\n{\"a\":1");
    sim_turn(&r.sim);
    sim_peer_forget(app);
    sim_peer_send(client, "world");
    sim_turn(&r.sim);
    sim_peer_expect(app, "world");
    sim_peer_send(app, ",\"b\":2}");
    sim_turn(&r.sim);
    sim_peer_expect_part(client, "HTTP/1.1 200 OK\r\n", "\r\n\r\n{\"b\":2}");
    finish(&r, client);
}

static void too_large_for_its_filter(void **state)
{
    struct sim_road r;
    prepare(&r, "transform", "{\"maxBody\":4,\"response\":{\"body\":{\"remove\":[\"a\"]}}}");
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    sim_peer_send(sim_road_app(&r), OK "transfer-encoding: chunked\r\n\r\n6\r\n{\"a\":1\r\n");
    sim_peer_expect_part(client, "HTTP/1.1 502 ", "x-weft-reason: transform_response_too_large");
    finish(&r, client);
}

/* ---- pages ---- */

#define PAGES                                                                          \
    "{\"answersOf\":\"All\",\"pages\":[{\"statuses\":[\"4xx\",\"5xx\"],\"status\":503," \
    "\"text\":\"sorry $(status)\"}]}"

/* requirement: K17 */
static void a_page_of_our_own_error(void **state)
{
    struct sim_road r;
    prepare(&r, "errorPages", PAGES);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, POST "content-length: 0\r\n\r\n"); /* not tried again */
    sim_peer_reset(sim_road_app(&r));
    sim_turn(&r.sim);
    sim_peer_expect_part(client, "HTTP/1.1 503 Service Unavailable\r\n", "\r\n\r\nsorry 503");
    finish(&r, client);
}

static void a_page_of_the_backends_error(void **state)
{
    struct sim_road r;
    prepare(&r, "errorPages", PAGES);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, "HTTP/1.1 500 Oops\r\ncontent-length: 5\r\n\r\ntrace");
    sim_peer_expect_part(client, "HTTP/1.1 503 ", "\r\n\r\nsorry 503");
    sim_peer_send(client, ROAD_GET); /* its connection is as good as before */
    sim_turn(&r.sim);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&r, client);
}

/* One that never ends is not waited for. */
static void a_long_page_of_the_backend(void **state)
{
    static char trace[20001];
    struct sim_road r;
    prepare(&r, "errorPages", PAGES);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    memset(trace, 'x', sizeof trace - 1);
    sim_peer_send(app, "HTTP/1.1 500 Oops\r\nretry-after: 5\r\ncontent-length: 900000\r\n\r\n");
    sim_peer_send(app, trace);
    sim_turn(&r.sim);
    sim_peer_expect_part(client, "HTTP/1.1 503 ", "\r\n\r\nsorry 503");
    assert_true(sim_peer_is_over(app));
    finish(&r, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_body_is_replaced),
        cmocka_unit_test(a_response_body_is_replaced),
        cmocka_unit_test(a_long_body_both_ways),
        cmocka_unit_test(the_backend_breaks_off),
        cmocka_unit_test(the_deadline_comes_first),
        cmocka_unit_test(the_client_leaves),
        cmocka_unit_test(the_request_goes_on_meanwhile),
        cmocka_unit_test(too_large_for_its_filter),
        cmocka_unit_test(a_page_of_our_own_error),
        cmocka_unit_test(a_page_of_the_backends_error),
        cmocka_unit_test(a_long_page_of_the_backend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
