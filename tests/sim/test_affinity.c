/* A Service with sessionAffinity: a client's endpoint stays its own until it is gone, ejected, or
 * was not called for long enough; and what is said where no endpoint is on this node.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_service.h"

#include <stdio.h>

enum { TIMEOUT_S = 30 };

static void prepare(struct sim_service *s, unsigned endpoints)
{
    sim_service_prepare(s, endpoints);
    s->r.cluster->affinity_s = TIMEOUT_S;
}

/* The one app that was asked since the counts were taken; -1: several were, or none. */
static int asked(struct sim_service *s, unsigned times)
{
    unsigned before[SIM_SERVICE_APPS];
    int only = -1;
    for (unsigned i = 0; i < SIM_SERVICE_APPS; i++)
        before[i] = s->apps[i].requests;
    sim_service_ask_times(s, times);
    for (unsigned i = 0; i < SIM_SERVICE_APPS; i++) {
        if (s->apps[i].requests == before[i])
            continue;
        if (only >= 0)
            return -1;
        only = (int)i;
    }
    return only;
}

/* The configuration again, with as many endpoints, but for the one at `without` (-1: all). */
static void adopt(struct sim_service *s, unsigned endpoints, int without)
{
    struct sim_conf next;
    sim_conf_init(&next);
    sim_cluster *c = sim_conf_cluster(&next, "app");
    c->affinity_s = TIMEOUT_S;
    c->protocol = SIM_HTTP1;
    for (unsigned i = 0; i < endpoints; i++) {
        char at[32];
        snprintf(at, sizeof(at), "10.0.0.%u:8080", i + 1);
        if ((int)i != without)
            sim_conf_endpoint(&next, c, arena_strdup(&next.arena, slice_from_cstr(at)));
    }
    sim_conf_destination(&next, ROAD_VIP, "app", SIM_HTTP, "app");
    sim_node_adopt(&s->r.node, &next);
    sim_conf_dispose(&next);
}

static void all_requests_of_a_pod_go_to_one_endpoint(void **state)
{
    struct sim_service s;
    prepare(&s, 4);
    sim_service_start(&s, HTTP_PROTOCOL_1);
    assert_in_range(asked(&s, 40), 0, 3);
    sim_service_finish(&s);
}

static void endpoints_that_come_take_nobody_away(void **state)
{
    struct sim_service s;
    prepare(&s, 1);
    sim_service_start(&s, HTTP_PROTOCOL_1);
    adopt(&s, 2, -1);
    int own = asked(&s, 10);
    for (unsigned endpoints = 3; endpoints <= 4; endpoints++) {
        adopt(&s, endpoints, -1);
        assert_int_equal(asked(&s, 10), own);
    }
    sim_service_finish(&s);
}

static void who_loses_its_endpoint_gets_another(void **state)
{
    struct sim_service s;
    prepare(&s, 4);
    sim_service_start(&s, HTTP_PROTOCOL_1);
    int own = asked(&s, 10);
    adopt(&s, 4, own);
    int other = asked(&s, 10);
    assert_int_not_equal(other, own);
    assert_int_not_equal(other, -1);
    /* Back again, it is one of the others. */
    adopt(&s, 4, -1);
    assert_int_equal(asked(&s, 10), other);
    sim_service_finish(&s);
}

static void an_unused_choice_is_made_again(void **state)
{
    struct sim_service s;
    prepare(&s, 4);
    sim_service_start(&s, HTTP_PROTOCOL_1);
    int own = asked(&s, 10);
    adopt(&s, 4, own);
    int other = asked(&s, 10);
    adopt(&s, 4, -1);
    sim_advance(&s.r.sim, (TIMEOUT_S - 1) * 1000);
    assert_int_equal(asked(&s, 1), other); /* which counts as a use */
    sim_advance(&s.r.sim, (TIMEOUT_S - 1) * 1000);
    assert_int_equal(asked(&s, 1), other);
    sim_advance(&s.r.sim, (TIMEOUT_S + 1) * 1000);
    assert_int_equal(asked(&s, 10), own); /* as at first */
    sim_service_finish(&s);
}

static void an_ejected_endpoint_is_left(void **state)
{
    struct sim_service s;
    prepare(&s, 3);
    sim_service_start(&s, HTTP_PROTOCOL_1);
    int own = asked(&s, 1);
    s.apps[own].status = 500;
    for (unsigned i = 0; i < 20 && !sim_report.values[METRICS_EJECTIONS]; i++)
        sim_service_ask_times(&s, 1);
    s.apps[own].status = 200;
    int other = asked(&s, 10);
    assert_int_not_equal(other, -1);
    assert_int_not_equal(other, own);
    sim_advance(&s.r.sim, 10000); /* it is back, and its client has settled elsewhere */
    assert_int_equal(asked(&s, 10), other);
    sim_service_finish(&s);
}

static void no_endpoint_on_this_node(void **state)
{
    struct sim_service s;
    sim_service_prepare(&s, 1);
    s.r.cluster->node_local = true;
    s.r.cluster->n_endpoints = 0;
    sim_service_start(&s, HTTP_PROTOCOL_1);
    sim_service_ask_times(&s, 1);
    assert_int_equal(sim_report.status, 503);
    sim_service_finish(&s);
    assert_int_equal(sim_report.fail, FAIL_NO_LOCAL_ENDPOINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_requests_of_a_pod_go_to_one_endpoint),
        cmocka_unit_test(endpoints_that_come_take_nobody_away),
        cmocka_unit_test(who_loses_its_endpoint_gets_another),
        cmocka_unit_test(an_unused_choice_is_made_again),
        cmocka_unit_test(an_ejected_endpoint_is_left),
        cmocka_unit_test(no_endpoint_on_this_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
