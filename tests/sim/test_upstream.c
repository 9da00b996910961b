/* Which endpoint gets a request, which is left alone for a while, and how much at once.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_service.h"

#include <stdio.h>
#include <string.h>

/* ---- balancing ---- */

static void spread(const char *algorithm, unsigned low, unsigned high)
{
    enum { REQUESTS = 1200 };
    struct sim_service s;
    sim_service_prepare(&s, 3);
    sim_conf_balance(s.r.cluster, algorithm);
    sim_service_start(&s, HTTP_PROTOCOL_1);
    for (unsigned i = 0; i < REQUESTS; i++) {
        assert_true(sim_service_ask(&s)->done);
        sim_advance(&s.r.sim, 1);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(s.apps[i].requests, low, high);
    assert_int_equal(s.apps[3].requests, 0);
    sim_service_finish(&s);
}

/* requirement: D17 */
static void equal_endpoints_get_equal_shares(void **state)
{
    spread("RoundRobin", 400, 400);
    spread("Random", 340, 460);
    spread("LeastRequest", 300, 500);
    spread("PeakEWMA", 200, 600);
}

/* requirement: D2 */
/* Who is busy gets nothing while others are free. */
static void busy_endpoint_is_avoided(void **state)
{
    static const char *const algorithms[] = {"PeakEWMA", "LeastRequest"};
    for (unsigned a = 0; a < 2; a++) {
        struct sim_service s;
        sim_service_prepare(&s, 2);
        sim_conf_balance(s.r.cluster, algorithms[a]);
        sim_service_start(&s, HTTP_PROTOCOL_1);
        /* Both are known, and equally fast. */
        for (int i = 0; i < 50; i++)
            sim_service_ask(&s);
        s.apps[0].manual = true;
        unsigned before = s.apps[0].requests;
        for (int i = 0; i < 60; i++)
            sim_service_ask(&s);
        /* Choosing two at random, it can only be chosen against itself. */
        assert_in_range(s.apps[0].requests - before, 1, 35);
        sim_service_finish(&s);
    }
}

static void slow_endpoint_gets_less(void **state)
{
    struct sim_service s;
    sim_service_prepare(&s, 2);
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].manual = true; /* answers after 100 ms, the other at once */
    unsigned answered = 0;
    for (int i = 0; i < 400; i++) {
        sim_service_ask(&s);
        if (s.apps[0].requests > answered) {
            sim_advance(&s.r.sim, 100);
            sim_server_answer(sim_server_call(&s.apps[0], answered++), 200, "slow");
            sim_turn(&s.r.sim);
        } else {
            sim_advance(&s.r.sim, 1);
        }
    }
    assert_in_range(s.apps[0].requests, 1, 150);
    sim_service_finish(&s);
}

/* Who weighs twice as much gets twice as much at once. */
static void weights_of_endpoints(void **state)
{
    enum { REQUESTS = 90 };
    for (unsigned heavy = 0; heavy < 2; heavy++) {
        struct sim_service s;
        sim_service_prepare(&s, 2);
        sim_conf_balance(s.r.cluster, "LeastRequest");
        s.r.cluster->endpoints[heavy]->weight = 2;
        sim_service_start(&s, HTTP_PROTOCOL_1);
        s.apps[0].manual = s.apps[1].manual = true;
        for (unsigned i = 0; i < REQUESTS; i++)
            sim_service_ask(&s);
        assert_in_range(s.apps[heavy].requests, 55, 65);
        assert_int_equal(s.apps[0].requests + s.apps[1].requests, REQUESTS);
        sim_service_finish(&s);
    }
}

static void unready_endpoints_get_nothing(void **state)
{
    struct sim_service s;
    sim_service_prepare(&s, 3);
    s.r.endpoint->ready = false;
    sim_service_start(&s, HTTP_PROTOCOL_1);
    for (int i = 0; i < 100; i++)
        assert_true(sim_service_ask(&s)->done);
    assert_int_equal(s.apps[0].requests, 0);
    assert_int_equal(s.apps[1].requests + s.apps[2].requests, 100);
    sim_service_finish(&s);
}

/* The second attempt goes elsewhere, whatever the algorithm. */
static void another_endpoint_is_tried(void **state)
{
    static const char *const algorithms[] = {"PeakEWMA", "RoundRobin",
                                                                 "Random", "LeastRequest"};
    for (unsigned a = 0; a < 4; a++) {
        struct sim_service s;
        sim_service_prepare(&s, 2);
        s.r.cluster->outlier->disabled = true;
        sim_conf_balance(s.r.cluster, algorithms[a]);
        sim_service_start(&s, HTTP_PROTOCOL_1);
        s.apps[0].host.answer = SIM_REFUSE;
        for (int i = 0; i < 40; i++) {
            struct sim_call *call = sim_service_ask(&s);
            sim_advance(&s.r.sim, 300);
            assert_true(call->done);
            assert_int_equal(call->head->status, 200);
        }
        sim_service_finish(&s);
    }
}

/* ---- ejection ---- */

/* requirement: D8 */
static void failing_endpoint_is_ejected_and_returns(void **state)
{
    struct sim_service s;
    sim_service_prepare(&s, 2);
    sim_conf_balance(s.r.cluster, "RoundRobin");
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].status = 500;
    sim_service_ask_times(&s, 20);
    /* Five failures in a row, then no more for five seconds. */
    assert_int_equal(s.apps[0].requests, 5);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 1);
    sim_advance(&s.r.sim, 4500);
    sim_service_ask_times(&s, 10);
    assert_int_equal(s.apps[0].requests, 5);
    sim_advance(&s.r.sim, 500);
    /* Back on trial; the second time is twice as long. */
    sim_service_ask_times(&s, 20);
    assert_int_equal(s.apps[0].requests, 10);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 2);
    sim_advance(&s.r.sim, 9000);
    sim_service_ask_times(&s, 10);
    assert_int_equal(s.apps[0].requests, 10);
    sim_advance(&s.r.sim, 1000);
    /* It has recovered. */
    s.apps[0].status = 200;
    unsigned before = s.apps[0].requests;
    sim_service_ask_times(&s, 100);
    assert_int_equal(s.apps[0].requests - before, 50);
    s.apps[0].status = 500;
    sim_service_ask_times(&s, 20);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 3);
    sim_advance(&s.r.sim, 4800);
    before = s.apps[0].requests;
    s.apps[0].status = 200;
    sim_service_ask_times(&s, 40);
    assert_true(s.apps[0].requests > before); /* five seconds again, not twenty */
    sim_service_finish(&s);
}

static void success_forgives(void **state)
{
    struct sim_service s;
    sim_service_prepare(&s, 2);
    sim_conf_balance(s.r.cluster, "RoundRobin");
    sim_service_start(&s, HTTP_PROTOCOL_1);
    for (int round = 0; round < 10; round++) {
        s.apps[0].status = 500;
        sim_service_ask_times(&s, 8); /* four of them there */
        s.apps[0].status = 200;
        sim_service_ask_times(&s, 2);
    }
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 0);
    assert_int_equal(s.apps[0].requests, 50);
    sim_service_finish(&s);
}

static void last_endpoint_is_never_ejected(void **state)
{
    for (unsigned endpoints = 1; endpoints <= 2; endpoints++) {
        struct sim_service s;
        sim_service_prepare(&s, endpoints);
        sim_service_start(&s, HTTP_PROTOCOL_1);
        s.apps[0].status = s.apps[1].status = 500;
        sim_service_ask_times(&s, 60);
        assert_int_equal(sim_report.values[METRICS_EJECTIONS], endpoints - 1);
        assert_int_equal(s.apps[0].requests + s.apps[1].requests, 60);
        sim_service_finish(&s);
    }
}

/* requirement: D8 */
static void not_more_than_the_share(void **state)
{
    struct sim_service s;
    sim_service_prepare(&s, 4);
    sim_conf_balance(s.r.cluster, "RoundRobin");
    sim_service_start(&s, HTTP_PROTOCOL_1);
    for (unsigned i = 0; i < 3; i++)
        s.apps[i].status = 500;
    sim_service_ask_times(&s, 100);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 2); /* half of four */
    sim_service_finish(&s);
}

/* What failed before a configuration change counts after it. */
static void ejection_survives_a_change(void **state)
{
    struct sim_service s;
    sim_service_prepare(&s, 2);
    sim_conf_balance(s.r.cluster, "RoundRobin");
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].status = 500;
    sim_service_ask_times(&s, 20);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 1);
    sim_conf_endpoint(&s.r.conf, s.r.cluster, "10.0.0.3:8080");
    sim_node_adopt(&s.r.node, &s.r.conf);
    unsigned before = s.apps[0].requests;
    sim_service_ask_times(&s, 20);
    assert_int_equal(s.apps[0].requests, before);
    assert_int_equal(s.apps[2].requests, 10);
    sim_service_finish(&s);
}

/* ---- breakers ---- */

static Weft__Config__V1__CircuitBreaker *limit(struct sim_service *s)
{
    return s->r.cluster->breaker;
}

/* requirement: D9 */
static void max_requests(void **state)
{
    struct sim_service s;
    sim_service_prepare(&s, 1);
    limit(&s)->max_requests = 3;
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].manual = true;
    struct sim_call *calls[4];
    for (int i = 0; i < 4; i++)
        calls[i] = sim_service_ask(&s);
    assert_int_equal(s.apps[0].requests, 3);
    assert_true(calls[3]->done);
    assert_int_equal(calls[3]->head->status, 503);
    assert_string_equal(sim_call_header(calls[3], "x-weft-reason"), "overflow");
    for (unsigned i = 0; i < 3; i++)
        sim_server_answer(sim_server_call(&s.apps[0], i), 200, "ok");
    sim_turn(&s.r.sim);
    calls[3] = sim_service_ask(&s);
    assert_int_equal(s.apps[0].requests, 4);
    sim_service_finish(&s);
}

/* requirement: D9 */
/* More connections than allowed are not made; whoever comes waits for one, in order. */
static void max_connections(void **state)
{
    struct sim_service s;
    sim_service_prepare(&s, 1);
    limit(&s)->max_connections = 2;
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].manual = true;
    struct sim_call *calls[6];
    for (int i = 0; i < 6; i++) {
        char path[16];
        snprintf(path, sizeof(path), "/%d", i);
        calls[i] = sim_client_call(&s.client, "GET", "app", path, NULL, true);
        sim_turn(&s.r.sim);
    }
    assert_int_equal(s.apps[0].host.dials, 2);
    assert_int_equal(s.apps[0].requests, 2);
    assert_int_equal(sim_node_cluster(&s.r.node, "app")->pending, 4);
    for (unsigned i = 0; i < 6; i++) {
        struct sim_call *got = sim_server_call(&s.apps[0], i);
        char path[16];
        assert_non_null(got);
        snprintf(path, sizeof(path), "/%u", i);
        assert_true(slice_eq_cstr(got->head->path, path));
        sim_server_answer(got, 200, "ok");
        sim_turn(&s.r.sim);
        assert_true(calls[i]->done);
    }
    assert_int_equal(s.apps[0].host.dials, 2);
    sim_service_finish(&s);
}

/* requirement: D9 */
static void max_pending(void **state)
{
    struct sim_service s;
    sim_service_prepare(&s, 1);
    Weft__Config__V1__CircuitBreaker *b = limit(&s);
    b->max_connections = 1;
    b->max_pending = 2;
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].manual = true;
    struct sim_call *calls[4];
    for (int i = 0; i < 4; i++)
        calls[i] = sim_service_ask(&s);
    assert_true(calls[3]->done);
    assert_int_equal(calls[3]->head->status, 503);
    assert_string_equal(sim_call_header(calls[3], "x-weft-reason"), "overflow");
    for (unsigned i = 0; i < 3; i++) {
        sim_server_answer(sim_server_call(&s.apps[0], i), 200, "ok");
        sim_turn(&s.r.sim);
        assert_true(calls[i]->done);
    }
    sim_service_finish(&s);
}

/* The one who is next in line goes away just when it is its turn: the turn is not lost. When that
 * is depends on how long its reset takes to arrive. */
static void turn_is_passed_on(void **state)
{
    for (size_t piece = 1; piece < 14; piece++) {
        struct sim_service s;
        sim_service_prepare(&s, 1);
        limit(&s)->max_connections = 1;
        sim_service_start(&s, HTTP_PROTOCOL_1);
        s.apps[0].manual = true;
        s.r.node.pieces.piece = piece;
        struct sim_client other;
        sim_client_open(&other, sim_node_dial(&s.r.node, ROAD_VIP), HTTP_PROTOCOL_2);
        struct sim_call *first = sim_service_ask(&s);
        struct sim_call *second = sim_client_call(&other, "GET", "app", "/", NULL, true);
        sim_turn(&s.r.sim);
        struct sim_call *third = sim_service_ask(&s);
        sim_server_answer(sim_server_call(&s.apps[0], 0), 200, "ok");
        sim_call_reset(second, ERR_CANCELED);
        sim_turn(&s.r.sim);
        assert_true(first->done);
        struct sim_call *got = sim_server_call(&s.apps[0], s.apps[0].requests - 1);
        sim_server_answer(got, 200, "ok");
        sim_turn(&s.r.sim);
        assert_true(third->done);
        sim_client_close(&other);
        sim_service_finish(&s);
    }
}

/* The connection breaks that others wait for. */
static void waiters_outlive_a_connection(void **state)
{
    struct sim_service s;
    sim_service_prepare(&s, 1);
    limit(&s)->max_connections = 1;
    s.r.cluster->retry = sim_conf_retry(&s.r.conf);
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].manual = true;
    struct sim_call *first = sim_service_ask(&s), *second = sim_service_ask(&s);
    sim_server_drop(&s.apps[0]);
    sim_turn(&s.r.sim);
    assert_true(first->done);
    assert_int_equal(first->head->status, 502);
    assert_int_equal(s.apps[0].requests, 2);
    sim_server_answer(sim_server_call(&s.apps[0], 1), 200, "ok");
    sim_turn(&s.r.sim);
    assert_true(second->done);
    assert_int_equal(second->head->status, 200);
    sim_service_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_endpoints_get_equal_shares),
        cmocka_unit_test(busy_endpoint_is_avoided),
        cmocka_unit_test(slow_endpoint_gets_less),
        cmocka_unit_test(weights_of_endpoints),
        cmocka_unit_test(unready_endpoints_get_nothing),
        cmocka_unit_test(another_endpoint_is_tried),
        cmocka_unit_test(failing_endpoint_is_ejected_and_returns),
        cmocka_unit_test(success_forgives),
        cmocka_unit_test(last_endpoint_is_never_ejected),
        cmocka_unit_test(not_more_than_the_share),
        cmocka_unit_test(ejection_survives_a_change),
        cmocka_unit_test(max_requests),
        cmocka_unit_test(max_connections),
        cmocka_unit_test(max_pending),
        cmocka_unit_test(turn_is_passed_on),
        cmocka_unit_test(waiters_outlive_a_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
