/* Endpoints that come later, or are back from an ejection, and have their share only little by
 * little; and services of which so few endpoints are healthy that all are called.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_service.h"

#include <stdio.h>

enum { WINDOW_MS = 10000, ASKED = 200 };

static void say(sim_cluster *c)
{
    static char random[] = "Random";
    c->load_balancer = random;
    c->protocol = SIM_HTTP1;
    c->slow_start_ms = WINDOW_MS;
    c->slow_start_percent = 10;
}

/* The configuration again, with as many endpoints; unready: one of them (-1: none). */
static void adopt(struct sim_service *s, unsigned endpoints, int unready)
{
    struct sim_conf next;
    sim_conf_init(&next);
    sim_cluster *c = sim_conf_cluster(&next, "app");
    say(c);
    for (unsigned i = 0; i < endpoints; i++) {
        char at[32];
        snprintf(at, sizeof(at), "10.0.0.%u:8080", i + 1);
        sim_endpoint *e =
            sim_conf_endpoint(&next, c, arena_strdup(&next.arena, slice_from_cstr(at)));
        e->ready = (int)i != unready;
    }
    sim_conf_destination(&next, ROAD_VIP, "app", SIM_HTTP, "app");
    sim_node_adopt(&s->r.node, &next);
    sim_conf_dispose(&next);
}

/* How many of ASKED requests that app gets, without time passing. */
static unsigned share(struct sim_service *s, unsigned app)
{
    unsigned before = s->apps[app].requests;
    for (unsigned i = 0; i < ASKED; i++)
        sim_service_ask(s);
    return s->apps[app].requests - before;
}

static void begin(struct sim_service *s, unsigned endpoints)
{
    sim_service_prepare(s, endpoints);
    say(s->r.cluster);
    sim_service_start(s, HTTP_PROTOCOL_1);
    sim_service_ask_times(s, 1);
}

/* Half of all is the whole share of one of two. */
static void a_share_grows(void **state)
{
    struct sim_service s;
    begin(&s, 1);
    adopt(&s, 2, -1);
    assert_in_range(share(&s, 1), 1, 20);
    sim_advance(&s.r.sim, WINDOW_MS / 2);
    assert_in_range(share(&s, 1), 35, 75);
    sim_advance(&s.r.sim, WINDOW_MS / 2);
    assert_in_range(share(&s, 1), 80, 120);
    sim_service_finish(&s);
}

static void the_first_ones_are_not_new(void **state)
{
    struct sim_service s;
    begin(&s, 2);
    assert_in_range(share(&s, 0), 80, 120);
    sim_service_finish(&s);
}

static void who_becomes_ready_is_new(void **state)
{
    struct sim_service s;
    begin(&s, 2);
    adopt(&s, 2, 1);
    sim_advance(&s.r.sim, 2 * WINDOW_MS);
    assert_int_equal(share(&s, 1), 0);
    adopt(&s, 2, -1);
    assert_in_range(share(&s, 1), 1, 20);
    sim_advance(&s.r.sim, WINDOW_MS);
    assert_in_range(share(&s, 1), 80, 120);
    sim_service_finish(&s);
}

static void who_is_back_from_an_ejection_is_new(void **state)
{
    struct sim_service s;
    begin(&s, 2);
    s.apps[1].status = 500;
    for (unsigned i = 0; i < 60 && !sim_report.values[METRICS_EJECTIONS]; i++)
        sim_service_ask_times(&s, 1);
    s.apps[1].status = 200;
    assert_int_equal(share(&s, 1), 0);
    sim_advance(&s.r.sim, s.r.cluster->outlier->base_ejection_ms);
    assert_in_range(share(&s, 1), 1, 25);
    sim_advance(&s.r.sim, WINDOW_MS);
    assert_in_range(share(&s, 1), 80, 120);
    sim_service_finish(&s);
}

/* Two of three are ejected: with a threshold of 50 % the third does not get everything. */
static void panic(void **state)
{
    for (uint32_t percent = 0; percent <= 50; percent += 50) {
        struct sim_service s;
        sim_service_prepare(&s, 3);
        s.r.cluster->panic_percent = percent;
        s.r.cluster->outlier->consecutive_failures = 1;
        s.r.cluster->outlier->max_ejection_percent = 100;
        sim_service_start(&s, HTTP_PROTOCOL_1);
        s.apps[0].status = s.apps[1].status = 500;
        for (unsigned i = 0; i < 60 && sim_report.values[METRICS_EJECTIONS] < 2; i++)
            sim_service_ask_times(&s, 1);
        assert_int_equal(sim_report.values[METRICS_EJECTIONS], 2);
        s.apps[0].status = s.apps[1].status = 200;
        unsigned got = share(&s, 2);
        if (percent)
            assert_in_range(got, 20, 140);
        else
            assert_int_equal(got, ASKED);
        sim_service_finish(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_grows),
        cmocka_unit_test(the_first_ones_are_not_new),
        cmocka_unit_test(who_becomes_ready_is_new),
        cmocka_unit_test(who_is_back_from_an_ejection_is_new),
        cmocka_unit_test(panic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
