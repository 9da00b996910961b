/* What has ended one part of an exchange must not end the next: timeouts and the replies to them,
 * deadlines and switched connections, answers that a pause before a retry would have lost; and
 * whose failure a timeout is. SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_mesh.h"

#include <string.h>

#define WS                                                        \
    "GET /ws HTTP/1.1\r\nhost: app\r\nconnection: upgrade\r\n" \
    "upgrade: websocket\r\nx-request-id: 1\r\n\r\n"
#define SWITCHED                                                                       \
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
#define POST_HALF "POST /x HTTP/1.1\r\nhost: app\r\ncontent-length: 10\r\n\r\nhello"

static sim_timeouts *prepare(struct sim_road *r)
{
    sim_road_prepare(r);
    r->cluster->protocol = SIM_HTTP1;
    return r->cluster->timeouts = sim_conf_timeouts(&r->conf);
}

/* ---- a reply of our own arrives whole ---- */

enum cause { IDLE, REQUEST, ATTEMPT, UP_RESET, UP_CLOSED, CAUSES };

static void prepare_cause(struct sim_road *r, enum cause cause)
{
    sim_timeouts *t = prepare(r);
    t->idle_ms = cause == IDLE ? 1000 : 0;
    t->request_ms = cause == REQUEST ? 1000 : 0;
    t->backend_ms = cause == ATTEMPT ? 1000 : 0;
    r->cluster->retry = sim_conf_retry(&r->conf); /* none */
}

static void bring_about(struct sim_road *r, enum cause cause, struct sim_peer *app)
{
    if (cause == UP_RESET)
        sim_peer_reset(app);
    else if (cause == UP_CLOSED)
        sim_peer_close(app);
    sim_advance(&r->sim, 1100);
}

/* `whole`: of the request. */
static void reply_over_http2(enum cause cause, bool whole)
{
    struct sim_road r;
    struct sim_client client;
    prepare_cause(&r, cause);
    sim_road_start(&r);
    sim_client_open(&client, sim_node_dial(&r.node, ROAD_VIP), HTTP_PROTOCOL_2);
    struct sim_call *call =
        sim_client_call(&client, whole ? "GET" : "POST", "app", "/", whole ? NULL : "abc", whole);
    bring_about(&r, cause, sim_road_app(&r));
    assert_non_null(call->head);
    assert_true(call->ended);
    assert_true(call->body.len > 0);
    /* The rest of the request is not wanted: the stream may end with NO_ERROR, and with nothing
     * else. */
    assert_true(whole ? call->done : call->done || call->why == ERR_RESET);
    sim_client_close(&client);
    sim_node_check_idle(&r.node);
    sim_road_close(&r);
}

static void reply_over_http1(enum cause cause, bool whole)
{
    struct sim_road r;
    prepare_cause(&r, cause);
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, whole ? ROAD_GET : POST_HALF);
    bring_about(&r, cause, sim_road_app(&r));
    const char *got = sim_peer_got(client), *body = strstr(got, "\r\n\r\n");
    assert_non_null(body);
    assert_true(strlen(body) > 4);
    assert_false(client->failed);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void what_ended_the_attempt_does_not_end_the_reply(void **state)
{
    for (int cause = 0; cause < CAUSES; cause++)
        for (int whole = 0; whole < 2; whole++) {
            reply_over_http2((enum cause)cause, whole);
            reply_over_http1((enum cause)cause, whole);
        }
}

/* ---- switched connections ---- */

static void set_deadlines(struct sim_conf *conf, sim_cluster *cluster)
{
    cluster->timeouts = sim_conf_timeouts(conf);
    cluster->timeouts->request_ms = 1000;
    cluster->timeouts->backend_ms = 500;
    cluster->timeouts->idle_ms = 60000;
    cluster->retry = sim_conf_retry(conf);
    cluster->retry->per_try_timeout_ms = 700;
}

static void talk(struct sim_peer *client, struct sim_peer *app, struct sim *sim)
{
    sim_turn(sim);
    sim_peer_expect(client, SWITCHED);
    sim_peer_forget(app);
    for (int i = 0; i < 5; i++) {
        sim_advance(sim, 50000);
        sim_peer_send(app, "pong");
        sim_turn(sim);
        sim_peer_expect(client, "pong");
        sim_advance(sim, 50000);
        sim_peer_send(client, "ping");
        sim_turn(sim);
        sim_peer_expect(app, "ping");
    }
    /* Silence still counts. */
    sim_advance(sim, 61000);
    assert_true(sim_peer_is_over(client));
    assert_true(sim_peer_is_over(app));
    sim_peer_close(app);
}

static void switched_connection_has_no_deadline(void **state)
{
    struct sim_road r;
    prepare(&r);
    set_deadlines(&r.conf, r.cluster);
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, WS);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, SWITCHED);
    talk(client, app, &r.sim);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void switched_connection_of_the_mesh(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    set_deadlines(&m.out_conf, m.cluster);
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
    sim_peer_send(client, WS);
    sim_turn(&m.sim);
    struct sim_peer *app = sim_mesh_accept(&m);
    sim_peer_send(app, SWITCHED);
    talk(client, app, &m.sim);
    sim_peer_destroy(client);
    sim_mesh_finish(&m);
}

static void switched_connection_through_a_gateway(void **state)
{
    struct sim sim;
    struct sim_conf conf;
    struct sim_node node;
    struct sim_app shop;
    sim_open(&sim);
    sim_conf_init(&conf);
    sim_cluster *cluster = sim_conf_cluster(&conf, "shop");
    sim_conf_endpoint(&conf, cluster, "10.0.0.1:8080");
    cluster->protocol = SIM_HTTP1;
    set_deadlines(&conf, cluster);
    sim_conf_gateway(&conf, 80, "shop");
    sim_app_open(&shop, "10.0.0.1:8080");
    sim_node_open(&node, &sim, MODE_INGRESS, "10.0.9.1", &conf);
    struct sim_peer *client = sim_node_connect_gateway(&node, 80);
    sim_peer_send(client, WS);
    sim_turn(&sim);
    struct sim_peer *app = sim_app_accept(&shop);
    assert_non_null(app);
    sim_peer_send(app, SWITCHED);
    talk(client, app, &sim);
    sim_peer_destroy(client);
    sim_node_close(&node);
    sim_app_close(&shop);
    sim_conf_dispose(&conf);
    sim_close(&sim);
}

/* ---- what a policy says of time holds all along the way ---- */

/* Nothing moves for most of an hour, and then the answer comes. */
static void long_idle_through_the_mesh(void **state)
{
    for (int ws = 0; ws < 2; ws++) {
        struct sim_mesh m;
        sim_mesh_prepare(&m);
        m.cluster->timeouts = sim_conf_timeouts(&m.out_conf);
        m.cluster->timeouts->idle_ms = 3600000;
        sim_mesh_start(&m);
        struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
        sim_peer_send(client, ws ? WS : ROAD_GET);
        sim_turn(&m.sim);
        struct sim_peer *app = sim_mesh_accept(&m);
        if (ws) {
            sim_peer_send(app, SWITCHED);
            sim_turn(&m.sim);
            sim_peer_expect(client, SWITCHED);
        }
        sim_advance(&m.sim, 3500000);
        sim_peer_send(app, ws ? "pong" : "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
        sim_turn(&m.sim);
        assert_non_null(strstr(sim_peer_got(client), ws ? "pong" : "hello"));
        sim_peer_close(app);
        sim_peer_destroy(client);
        sim_mesh_finish(&m);
    }
}

static void tunnel_idle_through_the_mesh(void **state)
{
    for (int said = 0; said < 2; said++) {
        struct sim_mesh m;
        sim_mesh_prepare(&m);
        m.destination->protocol = SIM_TCP;
        m.cluster->timeouts = sim_conf_timeouts(&m.out_conf);
        m.cluster->timeouts->idle_ms = said ? 7200000 : 0;
        sim_mesh_start(&m);
        struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
        sim_peer_send(client, "hello");
        struct sim_peer *app = sim_mesh_accept(&m);
        sim_peer_shut(app); /* half-closed, for which there is a limit of its own */
        sim_advance(&m.sim, 3500000);
        sim_peer_send(client, "!");
        sim_advance(&m.sim, 3700000);
        assert_int_equal(sim_peer_is_over(app), !said);
        sim_advance(&m.sim, 3700000);
        assert_true(sim_peer_is_over(app));
        sim_peer_close(app);
        sim_peer_destroy(client);
        sim_mesh_finish(&m);
    }
}

/* However much moves, a tunnel ends when the policy says; with nothing said it never does. */
static void tunnel_open_for_too_long(void **state)
{
    for (int said = 0; said < 2; said++) {
        struct sim_road r;
        prepare(&r)->tunnel_ms = said ? 10000 : 0;
        r.destination->protocol = SIM_TCP;
        sim_road_start(&r);
        struct sim_peer *client = sim_road_client(&r);
        sim_peer_send(client, "hello");
        struct sim_peer *app = sim_road_app(&r);
        for (int i = 0; i < 10; i++) {
            assert_false(sim_peer_is_over(app));
            sim_advance(&r.sim, 990);
            sim_peer_send(i % 2 ? client : app, "x");
        }
        sim_turn(&r.sim);
        assert_false(sim_peer_is_over(app));
        sim_advance(&r.sim, 200);
        assert_int_equal(sim_peer_is_over(app), said);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

/* Where a policy says so, a tunnel that is open at both ends is ended as well. */
static void tunnel_without_a_byte(void **state)
{
    for (int said = 0; said < 2; said++) {
        struct sim_road r;
        prepare(&r)->idle_ms = said ? 1000 : 0;
        r.destination->protocol = SIM_TCP;
        sim_road_start(&r);
        struct sim_peer *client = sim_road_client(&r);
        sim_peer_send(client, "hello");
        struct sim_peer *app = sim_road_app(&r);
        for (int i = 0; i < 5; i++) {
            sim_advance(&r.sim, 900);
            sim_peer_send(i % 2 ? client : app, "x");
        }
        sim_turn(&r.sim);
        assert_false(sim_peer_is_over(app));
        sim_advance(&r.sim, said ? 1100 : 100000000);
        assert_int_equal(sim_peer_is_over(app), said);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

/* ---- pauses ---- */

static void the_last_answer_rather_than_a_pause_to_no_purpose(void **state)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nx-from: app\r\n"
                                 "content-length: 4\r\n\r\nbusy";
    struct sim_road r;
    prepare(&r)->request_ms = 500;
    sim_retry *retry = r.cluster->retry = sim_conf_retry(&r.conf);
    retry->attempts = 5;
    retry->on_gateway_error = true;
    retry->backoff_base_ms = 200; /* so one is possible, the next begins too late */
    retry->backoff_max_ms = 100000;
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    unsigned tries = 1;
    for (unsigned ms = 0; ms < 500; ms += 10) {
        if (sim_peer_got(app)[0]) {
            sim_peer_forget(app);
            sim_peer_send(app, answer);
            tries++;
        }
        sim_advance(&r.sim, 10);
    }
    assert_in_range(tries, 2, 4);
    sim_peer_expect(client, answer);
    assert_int_equal(sim_report.fail, FAIL_NONE);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* ---- whose failure it is ---- */

static unsigned failures(struct sim_road *r)
{
    const struct endpoint_health *h =
        sim_node_cluster(&r->node, "app")->conf->endpoints[0].health;
    return h->failures[OUTLIER_ANY];
}

static void silence_of_the_endpoint_counts(void **state)
{
    for (int cause = IDLE; cause <= ATTEMPT; cause++)
        for (int began = 0; began < 2; began++) {
            struct sim_road r;
            if (cause == ATTEMPT && began)
                continue; /* it ends with the head */
            prepare_cause(&r, (enum cause)cause);
            sim_road_start(&r);
            struct sim_peer *client = sim_road_client(&r);
            sim_peer_send(client, ROAD_GET);
            struct sim_peer *app = sim_road_app(&r);
            if (began)
                sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello");
            sim_advance(&r.sim, 1100);
            assert_int_equal(failures(&r), 1);
            sim_road_done(&r, client);
            sim_road_close(&r);
        }
}

static void dialling_into_silence_counts(void **state)
{
    struct sim_road r;
    prepare_cause(&r, REQUEST);
    sim_road_start(&r);
    r.app.host.answer = SIM_SILENT;
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    sim_advance(&r.sim, 1100);
    assert_int_equal(failures(&r), 1);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* It still owes us its request, or does not take the answer. */
static void silence_of_the_client_does_not_count(void **state)
{
    static char big[400001];
    memset(big, 'x', sizeof(big) - 1);
    for (int cause = IDLE; cause <= ATTEMPT; cause++)
        for (int deaf = 0; deaf < 2; deaf++) {
            struct sim_road r;
            if (cause == ATTEMPT && deaf)
                continue;
            prepare_cause(&r, (enum cause)cause);
            sim_road_start(&r);
            r.node.pieces.capacity = 10000;
            struct sim_peer *client = sim_road_client(&r);
            sim_peer_send(client, deaf ? ROAD_GET : POST_HALF);
            struct sim_peer *app = sim_road_app(&r);
            if (deaf) {
                sim_peer_read(client, false);
                sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 400000\r\n\r\n");
                sim_peer_send(app, big);
            }
            sim_advance(&r.sim, 3000);
            assert_int_equal(r.node.worker.exchange_count, 0);
            assert_int_equal(failures(&r), 0);
            sim_road_done(&r, client);
            sim_road_close(&r);
        }
}

/* A switched connection on which nobody has anything to say is nobody's failure. */
static void quiet_switched_connection_does_not_count(void **state)
{
    struct sim_road r;
    prepare_cause(&r, IDLE);
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, WS);
    sim_peer_send(sim_road_app(&r), SWITCHED);
    sim_advance(&r.sim, 3000);
    assert_true(sim_peer_is_over(client));
    assert_int_equal(failures(&r), 0);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ended_the_attempt_does_not_end_the_reply),
        cmocka_unit_test(switched_connection_has_no_deadline),
        cmocka_unit_test(switched_connection_of_the_mesh),
        cmocka_unit_test(switched_connection_through_a_gateway),
        cmocka_unit_test(long_idle_through_the_mesh),
        cmocka_unit_test(tunnel_idle_through_the_mesh),
        cmocka_unit_test(tunnel_without_a_byte),
        cmocka_unit_test(tunnel_open_for_too_long),
        cmocka_unit_test(the_last_answer_rather_than_a_pause_to_no_purpose),
        cmocka_unit_test(silence_of_the_endpoint_counts),
        cmocka_unit_test(dialling_into_silence_counts),
        cmocka_unit_test(silence_of_the_client_does_not_count),
        cmocka_unit_test(quiet_switched_connection_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
