/* Which endpoint gets a request, which is left alone for a while, and how much at once.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <stdio.h>
#include <string.h>

#define LB(name) WEFT__CONFIG__V1__LOAD_BALANCING__LB_##name

enum { APPS = 4 };

/* A service with several endpoints, 10.0.0.1 and up, each an HTTP server. */
struct service {
    struct sim_road r;
    struct sim_server apps[APPS];
    struct sim_client client;
};

static void prepare(struct service *s, unsigned endpoints)
{
    sim_road_prepare(&s->r);
    for (unsigned i = 1; i < endpoints; i++) {
        char at[32];
        snprintf(at, sizeof(at), "10.0.0.%u:8080", i + 1);
        sim_conf_endpoint(&s->r.conf, s->r.cluster, at);
    }
}

static void start(struct service *s, enum http_protocol protocol)
{
    s->r.cluster->protocol = protocol == HTTP_PROTOCOL_2 ? SIM_HTTP2 : SIM_HTTP1;
    sim_node_open(&s->r.node, &s->r.sim, MODE_SIDECAR, "10.0.9.1", &s->r.conf);
    for (unsigned i = 0; i < APPS; i++) {
        char at[32];
        snprintf(at, sizeof(at), "10.0.0.%u:8080", i + 1);
        sim_server_open(&s->apps[i], s->r.sim.loop, at, protocol);
    }
    sim_client_open(&s->client, sim_node_dial(&s->r.node, ROAD_VIP), HTTP_PROTOCOL_2);
    sim_turn(&s->r.sim);
}

static void finish(struct service *s)
{
    sim_client_close(&s->client);
    sim_node_check_idle(&s->r.node);
    for (unsigned i = 0; i < APPS; i++)
        sim_server_close(&s->apps[i]);
    sim_turn(&s->r.sim);
    sim_node_close(&s->r.node);
    sim_conf_dispose(&s->r.conf);
    sim_close(&s->r.sim);
}

static struct sim_call *ask(struct service *s)
{
    struct sim_call *call = sim_client_call(&s->client, "GET", "app", "/", NULL, true);
    sim_turn(&s->r.sim);
    return call;
}

/* ---- balancing ---- */

static void spread(Weft__Config__V1__LoadBalancing algorithm, unsigned low, unsigned high)
{
    enum { REQUESTS = 1200 };
    struct service s;
    prepare(&s, 3);
    s.r.cluster->load_balancing = algorithm;
    start(&s, HTTP_PROTOCOL_1);
    for (unsigned i = 0; i < REQUESTS; i++) {
        assert_true(ask(&s)->done);
        sim_advance(&s.r.sim, 1);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(s.apps[i].requests, low, high);
    assert_int_equal(s.apps[3].requests, 0);
    finish(&s);
}

static void equal_endpoints_get_equal_shares(void **state)
{
    spread(LB(ROUND_ROBIN), 400, 400);
    spread(LB(RANDOM), 340, 460);
    spread(LB(LEAST_REQUEST), 300, 500);
    spread(LB(DEFAULT), 200, 600);
}

/* Who is busy gets nothing while others are free. */
static void busy_endpoint_is_avoided(void **state)
{
    static const Weft__Config__V1__LoadBalancing algorithms[] = {LB(DEFAULT), LB(LEAST_REQUEST)};
    for (unsigned a = 0; a < 2; a++) {
        struct service s;
        prepare(&s, 2);
        s.r.cluster->load_balancing = algorithms[a];
        start(&s, HTTP_PROTOCOL_1);
        /* Both are known, and equally fast. */
        for (int i = 0; i < 50; i++)
            ask(&s);
        s.apps[0].manual = true;
        unsigned before = s.apps[0].requests;
        for (int i = 0; i < 60; i++)
            ask(&s);
        /* Choosing two at random, it can only be chosen against itself. */
        assert_in_range(s.apps[0].requests - before, 1, 35);
        finish(&s);
    }
}

static void slow_endpoint_gets_less(void **state)
{
    struct service s;
    prepare(&s, 2);
    start(&s, HTTP_PROTOCOL_1);
    s.apps[0].manual = true; /* answers after 100 ms, the other at once */
    unsigned answered = 0;
    for (int i = 0; i < 400; i++) {
        ask(&s);
        if (s.apps[0].requests > answered) {
            sim_advance(&s.r.sim, 100);
            sim_server_answer(sim_server_call(&s.apps[0], answered++), 200, "slow");
            sim_turn(&s.r.sim);
        } else {
            sim_advance(&s.r.sim, 1);
        }
    }
    assert_in_range(s.apps[0].requests, 1, 150);
    finish(&s);
}

static void unready_endpoints_get_nothing(void **state)
{
    struct service s;
    prepare(&s, 3);
    s.r.endpoint->ready = false;
    start(&s, HTTP_PROTOCOL_1);
    for (int i = 0; i < 100; i++)
        assert_true(ask(&s)->done);
    assert_int_equal(s.apps[0].requests, 0);
    assert_int_equal(s.apps[1].requests + s.apps[2].requests, 100);
    finish(&s);
}

/* The second attempt goes elsewhere, whatever the algorithm. */
static void another_endpoint_is_tried(void **state)
{
    static const Weft__Config__V1__LoadBalancing algorithms[] = {LB(DEFAULT), LB(ROUND_ROBIN),
                                                                 LB(RANDOM), LB(LEAST_REQUEST)};
    for (unsigned a = 0; a < 4; a++) {
        struct service s;
        Weft__Config__V1__OutlierDetection off = WEFT__CONFIG__V1__OUTLIER_DETECTION__INIT;
        prepare(&s, 2);
        off.disabled = true;
        s.r.cluster->outlier = &off;
        s.r.cluster->load_balancing = algorithms[a];
        start(&s, HTTP_PROTOCOL_1);
        s.apps[0].host.answer = SIM_REFUSE;
        for (int i = 0; i < 40; i++) {
            struct sim_call *call = ask(&s);
            sim_advance(&s.r.sim, 300);
            assert_true(call->done);
            assert_int_equal(call->head->status, 200);
        }
        finish(&s);
    }
}

/* ---- ejection ---- */

static void ask_times(struct service *s, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        ask(s);
        sim_advance(&s->r.sim, 10);
    }
}

static void failing_endpoint_is_ejected_and_returns(void **state)
{
    struct service s;
    prepare(&s, 2);
    s.r.cluster->load_balancing = LB(ROUND_ROBIN);
    start(&s, HTTP_PROTOCOL_1);
    s.apps[0].status = 500;
    ask_times(&s, 20);
    /* Five failures in a row, then no more for five seconds. */
    assert_int_equal(s.apps[0].requests, 5);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 1);
    sim_advance(&s.r.sim, 4500);
    ask_times(&s, 10);
    assert_int_equal(s.apps[0].requests, 5);
    sim_advance(&s.r.sim, 500);
    /* Back on trial; the second time is twice as long. */
    ask_times(&s, 20);
    assert_int_equal(s.apps[0].requests, 10);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 2);
    sim_advance(&s.r.sim, 9000);
    ask_times(&s, 10);
    assert_int_equal(s.apps[0].requests, 10);
    sim_advance(&s.r.sim, 1000);
    /* It has recovered. */
    s.apps[0].status = 200;
    unsigned before = s.apps[0].requests;
    ask_times(&s, 100);
    assert_int_equal(s.apps[0].requests - before, 50);
    s.apps[0].status = 500;
    ask_times(&s, 20);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 3);
    sim_advance(&s.r.sim, 4800);
    before = s.apps[0].requests;
    s.apps[0].status = 200;
    ask_times(&s, 40);
    assert_true(s.apps[0].requests > before); /* five seconds again, not twenty */
    finish(&s);
}

static void success_forgives(void **state)
{
    struct service s;
    prepare(&s, 2);
    s.r.cluster->load_balancing = LB(ROUND_ROBIN);
    start(&s, HTTP_PROTOCOL_1);
    for (int round = 0; round < 10; round++) {
        s.apps[0].status = 500;
        ask_times(&s, 8); /* four of them there */
        s.apps[0].status = 200;
        ask_times(&s, 2);
    }
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 0);
    assert_int_equal(s.apps[0].requests, 50);
    finish(&s);
}

static void last_endpoint_is_never_ejected(void **state)
{
    for (unsigned endpoints = 1; endpoints <= 2; endpoints++) {
        struct service s;
        prepare(&s, endpoints);
        start(&s, HTTP_PROTOCOL_1);
        s.apps[0].status = s.apps[1].status = 500;
        ask_times(&s, 60);
        assert_int_equal(sim_report.values[METRICS_EJECTIONS], endpoints - 1);
        assert_int_equal(s.apps[0].requests + s.apps[1].requests, 60);
        finish(&s);
    }
}

static void not_more_than_the_share(void **state)
{
    struct service s;
    prepare(&s, 4);
    s.r.cluster->load_balancing = LB(ROUND_ROBIN);
    start(&s, HTTP_PROTOCOL_1);
    for (unsigned i = 0; i < 3; i++)
        s.apps[i].status = 500;
    ask_times(&s, 100);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 2); /* half of four */
    finish(&s);
}

/* What failed before a configuration change counts after it. */
static void ejection_survives_a_change(void **state)
{
    struct service s;
    prepare(&s, 2);
    s.r.cluster->load_balancing = LB(ROUND_ROBIN);
    start(&s, HTTP_PROTOCOL_1);
    s.apps[0].status = 500;
    ask_times(&s, 20);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 1);
    sim_conf_endpoint(&s.r.conf, s.r.cluster, "10.0.0.3:8080");
    sim_node_adopt(&s.r.node, &s.r.conf);
    unsigned before = s.apps[0].requests;
    ask_times(&s, 20);
    assert_int_equal(s.apps[0].requests, before);
    assert_int_equal(s.apps[2].requests, 10);
    finish(&s);
}

/* ---- breakers ---- */

static Weft__Config__V1__CircuitBreaker *limit(struct service *s)
{
    Weft__Config__V1__CircuitBreaker *b = arena_alloc(&s->r.conf.arena, sizeof(*b));
    weft__config__v1__circuit_breaker__init(b);
    return s->r.cluster->breaker = b;
}

static void max_requests(void **state)
{
    struct service s;
    prepare(&s, 1);
    limit(&s)->max_requests = 3;
    start(&s, HTTP_PROTOCOL_1);
    s.apps[0].manual = true;
    struct sim_call *calls[4];
    for (int i = 0; i < 4; i++)
        calls[i] = ask(&s);
    assert_int_equal(s.apps[0].requests, 3);
    assert_true(calls[3]->done);
    assert_int_equal(calls[3]->head->status, 503);
    assert_string_equal(sim_call_header(calls[3], "x-weft-reason"), "overflow");
    for (unsigned i = 0; i < 3; i++)
        sim_server_answer(sim_server_call(&s.apps[0], i), 200, "ok");
    sim_turn(&s.r.sim);
    calls[3] = ask(&s);
    assert_int_equal(s.apps[0].requests, 4);
    finish(&s);
}

/* More connections than allowed are not made; whoever comes waits for one, in order. */
static void max_connections(void **state)
{
    struct service s;
    prepare(&s, 1);
    limit(&s)->max_connections = 2;
    start(&s, HTTP_PROTOCOL_1);
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
    finish(&s);
}

static void max_pending(void **state)
{
    struct service s;
    prepare(&s, 1);
    Weft__Config__V1__CircuitBreaker *b = limit(&s);
    b->max_connections = 1;
    b->max_pending = 2;
    start(&s, HTTP_PROTOCOL_1);
    s.apps[0].manual = true;
    struct sim_call *calls[4];
    for (int i = 0; i < 4; i++)
        calls[i] = ask(&s);
    assert_true(calls[3]->done);
    assert_int_equal(calls[3]->head->status, 503);
    assert_string_equal(sim_call_header(calls[3], "x-weft-reason"), "overflow");
    for (unsigned i = 0; i < 3; i++) {
        sim_server_answer(sim_server_call(&s.apps[0], i), 200, "ok");
        sim_turn(&s.r.sim);
        assert_true(calls[i]->done);
    }
    finish(&s);
}

/* The one who is next in line goes away just when it is its turn: the turn is not lost. When that
 * is depends on how long its reset takes to arrive. */
static void turn_is_passed_on(void **state)
{
    for (size_t piece = 1; piece < 14; piece++) {
        struct service s;
        prepare(&s, 1);
        limit(&s)->max_connections = 1;
        start(&s, HTTP_PROTOCOL_1);
        s.apps[0].manual = true;
        s.r.node.pieces.piece = piece;
        struct sim_client other;
        sim_client_open(&other, sim_node_dial(&s.r.node, ROAD_VIP), HTTP_PROTOCOL_2);
        struct sim_call *first = ask(&s);
        struct sim_call *second = sim_client_call(&other, "GET", "app", "/", NULL, true);
        sim_turn(&s.r.sim);
        struct sim_call *third = ask(&s);
        sim_server_answer(sim_server_call(&s.apps[0], 0), 200, "ok");
        sim_call_reset(second, ERR_CANCELED);
        sim_turn(&s.r.sim);
        assert_true(first->done);
        struct sim_call *got = sim_server_call(&s.apps[0], s.apps[0].requests - 1);
        sim_server_answer(got, 200, "ok");
        sim_turn(&s.r.sim);
        assert_true(third->done);
        sim_client_close(&other);
        finish(&s);
    }
}

/* The connection breaks that others wait for. */
static void waiters_outlive_a_connection(void **state)
{
    struct service s;
    prepare(&s, 1);
    limit(&s)->max_connections = 1;
    s.r.cluster->retry = sim_conf_retry(&s.r.conf);
    start(&s, HTTP_PROTOCOL_1);
    s.apps[0].manual = true;
    struct sim_call *first = ask(&s), *second = ask(&s);
    sim_server_drop(&s.apps[0]);
    sim_turn(&s.r.sim);
    assert_true(first->done);
    assert_int_equal(first->head->status, 502);
    assert_int_equal(s.apps[0].requests, 2);
    sim_server_answer(sim_server_call(&s.apps[0], 1), 200, "ok");
    sim_turn(&s.r.sim);
    assert_true(second->done);
    assert_int_equal(second->head->status, 200);
    finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_endpoints_get_equal_shares),
        cmocka_unit_test(busy_endpoint_is_avoided),
        cmocka_unit_test(slow_endpoint_gets_less),
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
