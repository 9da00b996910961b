/* What takes too long: attempts, requests, silence.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <string.h>

#include "lib/io/timer.h"

#define GATEWAY_TIMEOUT "HTTP/1.1 504 Gateway Timeout\r\n"
#define HALF "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello"

/* The road with these timeouts of its service. */
static sim_timeouts *prepare(struct sim_road *r)
{
    sim_road_prepare(r);
    return r->cluster->timeouts = sim_conf_timeouts(&r->conf);
}

static void request_timeout_before_the_answer(void **state)
{
    struct sim_road r;
    prepare(&r)->request_ms = 1000;
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_advance(&r.sim, 990);
    sim_peer_expect(client, "");
    sim_advance(&r.sim, 20);
    sim_peer_expect_part(client, GATEWAY_TIMEOUT, "x-weft-reason: request_timeout\r\n");
    assert_true(sim_peer_is_over(app));
    assert_int_equal(sim_report.fail, FAIL_REQUEST_TIMEOUT);
    /* The client's connection goes on. */
    sim_peer_send(client, ROAD_GET);
    sim_peer_send(sim_road_app(&r), ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_advance(&r.sim, 2000);
    assert_false(sim_peer_is_over(client));
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void request_timeout_while_we_dial(void **state)
{
    struct sim_road r;
    prepare(&r)->request_ms = 500;
    sim_road_start(&r);
    r.app.host.answer = SIM_SILENT;
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    sim_advance(&r.sim, 510);
    sim_peer_expect_part(client, GATEWAY_TIMEOUT, "request_timeout");
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* No attempt could follow in time, so nobody waits for one and hears how the last one went. */
static void request_timeout_between_attempts(void **state)
{
    struct sim_road r;
    prepare(&r)->request_ms = 40;
    sim_retry *retry = r.cluster->retry = sim_conf_retry(&r.conf);
    retry->attempts = 1;
    retry->on_connect_failure = true;
    retry->backoff_base_ms = retry->backoff_max_ms = 100000;
    sim_road_start(&r);
    r.app.host.answer = SIM_REFUSE;
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    sim_turn(&r.sim);
    sim_peer_expect_part(client, "HTTP/1.1 503 Service Unavailable\r\n", "connect_failed");
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* A part of an answer that has begun is never made to look like the whole. */
static void request_timeout_in_the_answer(void **state)
{
    struct sim_road r;
    prepare(&r)->request_ms = 1000;
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, HALF);
    sim_peer_expect(client, HALF);
    sim_advance(&r.sim, 1010);
    sim_peer_expect(client, "");
    assert_true(client->failed);
    assert_true(sim_peer_is_over(app));
    assert_int_equal(sim_report.fail, FAIL_REQUEST_TIMEOUT);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void attempt_timeout_is_tried_again(void **state)
{
    struct sim_road r;
    struct sim_app other;
    sim_road_prepare(&r);
    sim_conf_endpoint(&r.conf, r.cluster, "10.0.0.2:8080");
    sim_conf_balance(r.cluster, "RoundRobin");
    sim_retry *retry = r.cluster->retry = sim_conf_retry(&r.conf);
    retry->attempts = 1;
    retry->on_gateway_error = true;
    retry->per_try_timeout_ms = 200;
    sim_road_start(&r);
    sim_app_open(&other, "10.0.0.2:8080");
    struct sim_peer *client = sim_road_client(&r);
    for (int answers = 1; answers >= 0; answers--) {
        sim_peer_send(client, ROAD_GET);
        sim_advance(&r.sim, 190);
        assert_non_null(sim_app_accept(&r.app));
        assert_int_equal(other.connections, 1 - answers);
        sim_advance(&r.sim, 10 + 100);
        assert_int_equal(other.connections, 1);
        struct sim_peer *app =
            answers ? sim_app_accept(&other) : container_of(other.all.prev, struct sim_peer, node);
        assert_non_null(strstr(sim_peer_got(app), "x-weft-attempt: 2\r\n"));
        sim_peer_forget(app);
        if (answers) {
            sim_peer_send(app, ROAD_OK);
            sim_peer_expect(client, ROAD_OK);
            sim_turn(&r.sim);
        } else {
            sim_advance(&r.sim, 300);
            sim_peer_expect_part(client, GATEWAY_TIMEOUT, "x-weft-reason: attempt_timeout\r\n");
        }
        /* The road's app first again. */
        *(uint32_t *)r.node.worker.clusters.by_slot[0]->lb_state = 0;
    }
    sim_road_done(&r, client);
    sim_app_close(&other);
    sim_road_close(&r);
}

/* The answer's head came in time; its body may take longer. */
static void attempt_timeout_ends_with_the_head(void **state)
{
    struct sim_road r;
    prepare(&r)->backend_ms = 100;
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_advance(&r.sim, 90);
    sim_peer_send(app, HALF);
    sim_advance(&r.sim, 500);
    sim_peer_expect(client, HALF);
    sim_peer_send(app, "world");
    sim_peer_expect(client, "world");
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* Moves bytes at a moment of its own. */
struct late_bytes {
    struct timer timer;
    struct sim_peer *app;
    const char *text;
};

static void move_bytes(struct timer *t)
{
    struct late_bytes *l = container_of(t, struct late_bytes, timer);
    sim_peer_send(l->app, l->text);
    while (sim_net_pump(l->app->s))
        ;
}

/* Both between two turns: what has come counts. */
static void answer_and_timeout_together(void **state)
{
    for (int whole = 0; whole < 2; whole++) {
        struct sim_road r;
        struct late_bytes late;
        prepare(&r)->backend_ms = 100;
        r.cluster->retry = sim_conf_retry(&r.conf);
        sim_road_start(&r);
        struct sim_peer *client = sim_road_client(&r);
        sim_peer_send(client, ROAD_GET);
        struct sim_peer *app = sim_road_app(&r);
        late.app = app;
        late.text = whole ? ROAD_OK : HALF;
        timer_init(&late.timer, r.sim.loop, move_bytes);
        timer_start(&late.timer, 100);
        sim_advance(&r.sim, 104);
        sim_peer_expect(client, whole ? ROAD_OK : HALF);
        assert_false(client->failed);
        if (!whole) {
            sim_peer_send(app, "world");
            sim_peer_expect(client, "world");
        }
        assert_int_equal(r.node.worker.exchange_count, 0);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

static void idle_before_the_answer(void **state)
{
    struct sim_road r;
    prepare(&r)->idle_ms = 1000;
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_advance(&r.sim, 2100);
    sim_peer_expect_part(client, GATEWAY_TIMEOUT, "x-weft-reason: idle_timeout\r\n");
    assert_true(sim_peer_is_over(app));
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* As long as something moves, in either direction, nothing is idle. */
static void idle_in_the_answer(void **state)
{
    struct sim_road r;
    prepare(&r)->idle_ms = 1000;
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, "POST / HTTP/1.1\r\nhost: app\r\ncontent-length: 1000\r\n\r\n");
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        sim_advance(&r.sim, 900);
        sim_peer_send(i % 2 ? client : app, "x");
        sim_turn(&r.sim);
    }
    assert_false(sim_peer_is_over(client));
    assert_int_equal(r.node.worker.exchange_count, 1);
    sim_advance(&r.sim, 1100);
    assert_true(client->failed);
    assert_true(sim_peer_is_over(app));
    assert_int_equal(sim_report.fail, FAIL_IDLE_TIMEOUT);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* A client that does not take its answer holds nothing for ever. */
static void idle_while_the_client_does_not_read(void **state)
{
    static char big[400001];
    for (int h2 = 0; h2 < 2; h2++) {
        struct sim_road r;
        struct sim_client h2_client;
        struct sim_peer *client = NULL;
        prepare(&r)->idle_ms = 1000;
        r.cluster->protocol = SIM_HTTP1;
        sim_road_start(&r);
        r.node.pieces.capacity = 10000;
        if (h2) {
            sim_client_open(&h2_client, sim_node_dial(&r.node, ROAD_VIP), HTTP_PROTOCOL_2);
            sim_client_call(&h2_client, "GET", "app", "/", NULL, true)->hold = true;
        } else {
            client = sim_road_client(&r);
            sim_peer_send(client, ROAD_GET);
        }
        struct sim_peer *app = sim_road_app(&r);
        if (client)
            sim_peer_read(client, false);
        memset(big, 'x', sizeof(big) - 1);
        sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 400000\r\n\r\n");
        sim_peer_send(app, big);
        sim_turn(&r.sim);
        assert_int_equal(r.node.worker.exchange_count, 1);
        sim_advance(&r.sim, 5000);
        assert_int_equal(r.node.worker.exchange_count, 0);
        assert_true(sim_peer_is_over(app));
        if (h2)
            sim_client_close(&h2_client);
        else
            sim_peer_destroy(client);
        sim_node_check_idle(&r.node);
        sim_road_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_timeout_before_the_answer),
        cmocka_unit_test(request_timeout_while_we_dial),
        cmocka_unit_test(request_timeout_between_attempts),
        cmocka_unit_test(request_timeout_in_the_answer),
        cmocka_unit_test(attempt_timeout_is_tried_again),
        cmocka_unit_test(attempt_timeout_ends_with_the_head),
        cmocka_unit_test(answer_and_timeout_together),
        cmocka_unit_test(idle_before_the_answer),
        cmocka_unit_test(idle_in_the_answer),
        cmocka_unit_test(idle_while_the_client_does_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
