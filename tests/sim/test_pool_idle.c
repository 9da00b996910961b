/* How many connections are kept that no request uses, and for how long.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_service.h"

/* Answers what came to each app. */
static void answer_all(struct sim_service *s, unsigned from[SIM_SERVICE_APPS])
{
    for (unsigned i = 0; i < SIM_SERVICE_APPS; i++)
        for (struct sim_call *call; (call = sim_server_call(&s->apps[i], from[i])); from[i]++)
            sim_server_answer(call, 200, "");
    sim_turn(&s->r.sim);
}

static void prepare(struct sim_service *s, unsigned endpoints)
{
    sim_service_prepare(s, endpoints);
    sim_conf_balance(s->r.cluster, "RoundRobin");
}

static void start(struct sim_service *s)
{
    sim_service_start(s, HTTP_PROTOCOL_1);
    for (unsigned i = 0; i < SIM_SERVICE_APPS; i++)
        s->apps[i].manual = true;
}

/* So many at once, which all are answered. */
static void burst(struct sim_service *s, unsigned count, unsigned from[SIM_SERVICE_APPS])
{
    for (unsigned i = 0; i < count; i++)
        sim_service_ask(s);
    answer_all(s, from);
}

static unsigned open_connections(struct sim_service *s)
{
    unsigned open = 0;
    for (unsigned i = 0; i < SIM_SERVICE_APPS; i++)
        open += s->apps[i].open;
    return open;
}

/* requirement: D10 */
static void only_so_many_are_kept(void **state)
{
    struct sim_service s;
    unsigned from[SIM_SERVICE_APPS] = {0};
    prepare(&s, 1);
    s.r.cluster->max_idle_connections = 3;
    start(&s);
    burst(&s, 10, from);
    assert_int_equal(open_connections(&s), 3);
    burst(&s, 3, from); /* they are used again, and nothing is made */
    assert_int_equal(open_connections(&s), 3);
    assert_int_equal(sim_node_cluster(&s.r.node, "app")->idle_count, 3);
    sim_service_finish(&s);
}

static void without_a_limit_all_are(void **state)
{
    struct sim_service s;
    unsigned from[SIM_SERVICE_APPS] = {0};
    prepare(&s, 1);
    start(&s);
    burst(&s, 10, from);
    assert_int_equal(open_connections(&s), 10);
    sim_service_finish(&s);
}

/* What is in use is not counted, however many that are. requirement: D10 */
static void those_in_use_do_not_count(void **state)
{
    struct sim_service s;
    unsigned from[SIM_SERVICE_APPS] = {0};
    prepare(&s, 1);
    s.r.cluster->max_idle_connections = 1;
    start(&s);
    for (unsigned i = 0; i < 5; i++)
        sim_service_ask(&s);
    assert_int_equal(open_connections(&s), 5);
    answer_all(&s, from);
    assert_int_equal(open_connections(&s), 1);
    sim_service_finish(&s);
}

/* One that was idle and is in use again stays, when others become too many. */
static void what_is_used_again_is_no_longer_idle(void **state)
{
    struct sim_service s;
    unsigned from[SIM_SERVICE_APPS] = {0};
    enum { NEWER = 2, OLDER = 3, THIRD = 4 }; /* requests; the newest connection goes first */
    prepare(&s, 1);
    s.r.cluster->max_idle_connections = 2;
    start(&s);
    burst(&s, 2, from);
    for (unsigned i = 0; i < 3; i++)
        sim_service_ask(&s);
    assert_int_equal(open_connections(&s), 3);
    sim_server_answer(sim_server_call(&s.apps[0], THIRD), 200, "");
    sim_turn(&s.r.sim);
    sim_server_answer(sim_server_call(&s.apps[0], OLDER), 200, "");
    sim_turn(&s.r.sim);
    assert_int_equal(open_connections(&s), 3); /* two are idle, one is in use */
    sim_server_answer(sim_server_call(&s.apps[0], NEWER), 200, "");
    sim_turn(&s.r.sim);
    assert_int_equal(open_connections(&s), 2);
    sim_service_finish(&s);
}

/* Of all endpoints together, the one that was unused for longest goes. requirement: D10 */
static void the_oldest_goes(void **state)
{
    struct sim_service s;
    unsigned from[SIM_SERVICE_APPS] = {0};
    prepare(&s, 4);
    s.r.cluster->max_idle_connections = 2;
    start(&s);
    bool was_open[SIM_SERVICE_APPS] = {false};
    for (unsigned i = 0; i < 12; i++) {
        unsigned before[SIM_SERVICE_APPS];
        for (unsigned a = 0; a < SIM_SERVICE_APPS; a++) {
            before[a] = s.apps[a].requests;
            was_open[a] = s.apps[a].open > 0;
        }
        burst(&s, 1, from);
        sim_advance(&s.r.sim, 10);
        assert_true(open_connections(&s) <= 2);
        for (unsigned a = 0; a < SIM_SERVICE_APPS; a++)
            if (s.apps[a].requests > before[a])
                assert_int_equal(s.apps[a].open, 1); /* whoever was asked last is kept */
    }
    assert_true(was_open[0] || was_open[1] || was_open[2] || was_open[3]);
    sim_service_finish(&s);
}

/* requirement: D10 */
static void for_so_long(void **state)
{
    static const struct {
        enum http_protocol protocol;
        uint32_t said_ms, kept_ms;
    } cases[] = {{HTTP_PROTOCOL_1, 0, 4000},     {HTTP_PROTOCOL_1, 30000, 30000},
                 {HTTP_PROTOCOL_1, 500, 500},    {HTTP_PROTOCOL_2, 0, 300000},
                 {HTTP_PROTOCOL_2, 30000, 30000}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_service s;
        prepare(&s, 1);
        s.r.cluster->idle_connection_ms = cases[i].said_ms;
        sim_service_start(&s, cases[i].protocol);
        sim_service_ask(&s);
        sim_advance(&s.r.sim, cases[i].kept_ms - 100);
        assert_int_equal(open_connections(&s), 1);
        sim_advance(&s.r.sim, 300);
        assert_int_equal(open_connections(&s), 0);
        sim_service_finish(&s);
    }
}

/* Several streams of one HTTP/2 connection: it is one. */
static void http2_counts_connections(void **state)
{
    struct sim_service s;
    unsigned from[SIM_SERVICE_APPS] = {0};
    prepare(&s, 2);
    s.r.cluster->max_idle_connections = 1;
    sim_service_start(&s, HTTP_PROTOCOL_2);
    for (unsigned i = 0; i < SIM_SERVICE_APPS; i++)
        s.apps[i].manual = true;
    burst(&s, 8, from);
    assert_int_equal(open_connections(&s), 1);
    burst(&s, 8, from);
    assert_int_equal(open_connections(&s), 1);
    sim_service_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_so_many_are_kept),     cmocka_unit_test(without_a_limit_all_are),
        cmocka_unit_test(those_in_use_do_not_count), cmocka_unit_test(the_oldest_goes),
        cmocka_unit_test(what_is_used_again_is_no_longer_idle),
        cmocka_unit_test(for_so_long),               cmocka_unit_test(http2_counts_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
