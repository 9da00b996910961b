/* For how long an endpoint that fails is left alone, and what is no sign of failing.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_service.h"

#define ROUND_ROBIN "RoundRobin"

static Weft__Config__V1__OutlierDetection *outlier(struct sim_service *s)
{
    Weft__Config__V1__OutlierDetection *o = arena_alloc(&s->r.conf.arena, sizeof(*o));
    weft__config__v1__outlier_detection__init(o);
    o->consecutive_failures = 3;
    o->base_ejection_ms = 1000;
    o->max_ejection_ms = 3000;
    o->max_ejection_percent = 50;
    return s->r.cluster->outlier = o;
}

/* How long the first app is left alone, in milliseconds: from its n-th ejection until it is asked
 * again. */
static unsigned time_of_ejection(struct sim_service *s, unsigned n)
{
    unsigned time_ms = 0;
    for (unsigned i = 0; i < 20 && sim_report.values[METRICS_EJECTIONS] < n; i++)
        sim_service_ask_times(s, 1);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], n);
    unsigned before = s->apps[0].requests;
    while (s->apps[0].requests == before && time_ms < 100000) {
        sim_service_ask_times(s, 1);
        time_ms += 10;
    }
    return time_ms;
}

/* 1 s, 2 s, and then three and no more, however often it comes back and fails. */
static void ejections_have_a_longest(void **state)
{
    static const unsigned lengths[] = {1000, 2000, 3000, 3000, 3000};
    struct sim_service s;
    sim_service_prepare(&s, 2);
    sim_conf_balance(s.r.cluster, ROUND_ROBIN);
    outlier(&s);
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].status = 500;
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        assert_in_range(time_of_ejection(&s, i + 1), lengths[i], lengths[i] + 30);
    sim_service_finish(&s);
}

/* As nginx's max_fails=3 fail_timeout=1s: successes between failures do not forgive, time does.
 * requirement: D7 */
static void failures_within_a_time(void **state)
{
    for (int is_slow = 0; is_slow < 2; is_slow++) {
        struct sim_service s;
        sim_service_prepare(&s, 2);
        sim_conf_balance(s.r.cluster, ROUND_ROBIN);
        Weft__Config__V1__OutlierDetection *o = outlier(&s);
        o->window_ms = o->max_ejection_ms = 1000;
        sim_service_start(&s, HTTP_PROTOCOL_1);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(sim_report.values[METRICS_EJECTIONS], 0);
            s.apps[0].status = 500;
            sim_service_ask_times(&s, 2); /* one of them fails */
            s.apps[0].status = 200;
            sim_service_ask_times(&s, 4);
            sim_advance(&s.r.sim, is_slow ? 500 : 100);
        }
        assert_int_equal(sim_report.values[METRICS_EJECTIONS], !is_slow);
        unsigned before = s.apps[0].requests;
        sim_service_ask_times(&s, 10);
        assert_int_equal(s.apps[0].requests - before, is_slow ? 5 : 0);
        sim_advance(&s.r.sim, 1000);
        before = s.apps[0].requests;
        sim_service_ask_times(&s, 10);
        assert_int_equal(s.apps[0].requests - before, 5);
        sim_service_finish(&s);
    }
}

/* An answer to what was asked before the ejection is no recovery: the next one is longer. */
static void late_success_is_no_recovery(void **state)
{
    for (int is_late = 0; is_late < 2; is_late++) {
        struct sim_service s;
        sim_service_prepare(&s, 2);
        sim_conf_balance(s.r.cluster, ROUND_ROBIN);
        outlier(&s);
        sim_service_start(&s, HTTP_PROTOCOL_1);
        s.apps[0].manual = true;
        sim_service_ask_times(&s, 8);
        assert_int_equal(s.apps[0].requests, 4);
        for (unsigned i = 0; i < 3; i++)
            sim_server_answer(sim_server_call(&s.apps[0], i), 500, "");
        sim_turn(&s.r.sim);
        assert_int_equal(sim_report.values[METRICS_EJECTIONS], 1);
        sim_advance(&s.r.sim, is_late ? 990 : 1000);
        sim_server_answer(sim_server_call(&s.apps[0], 3), 200, "late");
        sim_advance(&s.r.sim, 10);
        s.apps[0].manual = false;
        s.apps[0].status = 500;
        assert_in_range(time_of_ejection(&s, 2), is_late ? 2000 : 1000, is_late ? 2030 : 1030);
        sim_service_finish(&s);
    }
}

static struct sim_peer *accept_either(struct sim_road *r, struct sim_app *other)
{
    sim_turn(&r->sim);
    struct sim_peer *p = sim_app_accept(&r->app);
    p = p ? p : sim_app_accept(other);
    assert_non_null(p);
    return p;
}

/* Idle connections that an app closes just as they are used say nothing of the app; new ones that
 * it closes do. */
static void idle_closes_do_not_eject(void **state)
{
    enum { TIMES = 10 }; /* five for each app */
    static const char post[] =
        "POST /x HTTP/1.1\r\nhost: app\r\ncontent-length: 0\r\n\r\n";
    for (int is_new = 0; is_new < 2; is_new++) {
        struct sim_road r;
        struct sim_app other;
        struct sim_peer *clients[TIMES], *apps[TIMES];
        sim_road_prepare(&r);
        sim_conf_endpoint(&r.conf, r.cluster, "10.0.0.2:8080");
        sim_conf_balance(r.cluster, ROUND_ROBIN);
        sim_road_start(&r);
        sim_app_open(&other, "10.0.0.2:8080");
        for (unsigned i = 0; i < TIMES; i++) {
            clients[i] = sim_road_client(&r);
            sim_peer_send(clients[i], is_new ? post : ROAD_GET);
            apps[i] = accept_either(&r, &other);
        }
        for (unsigned i = 0; i < TIMES && !is_new; i++) {
            sim_peer_send(apps[i], ROAD_OK);
            sim_peer_expect(clients[i], ROAD_OK);
        }
        for (unsigned i = 0; i < TIMES && !is_new; i++)
            sim_peer_send(clients[i], post);
        sim_turn(&r.sim);
        for (unsigned i = 0; i < TIMES; i++)
            sim_peer_close(apps[i]);
        for (unsigned i = 0; i < TIMES; i++)
            sim_peer_expect_part(clients[i], "HTTP/1.1 502 ", "upstream_closed");
        assert_int_equal(sim_report.values[METRICS_EJECTIONS], is_new);
        for (unsigned i = 0; i < TIMES; i++)
            sim_peer_destroy(clients[i]);
        sim_node_check_idle(&r.node);
        sim_app_close(&other);
        sim_road_close(&r);
    }
}

/* ---- failures of each kind for themselves ---- */

static void prepare_kinds(struct sim_service *s)
{
    sim_service_prepare(s, 2);
    sim_conf_balance(s->r.cluster, ROUND_ROBIN);
    Weft__Config__V1__OutlierDetection *o = outlier(s);
    o->consecutive_failures = 2;
    o->http_failures = 5;
    o->tcp_failures = 3;
    o->timeouts = 4;
}

/* How many requests the first app gets until it is ejected. */
static unsigned requests_until_ejected(struct sim_service *s)
{
    unsigned before = s->apps[0].requests;
    for (unsigned i = 0; i < 40 && !sim_report.values[METRICS_EJECTIONS]; i++)
        sim_service_ask_times(s, 1);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 1);
    return s->apps[0].requests - before;
}

/* requirement: D6 */
static void answers_count_for_themselves(void **state)
{
    struct sim_service s;
    prepare_kinds(&s);
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].status = 503;
    assert_int_equal(requests_until_ejected(&s), 5);
    sim_service_finish(&s);
}

/* And those of a kind without a limit of its own count as before. */
static void other_answers_count_together(void **state)
{
    struct sim_service s;
    prepare_kinds(&s);
    s.r.cluster->outlier->http_failures = 0;
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].status = 503;
    assert_int_equal(requests_until_ejected(&s), 2);
    sim_service_finish(&s);
}

/* requirement: D6 */
static void which_answers_are_failures(void **state)
{
    static uint32_t statuses[] = {429, 503};
    struct sim_service s;
    prepare_kinds(&s);
    s.r.cluster->outlier->http_statuses = statuses;
    s.r.cluster->outlier->n_http_statuses = 2;
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].status = 500;
    sim_service_ask_times(&s, 40);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 0);
    s.apps[0].status = 429;
    assert_int_equal(requests_until_ejected(&s), 5);
    sim_service_finish(&s);
}

/* A good answer forgives failures of each kind. */
static void a_success_forgives_each_kind(void **state)
{
    struct sim_service s;
    prepare_kinds(&s);
    sim_service_start(&s, HTTP_PROTOCOL_1);
    for (unsigned i = 0; i < 4; i++) {
        s.apps[0].status = 503;
        sim_service_ask_times(&s, 2 * 4); /* it is asked every other time */
        s.apps[0].status = 200;
        sim_service_ask_times(&s, 2);
    }
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 0);
    sim_service_finish(&s);
}

/* Nobody listens there: one attempt of each other request. requirement: D6 */
static void connections_count_for_themselves(void **state)
{
    struct sim_service s;
    prepare_kinds(&s);
    s.r.cluster->retry->attempts = 0;
    sim_service_start(&s, HTTP_PROTOCOL_1);
    sim_server_close(&s.apps[0]);
    unsigned failed = 0;
    for (unsigned i = 0; i < 40 && !sim_report.values[METRICS_EJECTIONS]; i++) {
        struct sim_call *call = sim_service_ask(&s);
        sim_advance(&s.r.sim, 10);
        failed += call->done && call->head->status == 503;
    }
    assert_int_equal(failed, 3);
    sim_server_open(&s.apps[0], s.r.sim.loop, "10.0.0.1:8080", HTTP_PROTOCOL_1);
    sim_service_finish(&s);
}

/* requirement: D6 */
static void timeouts_count_for_themselves(void **state)
{
    struct sim_service s;
    prepare_kinds(&s);
    s.r.cluster->retry->attempts = 0;
    s.r.cluster->timeouts = sim_conf_timeouts(&s.r.conf);
    s.r.cluster->timeouts->backend_ms = 100;
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].manual = true;
    unsigned failed = 0;
    for (unsigned i = 0; i < 40 && !sim_report.values[METRICS_EJECTIONS]; i++) {
        struct sim_call *call = sim_service_ask(&s);
        sim_advance(&s.r.sim, 200);
        failed += call->done && call->head->status == 504;
    }
    assert_int_equal(failed, 4);
    sim_service_finish(&s);
}

/* Back again it has to answer well so often; until then one failure is too much, and its time
 * doubles. requirement: D6 */
static void back_on_probation(void **state)
{
    struct sim_service s;
    prepare_kinds(&s);
    s.r.cluster->outlier->successes = 3;
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].status = 503;
    requests_until_ejected(&s);
    s.apps[0].status = 200;
    sim_advance(&s.r.sim, 1000);
    sim_service_ask_times(&s, 4); /* two of them for it */
    s.apps[0].status = 503;
    sim_service_ask_times(&s, 2);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 2);
    s.apps[0].status = 200;
    unsigned before = s.apps[0].requests;
    sim_advance(&s.r.sim, 1900);
    sim_service_ask_times(&s, 4);
    assert_int_equal(s.apps[0].requests, before);
    sim_advance(&s.r.sim, 100);
    sim_service_ask_times(&s, 6); /* three of them for it: it is as good as the other */
    assert_int_equal(s.apps[0].requests, before + 3);
    s.apps[0].status = 503;
    sim_service_ask_times(&s, 2 * 4);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 2);
    assert_in_range(time_of_ejection(&s, 3), 1000, 1030); /* the shortest again */
    sim_service_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ejections_have_a_longest),
        cmocka_unit_test(failures_within_a_time),
        cmocka_unit_test(late_success_is_no_recovery),
        cmocka_unit_test(idle_closes_do_not_eject),
        cmocka_unit_test(answers_count_for_themselves),
        cmocka_unit_test(other_answers_count_together),
        cmocka_unit_test(which_answers_are_failures),
        cmocka_unit_test(a_success_forgives_each_kind),
        cmocka_unit_test(connections_count_for_themselves),
        cmocka_unit_test(timeouts_count_for_themselves),
        cmocka_unit_test(back_on_probation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
