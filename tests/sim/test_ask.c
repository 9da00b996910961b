/* Configuration on demand: a connection waits until somebody says what its destination is, goes on
 * by that, and does not wait for ever; what nobody calls any more is let go.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "tests/sim/sim_road.h"

enum { WAIT_MS = 1000, IDLE_MS = 600000 };

/* A sidecar that knows nothing yet; r->conf is what policyd would say. */
static void open_road(struct sim_road *r)
{
    static char discovery[] = "policyd:15012";
    sim_road_prepare(r);
    sim_app_open(&r->app, ROAD_APP);
    sim_node_open(&r->node, &r->sim, MODE_SIDECAR, "10.0.9.1", NULL);
    r->node.settings.discovery = discovery;
    r->node.settings.discovery_wait_ms = WAIT_MS;
    r->node.settings.discovery_idle_ms = IDLE_MS;
}

static struct addr addr_of(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(slice_from_cstr(text), &a), ERR_OK);
    return a;
}

/* Policyd comes or goes. */
static void connect_policyd(struct sim_road *r, bool is_connected)
{
    worker_post_answers(&r->node.worker, NULL, 0, is_connected);
    sim_turn(&r->sim);
}

static void answer(struct sim_road *r, const char *address)
{
    struct addr a = addr_of(address);
    worker_post_answers(&r->node.worker, &a, 1, true);
    sim_turn(&r->sim);
}

static uint64_t unanswered(void)
{
    return sim_report.values[METRICS_DISCOVERY_UNANSWERED];
}

static void waits_for_the_answer(void **state)
{
    struct sim_road r;
    open_road(&r);
    connect_policyd(&r, true);
    struct sim_peer *one = sim_road_client(&r), *two = sim_road_client(&r);
    sim_peer_send(one, ROAD_GET);
    sim_advance(&r.sim, WAIT_MS / 2);
    assert_int_equal(r.node.app.asked, 1);
    struct addr vip = addr_of(ROAD_VIP);
    assert_true(addr_eq(&r.node.app.last_asked, &vip));
    assert_int_equal(r.app.connections, 0);
    sim_node_adopt(&r.node, &r.conf);
    assert_int_equal(r.app.connections, 0);
    answer(&r, ROAD_VIP);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_expect(app, ROAD_GET);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(one, ROAD_OK);
    /* From now on nobody waits. */
    struct sim_peer *three = sim_road_client(&r);
    sim_peer_send(three, ROAD_GET);
    sim_turn(&r.sim);
    sim_peer_expect(app, ROAD_GET);
    assert_int_equal(r.node.app.asked, 1);
    assert_int_equal(unanswered(), 0);
    sim_peer_destroy(two);
    sim_peer_destroy(three);
    sim_road_done(&r, one);
    sim_road_close(&r);
}

/* "Nothing of the mesh" is an answer too. */
static void nothing_of_the_mesh(void **state)
{
    struct sim_road r;
    struct sim_app outside;
    open_road(&r);
    connect_policyd(&r, true);
    sim_app_open(&outside, "203.0.113.7:443");
    struct sim_peer *client = sim_node_connect(&r.node, "203.0.113.7:443");
    sim_peer_send(client, "hello");
    sim_turn(&r.sim);
    assert_int_equal(outside.connections, 0);
    answer(&r, "203.0.113.7:443");
    struct sim_peer *app = sim_app_accept(&outside);
    assert_non_null(app);
    sim_peer_expect(app, "hello");
    assert_int_equal(unanswered(), 0);
    sim_peer_destroy(client);
    /* It becomes something: the next connection is under its policies at once. */
    sim_conf_destination(&r.conf, "203.0.113.7:443", "outside", SIM_HTTP, "app");
    sim_node_adopt(&r.node, &r.conf);
    client = sim_node_connect(&r.node, "203.0.113.7:443");
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect(sim_road_app(&r), ROAD_GET);
    sim_peer_destroy(client);
    sim_app_close(&outside);
    sim_road_close(&r);
}

static void policyd_is_away(void **state)
{
    struct sim_road r;
    struct sim_app outside;
    open_road(&r);
    sim_app_open(&outside, "203.0.113.7:443");
    struct sim_peer *client = sim_node_connect(&r.node, "203.0.113.7:443");
    sim_peer_send(client, "hello");
    sim_advance(&r.sim, WAIT_MS - 100);
    assert_int_equal(outside.connections, 0);
    sim_advance(&r.sim, 200);
    struct sim_peer *app = sim_app_accept(&outside);
    assert_non_null(app);
    sim_peer_expect(app, "hello");
    assert_int_equal(unanswered(), 1);
    /* So soon after that, nobody waits in vain again; later they do. */
    struct sim_peer *second = sim_node_connect(&r.node, "203.0.113.7:443");
    sim_turn(&r.sim);
    assert_int_equal(outside.connections, 2);
    assert_int_equal(unanswered(), 2);
    sim_advance(&r.sim, 10000);
    struct sim_peer *third = sim_node_connect(&r.node, "203.0.113.7:443");
    sim_turn(&r.sim);
    assert_int_equal(outside.connections, 2);
    answer(&r, "203.0.113.7:443");
    assert_int_equal(outside.connections, 3);
    sim_peer_destroy(client);
    sim_peer_destroy(second);
    sim_peer_destroy(third);
    sim_app_close(&outside);
    sim_road_close(&r);
}

/* What is known from before needs no policyd. */
static void known_from_before(void **state)
{
    struct sim_road r;
    open_road(&r);
    sim_node_adopt(&r.node, &r.conf);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect(sim_road_app(&r), ROAD_GET);
    assert_int_equal(r.node.app.asked, 1);
    assert_int_equal(unanswered(), 0);
    sim_peer_destroy(client);
    sim_road_close(&r);
}

/* Policyd is there: its word counts more than what is known, but not for ever. */
static void known_and_asked(void **state)
{
    struct sim_road r;
    open_road(&r);
    connect_policyd(&r, true);
    sim_node_adopt(&r.node, &r.conf);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    sim_turn(&r.sim);
    assert_int_equal(r.app.connections, 0);
    sim_advance(&r.sim, WAIT_MS + 100);
    sim_peer_expect(sim_road_app(&r), ROAD_GET);
    assert_int_equal(unanswered(), 0);
    sim_peer_destroy(client);
    sim_road_close(&r);
}

/* Policyd is there and says nothing: policies must not be lost by waiting. */
static void policyd_does_not_say(void **state)
{
    struct sim_road r;
    open_road(&r);
    connect_policyd(&r, true);
    struct sim_peer *client = sim_node_connect(&r.node, ROAD_APP);
    sim_advance(&r.sim, 9 * WAIT_MS);
    assert_false(sim_peer_is_over(client));
    sim_advance(&r.sim, 2 * WAIT_MS);
    assert_true(sim_peer_is_over(client));
    assert_int_equal(r.app.connections, 0);
    assert_int_equal(unanswered(), 0);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void ends_while_waiting(void **state)
{
    struct sim_road r;
    open_road(&r);
    connect_policyd(&r, true);
    struct sim_peer *client = sim_road_client(&r);
    sim_turn(&r.sim);
    worker_post_drain(&r.node.worker, true);
    sim_turn(&r.sim);
    assert_true(sim_peer_is_over(client));
    answer(&r, ROAD_VIP);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void is_let_go(void **state)
{
    struct sim_road r;
    open_road(&r);
    connect_policyd(&r, true);
    struct sim_peer *client = sim_road_client(&r);
    sim_node_adopt(&r.node, &r.conf);
    answer(&r, ROAD_VIP);
    /* A connection that lives keeps it. */
    sim_advance(&r.sim, 2 * IDLE_MS);
    assert_int_equal(r.node.app.dropped, 0);
    sim_peer_destroy(client);
    sim_advance(&r.sim, IDLE_MS - 60000);
    assert_int_equal(r.node.app.dropped, 0);
    sim_advance(&r.sim, 120000);
    assert_int_equal(r.node.app.dropped, 1);
    sim_node_check_idle(&r.node);
    /* And it is asked for again. */
    client = sim_road_client(&r);
    sim_turn(&r.sim);
    assert_int_equal(r.node.app.asked, 2);
    answer(&r, ROAD_VIP);
    sim_peer_destroy(client);
    sim_road_close(&r);
}

/* An app that calls everybody: the longest unused goes; what lives is never let go. */
static void too_many(void **state)
{
    enum { LIMIT = 8 };
    char at[32];
    struct sim_road r;
    struct sim_app outside;
    struct sim_peer *kept[LIMIT];
    open_road(&r);
    connect_policyd(&r, true);
    r.node.worker.subscriptions.limit = LIMIT;
    sim_app_open(&outside, "203.0.113.7:0");
    for (int i = 1; i <= 3 * LIMIT; i++) {
        snprintf(at, sizeof(at), "203.0.113.7:%d", i);
        struct sim_peer *client = sim_node_connect(&r.node, at);
        sim_turn(&r.sim);
        answer(&r, at);
        sim_peer_reset(client);
        sim_turn(&r.sim);
        sim_peer_destroy(client);
    }
    assert_int_equal(r.node.app.asked, 3 * LIMIT);
    assert_int_equal(r.node.app.dropped, 2 * LIMIT);
    assert_int_equal(unanswered(), 0);
    for (int i = 0; i < LIMIT; i++) {
        snprintf(at, sizeof(at), "203.0.113.7:%d", 100 + i);
        kept[i] = sim_node_connect(&r.node, at);
        sim_turn(&r.sim);
        answer(&r, at);
    }
    unsigned connections = outside.connections, asked = r.node.app.asked;
    struct sim_peer *last = sim_node_connect(&r.node, "203.0.113.7:99");
    sim_turn(&r.sim);
    assert_int_equal(outside.connections, connections + 1);
    assert_int_equal(r.node.app.asked, asked);
    assert_int_equal(unanswered(), 1);
    sim_peer_destroy(last);
    for (int i = 0; i < LIMIT; i++)
        sim_peer_destroy(kept[i]);
    sim_app_close(&outside);
    sim_road_close(&r);
}

static void loopback_is_not_asked(void **state)
{
    struct sim_road r;
    struct sim_app local;
    open_road(&r);
    connect_policyd(&r, true);
    sim_app_open(&local, "127.0.0.1:9000");
    struct sim_peer *client = sim_node_connect(&r.node, "127.0.0.1:9000");
    sim_turn(&r.sim);
    assert_int_equal(r.node.app.asked, 0);
    assert_int_equal(local.connections, 1);
    sim_peer_destroy(client);
    sim_app_close(&local);
    sim_road_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_for_the_answer),
        cmocka_unit_test(nothing_of_the_mesh),
        cmocka_unit_test(policyd_is_away),
        cmocka_unit_test(known_from_before),
        cmocka_unit_test(known_and_asked),
        cmocka_unit_test(policyd_does_not_say),
        cmocka_unit_test(ends_while_waiting),
        cmocka_unit_test(is_let_go),
        cmocka_unit_test(too_many),
        cmocka_unit_test(loopback_is_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
