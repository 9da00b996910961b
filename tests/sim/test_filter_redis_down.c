/* Redis servers that are not there: who is asked instead, who waits and for how long, and how it is
 * found out that they are back.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_redis.h"

/* Nobody waits for a server that is known to be down; as soon as it is back, it is used. */
static void down_and_back(void **state)
{
    struct sim_redis w;
    struct sim_peer *client = sim_redis_open(&w), *app = NULL;
    w.first.host.answer = SIM_REFUSE;
    for (unsigned i = 0; i < 5; i++) {
        sim_redis_get(&w, client);
        sim_redis_expect_refused(client, "x-weft-reason: connect_failed\r\n");
    }
    assert_int_equal(w.first.host.dials, 1);
    w.first.host.answer = SIM_ACCEPT;
    sim_advance(&w.r.sim, 110);
    struct sim_peer *redis = sim_redis_greeted(&w, &w.first); /* somebody has asked */
    sim_redis_get(&w, client);
    sim_peer_expect(redis, EVALSHA_X);
    sim_redis_say(&w, redis, ":1\r\n");
    sim_redis_expect_said(&w, client, &app, "x-said: 1/\r\n");
    sim_redis_finish(&w, client);
}

/* It is asked less and less often, and not at all when nobody needs it. */
static void down_for_long(void **state)
{
    struct sim_redis w;
    struct sim_peer *client = sim_redis_open(&w);
    w.first.host.answer = SIM_REFUSE;
    for (unsigned second = 0; second < 20; second++) {
        sim_redis_get(&w, client);
        sim_redis_expect_refused(client, "x-weft-reason: connect_failed\r\n");
        sim_advance(&w.r.sim, 1000);
    }
    assert_in_range(w.first.host.dials, 8, 22);
    sim_advance(&w.r.sim, 5000);
    unsigned dials = w.first.host.dials;
    sim_advance(&w.r.sim, 60000);
    assert_int_equal(w.first.host.dials, dials);
    sim_redis_finish(&w, client);
}

/* An address where nobody answers at all: connecting has a limit of its own. */
static void nobody_answers(void **state)
{
    struct sim_redis w;
    sim_redis_prepare(&w, ",\"timeout\":\"5s\"");
    w.redis->connect_timeout_ms = 300;
    struct sim_peer *client = sim_redis_start(&w);
    w.first.host.answer = SIM_SILENT;
    sim_redis_get(&w, client);
    sim_advance(&w.r.sim, 310);
    sim_redis_expect_refused(client, "x-weft-reason: connect_timeout\r\n");
    sim_redis_finish(&w, client);
}

static void silent_after_connecting(void **state)
{
    struct sim_redis w;
    sim_redis_prepare(&w, ",\"timeout\":\"5s\"");
    w.redis->connect_timeout_ms = 300;
    struct sim_peer *client = sim_redis_start(&w);
    sim_redis_get(&w, client);
    struct sim_peer *redis = sim_redis_connection(&w, &w.first);
    sim_advance(&w.r.sim, 310);
    sim_redis_expect_refused(client, "x-weft-reason: redis_down\r\n");
    assert_true(sim_peer_is_over(redis));
    sim_redis_finish(&w, client);
}

static void nobody_there(void **state)
{
    struct sim_redis w;
    sim_redis_prepare(&w, "");
    w.redis->endpoints[0]->ready = false;
    struct sim_peer *client = sim_redis_start(&w);
    sim_redis_get(&w, client);
    sim_redis_expect_refused(client, "x-weft-reason: no_endpoint\r\n");
    sim_redis_finish(&w, client);
}

/* ---- several servers ---- */

/* The one that has the key of these tests, and the other. */
static struct sim_peer *open_two(struct sim_redis *w, struct sim_app **own, struct sim_app **other)
{
    sim_redis_prepare(w, "");
    sim_conf_endpoint(&w->r.conf, w->redis, REDIS_SECOND);
    struct sim_peer *client = sim_redis_start(w), *app = NULL;
    sim_redis_get(w, client);
    bool is_first = w->first.host.dials > 0;
    *own = is_first ? &w->first : &w->second;
    *other = is_first ? &w->second : &w->first;
    sim_redis_say(w, sim_redis_greeted(w, *own), ":1\r\n");
    sim_redis_expect_said(w, client, &app, "x-said: 1/\r\n");
    return client;
}

/* A key stays with its server, whatever the balancer, and goes to the other when that one fails. */
static void the_next_one(void **state)
{
    struct sim_redis w;
    struct sim_app *own, *other;
    struct sim_peer *client = open_two(&w, &own, &other);
    struct sim_peer *app = container_of(w.r.app.all.next, struct sim_peer, node);
    struct sim_peer *redis = container_of(own->all.next, struct sim_peer, node);
    for (unsigned i = 0; i < 4; i++) {
        sim_peer_forget(redis);
        sim_redis_get(&w, client);
        sim_peer_expect(redis, EVALSHA_X);
        sim_redis_say(&w, redis, ":1\r\n");
        sim_redis_expect_said(&w, client, &app, "x-said: 1/\r\n");
    }
    assert_int_equal(other->host.dials, 0);
    own->host.answer = SIM_REFUSE;
    sim_redis_get(&w, client);
    sim_peer_close(redis);
    sim_turn(&w.r.sim);
    sim_redis_say(&w, sim_redis_greeted(&w, other), ":2\r\n");
    sim_redis_expect_said(&w, client, &app, "x-said: 2/\r\n");
    sim_redis_finish(&w, client);
}

static void a_replica(void **state)
{
    struct sim_redis w;
    struct sim_app *own, *other;
    struct sim_peer *client = open_two(&w, &own, &other);
    struct sim_peer *app = container_of(w.r.app.all.next, struct sim_peer, node);
    struct sim_peer *replica = container_of(own->all.next, struct sim_peer, node);
    sim_peer_forget(replica);
    sim_redis_get(&w, client);
    sim_redis_say(&w, replica, "-READONLY You can't write against a read only replica.\r\n");
    struct sim_peer *redis = sim_redis_greeted(&w, other);
    sim_redis_say(&w, redis, ":2\r\n");
    sim_redis_expect_said(&w, client, &app, "x-said: 2/\r\n");
    /* It is not asked again at once. */
    sim_peer_forget(replica);
    sim_peer_forget(redis);
    sim_redis_get(&w, client);
    sim_peer_expect(replica, "");
    sim_peer_expect(redis, EVALSHA_X);
    sim_redis_say(&w, redis, ":3\r\n");
    sim_redis_expect_said(&w, client, &app, "x-said: 3/\r\n");
    sim_redis_finish(&w, client);
}

/* One that says nothing has half of the time; then the other is asked. */
static void a_silent_one(void **state)
{
    struct sim_redis w;
    struct sim_app *own, *other;
    struct sim_peer *client = open_two(&w, &own, &other);
    struct sim_peer *app = container_of(w.r.app.all.next, struct sim_peer, node);
    sim_redis_get(&w, client);
    sim_advance(&w.r.sim, 1010);
    sim_redis_say(&w, sim_redis_greeted(&w, other), ":2\r\n");
    sim_redis_expect_said(&w, client, &app, "x-said: 2/\r\n");
    sim_redis_finish(&w, client);
}

/* An endpoint that the configuration names no more finishes what it was asked. */
static void an_endpoint_goes(void **state)
{
    struct sim_redis w;
    struct sim_peer *client = sim_redis_open(&w), *app = NULL;
    sim_redis_get(&w, client);
    struct sim_peer *redis = sim_redis_greeted(&w, &w.first);
    sim_conf_endpoint(&w.r.conf, w.redis, REDIS_SECOND);
    w.redis->endpoints[0] = w.redis->endpoints[1];
    w.redis->n_endpoints = 1;
    sim_node_adopt(&w.r.node, &w.r.conf);
    sim_turn(&w.r.sim);
    sim_redis_say(&w, redis, ":1\r\n");
    sim_redis_expect_said(&w, client, &app, "x-said: 1/\r\n");
    assert_true(sim_peer_is_over(redis));
    sim_redis_get(&w, client);
    sim_redis_say(&w, sim_redis_greeted(&w, &w.second), ":2\r\n");
    sim_redis_expect_said(&w, client, &app, "x-said: 2/\r\n");
    sim_redis_finish(&w, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(down_and_back),
        cmocka_unit_test(down_for_long),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(silent_after_connecting),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(the_next_one),
        cmocka_unit_test(a_replica),
        cmocka_unit_test(a_silent_one),
        cmocka_unit_test(an_endpoint_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
