/* Filters on the road of a request: what waits keeps its deadlines and hears of the end, bodies are
 * seen on their way, and a filter that cannot be made closes its own route only.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <string.h>

#define DELAY "{\"delay\":{\"duration\":\"250ms\"}}"
#define POST "POST /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\n"
#define SMALL "{\"max\":5}"

/* The road with one more route, below this prefix, which has the filter. */
static sim_route *add(struct sim_road *r, const char *prefix, const char *name, const char *spec)
{
    sim_route *route = sim_conf_route(&r->conf, r->destination, prefix, "app");
    sim_conf_name(&r->conf, &route->n_filters, &route->filters,
                  sim_conf_filter(&r->conf, "test", name, spec));
    return route;
}

static sim_route *prepare(struct sim_road *r, const char *name, const char *spec)
{
    sim_road_prepare(r);
    return add(r, "/", name, spec);
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

static void held_back_then_sent(void **state)
{
    struct sim_road r;
    prepare(&r, "faultInjection", DELAY);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    sim_advance(&r.sim, 240);
    assert_null(sim_app_accept(&r.app));
    sim_advance(&r.sim, 20);
    sim_peer_send(sim_road_app(&r), ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_turn(&r.sim);
    assert_string_equal(sim_report.filter_event, "faultInjection delay");
    assert_int_equal(sim_report.fail, FAIL_NONE);
    finish(&r, client);
}

/* Bytes of the body do not end the wait, and none of them is lost. */
static void a_body_comes_meanwhile(void **state)
{
    struct sim_road r;
    prepare(&r, "faultInjection", DELAY);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, POST "content-length: 5\r\n\r\nhe");
    sim_advance(&r.sim, 100);
    sim_peer_send(client, "llo");
    sim_advance(&r.sim, 100);
    assert_null(sim_app_accept(&r.app));
    sim_advance(&r.sim, 60);
    struct sim_peer *app = sim_road_app(&r);
    assert_non_null(strstr(sim_peer_got(app), "\r\n\r\nhello"));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&r, client);
}

static void the_client_leaves_meanwhile(void **state)
{
    struct sim_road r;
    prepare(&r, "faultInjection", DELAY);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    sim_advance(&r.sim, 100);
    sim_peer_reset(client);
    sim_turn(&r.sim);
    assert_int_equal(sim_report.fail, FAIL_DOWNSTREAM_GONE);
    sim_node_check_idle(&r.node);
    sim_advance(&r.sim, 1000);
    assert_null(sim_app_accept(&r.app));
    finish(&r, client);
}

static void the_deadline_comes_first(void **state)
{
    struct sim_road r;
    sim_route *route = prepare(&r, "faultInjection", "{\"delay\":{\"duration\":\"5s\"}}");
    route->timeouts = sim_conf_timeouts(&r.conf);
    route->timeouts->request_ms = 1000;
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    sim_advance(&r.sim, 990);
    sim_peer_expect(client, "");
    sim_advance(&r.sim, 20);
    sim_peer_expect_part(client, "HTTP/1.1 504 ", "x-weft-reason: request_timeout\r\n");
    sim_advance(&r.sim, 10000);
    assert_null(sim_app_accept(&r.app));
    finish(&r, client);
}

static void an_answer_of_the_filter(void **state)
{
    struct sim_road r;
    prepare(&r, "faultInjection", "{\"abort\":{\"httpStatus\":502}}");
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect_part(client, "HTTP/1.1 502 ", "x-weft-reason: fault_abort\r\n");
    sim_turn(&r.sim);
    assert_true(slice_eq_cstr(fail_info(sim_report.fail)->flag, "FI"));
    assert_int_equal(sim_report.status, 502);
    assert_string_equal(sim_report.filter_event, "faultInjection abort");
    finish(&r, client);
}

static void answered_without_a_backend(void **state)
{
    struct sim_road r;
    sim_route *route =
        prepare(&r, "directResponse",
                "{\"status\":503,\"body\":\"closed\",\"headers\":[{\"name\":\"Retry-After\","
                "\"value\":\"60\"}]}");
    route->n_clusters = 0;
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect_part(client, "HTTP/1.1 503 ", "retry-after: 60\r\n");
    sim_peer_send(client, ROAD_GET); /* the connection goes on */
    sim_peer_expect_part(client, "HTTP/1.1 503 ", "\r\n\r\nclosed");
    finish(&r, client);
}

/* ---- bodies ---- */

static void too_large_by_its_length(void **state)
{
    struct sim_road r;
    prepare(&r, "requestSize", SMALL);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, POST "content-length: 6\r\n\r\n");
    sim_peer_expect_part(client, "HTTP/1.1 413 ", "x-weft-reason: request_too_large\r\n");
    assert_null(sim_app_accept(&r.app));
    finish(&r, client);
}

/* The app has the beginning already. What it is told is that there is no more of it. */
static void too_large_as_it_grows(void **state)
{
    struct sim_road r;
    prepare(&r, "requestSize", SMALL);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, POST "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
    struct sim_peer *app = sim_road_app(&r);
    assert_non_null(strstr(sim_peer_got(app), "abc"));
    sim_peer_send(client, "3\r\ndef\r\n");
    sim_turn(&r.sim);
    sim_peer_expect_part(client, "HTTP/1.1 413 ", "x-weft-reason: request_too_large\r\n");
    assert_null(strstr(sim_peer_got(app), "def"));
    assert_true(sim_peer_is_over(app));
    finish(&r, client);
}

/* Too late for another answer: the app's own has begun, and is cut. */
static void too_large_after_the_answer(void **state)
{
    struct sim_road r;
    prepare(&r, "requestSize", SMALL);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, POST "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
    sim_peer_send(sim_road_app(&r), "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello");
    sim_turn(&r.sim);
    sim_peer_expect_part(client, "HTTP/1.1 200 OK\r\n", "hello");
    sim_peer_send(client, "3\r\ndef\r\n");
    sim_turn(&r.sim);
    sim_peer_expect(client, "");
    assert_true(sim_peer_is_over(client));
    assert_int_equal(fail_info(sim_report.fail)->http_status, 413);
    finish(&r, client);
}

static void small_enough(void **state)
{
    struct sim_road r;
    prepare(&r, "requestSize", SMALL);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, POST "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
    sim_peer_send(client, "2\r\nde\r\n0\r\n\r\n");
    struct sim_peer *app = sim_road_app(&r);
    assert_non_null(strstr(sim_peer_got(app), "0\r\n\r\n"));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&r, client);
}

/* A body much larger than any window: its sender is told to go on as it leaves here. */
static void a_long_body(void **state)
{
    enum { PIECE = 16384, PIECES = 256 };
    static char piece[PIECE + 1];
    struct sim_road r;
    prepare(&r, "requestSize", "{\"max\":\"4Mi\"}");
    struct sim_peer *client = start(&r);
    size_t got = 0;
    memset(piece, 'x', PIECE);
    sim_peer_send(client, POST "content-length: 4194304\r\n\r\n");
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_forget(app);
    for (unsigned i = 0; i < PIECES; i++) {
        sim_peer_send(client, piece);
        sim_turn(&r.sim);
        got += strlen(sim_peer_got(app));
        sim_peer_forget(app);
    }
    assert_int_equal(got, PIECE * PIECES);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&r, client);
}

/* ---- what cannot be made ---- */

static void a_broken_filter_closes_its_route(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    sim_route *guarded = sim_conf_route(&r.conf, r.destination, "/guarded", "app");
    sim_conf_name(&r.conf, &guarded->n_filters, &guarded->filters,
                  sim_conf_broken_filter(&r.conf, "test", "there is no HTTPFilter shop/limits"));
    sim_conf_route(&r.conf, r.destination, "/", "app");
    struct sim_peer *client = start(&r);
    sim_peer_send(client, "GET /guarded HTTP/1.1\r\nhost: app\r\n\r\n");
    sim_peer_expect_part(client, "HTTP/1.1 500 ", "there is no HTTPFilter shop/limits");
    assert_int_equal(sim_report.fail, FAIL_FILTER_BROKEN);
    sim_peer_send(client, ROAD_GET);
    sim_peer_send(sim_road_app(&r), ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&r, client);
}

/* Nobody sent the filter that the route names. */
static void a_filter_that_is_not_there(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    sim_route *guarded = sim_conf_route(&r.conf, r.destination, "/guarded", "app");
    sim_conf_name(&r.conf, &guarded->n_filters, &guarded->filters,
                  "filter/shop/limits/requestSize");
    sim_conf_route(&r.conf, r.destination, "/", "app");
    struct sim_peer *client = start(&r);
    sim_peer_send(client, "GET /guarded HTTP/1.1\r\nhost: app\r\n\r\n");
    sim_peer_expect_part(client, "HTTP/1.1 500 ",
                         "there is no filter/shop/limits/requestSize in this configuration");
    assert_int_equal(sim_report.fail, FAIL_FILTER_BROKEN);
    sim_peer_send(client, ROAD_GET);
    sim_peer_send(sim_road_app(&r), ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&r, client);
}

/* A filter of one share of a route is not there for the others. */
static void a_filter_of_a_backend(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    sim_route *route = sim_conf_route(&r.conf, r.destination, "/", "app");
    Weft__Config__V1__WeightedCluster *share = route->clusters[0];
    sim_conf_name(&r.conf, &share->n_filters, &share->filters,
                  sim_conf_filter(&r.conf, "small", "requestSize", SMALL));
    struct sim_peer *client = start(&r);
    sim_peer_send(client, POST "content-length: 6\r\n\r\n");
    sim_peer_expect_part(client, "HTTP/1.1 413 ", "request_too_large");
    finish(&r, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_back_then_sent),
        cmocka_unit_test(a_body_comes_meanwhile),
        cmocka_unit_test(the_client_leaves_meanwhile),
        cmocka_unit_test(the_deadline_comes_first),
        cmocka_unit_test(an_answer_of_the_filter),
        cmocka_unit_test(answered_without_a_backend),
        cmocka_unit_test(too_large_by_its_length),
        cmocka_unit_test(too_large_as_it_grows),
        cmocka_unit_test(too_large_after_the_answer),
        cmocka_unit_test(small_enough),
        cmocka_unit_test(a_long_body),
        cmocka_unit_test(a_broken_filter_closes_its_route),
        cmocka_unit_test(a_filter_that_is_not_there),
        cmocka_unit_test(a_filter_of_a_backend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
