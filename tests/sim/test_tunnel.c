/* Opaque connections: every byte and every kind of end goes through, whoever is slow slows the
 * other, and an endpoint that does not answer is not the end.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/proxy/proxy_header.h"
#include "tests/sim/sim_road.h"

#include <string.h>

static void open_road(struct sim_road *r)
{
    sim_road_prepare(r);
    r->destination->protocol = SIM_TCP;
    sim_road_start(r);
}

static void both_ways(void **state)
{
    for (size_t piece = 0; piece < 3; piece++) {
        struct sim_road r;
        open_road(&r);
        r.node.pieces.piece = r.app.host.options.piece = piece;
        struct sim_peer *client = sim_road_client(&r);
        sim_peer_send(client, "before the way is open ");
        struct sim_peer *app = sim_road_app(&r);
        sim_peer_expect(app, "before the way is open ");
        for (int i = 0; i < 100; i++) {
            sim_peer_send(client, "ping");
            sim_peer_expect(app, "ping");
            sim_peer_send(app, "pong!");
            sim_peer_expect(client, "pong!");
        }
        sim_peer_close(app);
        sim_peer_close(client);
        sim_road_done(&r, client);
        assert_int_equal(sim_report.tunnels_opened, 1);
        assert_int_equal(sim_report.tunnels_closed, 1);
        assert_int_equal(sim_report.request_bytes, 23 + 400);
        assert_int_equal(sim_report.response_bytes, 500);
        assert_int_equal(sim_report.fail, FAIL_NONE);
        sim_road_close(&r);
    }
}

/* The endpoint hears who the client is first, and the client's bytes are counted without that. */
static void introduced(void **state)
{
    for (unsigned version = 1; version <= 2; version++) {
        struct sim_road r;
        struct proxy_header header;
        sim_road_prepare(&r);
        r.destination->protocol = SIM_TCP;
        r.cluster->proxy_protocol = version;
        sim_road_start(&r);
        struct sim_peer *client = sim_road_client(&r), *app = sim_road_app(&r);
        /* Before the client has said anything: the app may be the one to speak first. */
        size_t len = app->in.len;
        assert_int_equal(proxy_header_parse((const uint8_t *)sim_peer_got(app), len, &header),
                         PROXY_DONE);
        assert_int_equal(header.len, len);
        assert_true(header.has_addresses);
        assert_true(sim_peer_got(app)[0] == (version == 1 ? 'P' : '\r'));
        struct stream_info info = {0};
        stream_info(client->s, &info);
        assert_true(addr_eq(&header.from, &info.local));
        sim_peer_forget(app);
        sim_peer_send(client, "ping");
        sim_peer_expect(app, "ping");
        sim_peer_close(app);
        sim_peer_close(client);
        sim_road_done(&r, client);
        assert_int_equal(sim_report.request_bytes, 4);
        sim_road_close(&r);
    }
}

static void half_close(void **state)
{
    for (int client_first = 0; client_first < 2; client_first++) {
        struct sim_road r;
        open_road(&r);
        struct sim_peer *client = sim_road_client(&r), *app = sim_road_app(&r);
        struct sim_peer *first = client_first ? client : app, *last = client_first ? app : client;
        sim_peer_send(first, "done");
        sim_peer_shut(first);
        sim_peer_expect(last, "done");
        assert_true(last->eof);
        assert_false(sim_peer_is_over(first));
        sim_advance(&r.sim, 600000);
        sim_peer_send(last, "and the answer");
        sim_peer_expect(first, "and the answer");
        sim_peer_send(last, "!");
        sim_peer_shut(last);
        sim_peer_expect(first, "!");
        assert_true(first->eof);
        assert_int_equal(r.node.worker.session_count, 0);
        assert_int_equal(sim_report.fail, FAIL_NONE);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

/* The client closed before the way to the server was open. */
static void half_close_while_we_dial(void **state)
{
    struct sim_road r;
    open_road(&r);
    r.app.host.connect_ms = 100;
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, "question");
    sim_peer_shut(client);
    sim_advance(&r.sim, 200);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_expect(app, "question");
    assert_true(app->eof);
    sim_peer_send(app, "answer");
    sim_peer_shut(app);
    sim_peer_expect(client, "answer");
    assert_true(client->eof);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* A time for how long it may be open holds whatever moves; that of silence holds beside it, and the
 * first of them ends it. */
static void open_for_too_long(void **state)
{
    static const struct {
        uint32_t open_ms, idle_ms;
        bool speaks;
        uint64_t over_ms;
        enum fail fail;
    } cases[] = {
        {10000, 0, true, 10000, FAIL_TUNNEL_TIMEOUT},
        {10000, 3000, true, 10000, FAIL_TUNNEL_TIMEOUT},
        {10000, 3000, false, 3000, FAIL_IDLE_TIMEOUT},
        {10000, 20000, false, 10000, FAIL_TUNNEL_TIMEOUT},
        {0, 3000, false, 3000, FAIL_IDLE_TIMEOUT},
        {3000, 3000, false, 3000, FAIL_TUNNEL_TIMEOUT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_road r;
        sim_road_prepare(&r);
        r.destination->protocol = SIM_TCP;
        r.cluster->timeouts = sim_conf_timeouts(&r.conf);
        r.cluster->timeouts->tunnel_ms = cases[i].open_ms;
        r.cluster->timeouts->idle_ms = cases[i].idle_ms;
        sim_road_start(&r);
        struct sim_peer *client = sim_road_client(&r), *app = sim_road_app(&r);
        for (uint64_t ms = 1000; ms < cases[i].over_ms; ms += 1000) {
            sim_advance(&r.sim, 1000);
            if (cases[i].speaks)
                sim_peer_send(ms % 2000 ? client : app, "x");
        }
        sim_advance(&r.sim, 999);
        assert_int_equal(r.node.worker.session_count, 1);
        sim_advance(&r.sim, 1);
        assert_int_equal(r.node.worker.session_count, 0);
        assert_int_equal(sim_report.fail, cases[i].fail);
        assert_true(sim_peer_is_over(app));
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

/* One side ended and the other neither speaks nor ends: not for ever. */
static void half_open_for_too_long(void **state)
{
    struct sim_road r;
    open_road(&r);
    struct sim_peer *client = sim_road_client(&r), *app = sim_road_app(&r);
    sim_peer_shut(client);
    sim_advance(&r.sim, 3000000);
    sim_peer_send(app, "still here");
    sim_peer_expect(client, "still here");
    sim_advance(&r.sim, 3000000);
    assert_int_equal(r.node.worker.session_count, 1);
    sim_advance(&r.sim, 4300000);
    assert_int_equal(r.node.worker.session_count, 0);
    assert_true(app->failed);
    assert_true(client->failed);
    sim_road_done(&r, client);
    assert_int_equal(sim_report.fail, FAIL_IDLE_TIMEOUT);
    sim_road_close(&r);
}

/* A reset stays a reset: whoever sees a regular end believes that it has everything. */
static void resets_are_passed_on(void **state)
{
    for (int from_client = 0; from_client < 2; from_client++) {
        struct sim_road r;
        open_road(&r);
        struct sim_peer *client = sim_road_client(&r), *app = sim_road_app(&r);
        struct sim_peer *first = from_client ? client : app, *last = from_client ? app : client;
        sim_peer_send(first, "the first half of");
        sim_peer_expect(last, "the first half of");
        sim_peer_reset(first);
        sim_turn(&r.sim);
        assert_true(last->failed);
        assert_int_equal(last->why, ERR_RESET);
        assert_false(last->eof);
        sim_road_done(&r, client);
        assert_int_equal(sim_report.fail, from_client ? FAIL_DOWNSTREAM_GONE : FAIL_UPSTREAM_RESET);
        sim_road_close(&r);
    }
}

static void slow_reader(void **state)
{
    enum { SIZE = 4 << 20 };
    static char data[SIZE + 1];
    memset(data, 'x', SIZE);
    for (int from_client = 0; from_client < 2; from_client++) {
        struct sim_road r;
        open_road(&r);
        r.node.pieces.capacity = r.app.host.options.capacity = 20000;
        struct sim_peer *client = sim_road_client(&r), *app = sim_road_app(&r);
        struct sim_peer *sender = from_client ? client : app, *reader = from_client ? app : client;
        sim_peer_read(reader, false);
        sim_peer_send_bytes(sender, data, SIZE);
        sim_turn(&r.sim);
        assert_true(SIZE - stream_queued(sender->s) < 400 * 1024);
        /* The other direction is not held up. */
        sim_peer_send(reader, "hurry");
        sim_peer_expect(sender, "hurry");
        sim_peer_read(reader, true);
        sim_turn(&r.sim);
        assert_int_equal(reader->in.len, SIZE);
        sim_peer_close(app);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

/* What is taken before the way is open is bounded. */
static void client_sends_while_we_dial(void **state)
{
    enum { SIZE = 1 << 20 };
    static char data[SIZE + 1];
    struct sim_road r;
    open_road(&r);
    memset(data, 'x', SIZE);
    r.node.pieces.capacity = 20000;
    r.app.host.connect_ms = 500;
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send_bytes(client, data, SIZE);
    sim_advance(&r.sim, 400);
    assert_true(SIZE - stream_queued(client->s) < 150 * 1024);
    sim_advance(&r.sim, 200);
    struct sim_peer *app = sim_road_app(&r);
    assert_int_equal(app->in.len, SIZE);
    sim_peer_close(app);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void next_endpoint(void **state)
{
    struct sim_road r;
    struct sim_app other;
    sim_road_prepare(&r);
    r.destination->protocol = SIM_TCP;
    sim_conf_endpoint(&r.conf, r.cluster, "10.0.0.2:8080");
    sim_conf_balance(r.cluster, "RoundRobin");
    sim_road_start(&r);
    sim_app_open(&other, "10.0.0.2:8080");
    r.app.host.answer = SIM_REFUSE;
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, "hello");
    sim_turn(&r.sim);
    assert_int_equal(r.app.host.dials, 1);
    struct sim_peer *app = sim_app_accept(&other);
    assert_non_null(app);
    sim_peer_expect(app, "hello");
    sim_peer_close(app);
    sim_road_done(&r, client);
    sim_app_close(&other);
    sim_road_close(&r);
}

static void nobody_answers(void **state)
{
    static const enum sim_answer answers[] = {SIM_REFUSE, SIM_SILENT};
    for (unsigned i = 0; i < 2; i++) {
        struct sim_road r;
        open_road(&r);
        r.app.host.answer = answers[i];
        struct sim_peer *client = sim_road_client(&r);
        sim_peer_send(client, "hello");
        sim_advance(&r.sim, 2100);
        assert_true(client->failed);
        assert_int_equal(r.app.host.dials, 1);
        assert_int_equal(sim_report.fail, i ? FAIL_CONNECT_TIMEOUT : FAIL_CONNECT_FAILED);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

/* A service that leads nowhere: the connection is counted, and so is why it ended. */
static void no_backend(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    r.destination->protocol = SIM_TCP;
    r.destination->default_cluster = NULL;
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_turn(&r.sim);
    assert_true(client->failed);
    assert_int_equal(r.app.host.dials, 0);
    assert_int_equal(sim_report.tunnels_opened, 1);
    assert_int_equal(sim_report.tunnels_closed, 1);
    assert_int_equal(sim_report.fail, FAIL_NO_CLUSTER);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void breaker(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    r.destination->protocol = SIM_TCP;
    r.cluster->breaker->max_connections = 2;
    sim_road_start(&r);
    struct sim_peer *clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = sim_road_client(&r);
        sim_turn(&r.sim);
        assert_int_equal(sim_peer_is_over(clients[i]), i == 2);
    }
    assert_int_equal(sim_report.fail, FAIL_OVERFLOW);
    sim_peer_reset(clients[0]);
    sim_turn(&r.sim);
    sim_peer_destroy(clients[2]);
    clients[2] = sim_road_client(&r);
    sim_turn(&r.sim);
    assert_false(sim_peer_is_over(clients[2]));
    sim_peer_reset(clients[1]);
    sim_peer_reset(clients[2]);
    for (int i = 0; i < 3; i++)
        sim_peer_destroy(clients[i]);
    sim_node_check_idle(&r.node);
    sim_road_close(&r);
}

/* Its endpoint is no longer there for new connections; this one goes on. */
static void endpoint_is_removed(void **state)
{
    struct sim_road r;
    open_road(&r);
    struct sim_peer *client = sim_road_client(&r), *app = sim_road_app(&r);
    r.cluster->n_endpoints = 0;
    sim_node_adopt(&r.node, &r.conf);
    sim_peer_send(client, "still");
    sim_peer_expect(app, "still");
    struct sim_peer *late = sim_road_client(&r);
    sim_turn(&r.sim);
    assert_true(sim_peer_is_over(late));
    sim_peer_destroy(late);
    sim_peer_close(app);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* ---- rights that are taken away ---- */

static void judged_again(void **state)
{
    struct sim sim;
    struct sim_conf conf;
    struct sim_node node;
    struct sim_app app;
    sim_open(&sim);
    sim_conf_init(&conf);
    sim_inbound *inbound = sim_conf_inbound(&conf);
    sim_app_open(&app, "10.0.9.1:7000");
    app.host.behind_proxy = true;
    sim_node_open(&node, &sim, MODE_SIDECAR, "10.0.9.1", &conf);
    struct sim_peer *client = sim_node_connect_inbound(&node, "10.0.5.5", 7000);
    sim_peer_send(client, "\x01");
    sim_turn(&sim);
    struct sim_peer *at = sim_app_accept(&app);
    assert_non_null(at);
    sim_node_adopt(&node, &conf);
    assert_false(sim_peer_is_over(client));
    inbound->mtls = SIM_STRICT;
    sim_node_adopt(&node, &conf);
    assert_true(client->failed);
    assert_true(at->failed);
    sim_peer_destroy(client);
    sim_node_check_idle(&node);
    sim_app_close(&app);
    sim_node_close(&node);
    sim_conf_dispose(&conf);
    sim_close(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(introduced),
        cmocka_unit_test(half_close),
        cmocka_unit_test(half_close_while_we_dial),
        cmocka_unit_test(open_for_too_long),
        cmocka_unit_test(half_open_for_too_long),
        cmocka_unit_test(resets_are_passed_on),
        cmocka_unit_test(slow_reader),
        cmocka_unit_test(client_sends_while_we_dial),
        cmocka_unit_test(next_endpoint),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(no_backend),
        cmocka_unit_test(breaker),
        cmocka_unit_test(endpoint_is_removed),
        cmocka_unit_test(judged_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
