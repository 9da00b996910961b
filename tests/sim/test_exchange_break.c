/* What breaks on either side in the middle: the client never takes a part for the whole, the app
 * never goes on working for a client that is gone, and nothing of it is left behind.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <string.h>

#define POST "POST /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\ncontent-length: 6\r\n\r\nabcdef"

enum how { FIN, RST };

static void end(struct sim_peer *p, enum how how)
{
    if (how == FIN)
        sim_peer_close(p);
    else
        sim_peer_reset(p);
}

/* ---- the app dies ---- */

/* A chunked answer is only whole with its last chunk. */
static void app_dies_in_its_answer(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n0123456789",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\n0123456789\r\n",
        "HTTP/1.1 200 OK\r\n\r\n0123456789", /* delimited by a close, which is no reset */
    };
    for (unsigned i = 0; i < 3; i++) {
        for (int how = FIN; how <= RST; how++) {
            struct sim_road r;
            sim_road_open(&r);
            struct sim_peer *client = sim_road_client(&r);
            sim_peer_send(client, ROAD_GET);
            struct sim_peer *app = sim_road_app(&r);
            sim_peer_send(app, answers[i]);
            sim_turn(&r.sim);
            end(app, how);
            sim_turn(&r.sim);
            const char *got = sim_peer_got(client);
            assert_non_null(strstr(got, "0123456789"));
            bool whole = i == 2 && how == FIN;
            assert_int_equal(strstr(got, "\r\n0\r\n\r\n") != NULL, whole);
            assert_int_equal(sim_peer_is_over(client), !whole);
            assert_int_equal(sim_report.fail, whole ? FAIL_NONE : FAIL_UPSTREAM_RESET);
            assert_int_equal(client->failed, !whole);
            sim_road_done(&r, client);
            sim_road_close(&r);
        }
    }
}

/* The same for a client that speaks HTTP/2: its stream is reset, its connection lives. */
static void app_dies_in_its_answer_h2(void **state)
{
    for (int how = FIN; how <= RST; how++) {
        struct sim_road r;
        struct sim_client client;
        sim_road_prepare(&r);
        r.cluster->protocol = SIM_HTTP1;
        sim_road_start(&r);
        sim_client_open(&client, sim_node_dial(&r.node, ROAD_VIP), HTTP_PROTOCOL_2);
        struct sim_call *call = sim_client_call(&client, "GET", "app", "/", NULL, true);
        struct sim_peer *app = sim_road_app(&r);
        sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n0123456789");
        sim_turn(&r.sim);
        assert_int_equal(call->body.len, 10);
        end(app, how);
        sim_turn(&r.sim);
        assert_true(call->aborted);
        assert_false(call->ended);
        assert_non_null(client.client);
        call = sim_client_call(&client, "GET", "app", "/", NULL, true);
        sim_peer_send(sim_road_app(&r), ROAD_OK);
        sim_turn(&r.sim);
        assert_true(call->done);
        sim_client_close(&client);
        sim_road_close(&r);
    }
}

static void app_dies_before_it_answers(void **state)
{
    for (int how = FIN; how <= RST; how++) {
        for (int partial = 0; partial < 2; partial++) {
            struct sim_road r;
            sim_road_open(&r);
            struct sim_peer *client = sim_road_client(&r);
            sim_peer_send(client, POST);
            struct sim_peer *app = sim_road_app(&r);
            sim_peer_expect(app, POST);
            if (partial)
                sim_peer_send(app, "HTTP/1.1 2");
            sim_turn(&r.sim);
            end(app, how);
            sim_peer_expect_part(client, "HTTP/1.1 502 Bad Gateway\r\n",
                                 "x-weft-reason: upstream_");
            assert_false(sim_peer_is_over(client));
            assert_int_equal(r.app.connections, 1);
            sim_road_done(&r, client);
            sim_road_close(&r);
        }
    }
}

static void app_speaks_garbage(void **state)
{
    static const char *const answers[] = {
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nfoo : bar\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        "HTTP/3.7 200 OK\r\n\r\n",
    };
    for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct sim_road r;
        sim_road_open(&r);
        struct sim_peer *client = sim_road_client(&r);
        sim_peer_send(client, ROAD_GET);
        struct sim_peer *app = sim_road_app(&r);
        sim_peer_send(app, answers[i]);
        sim_peer_expect_part(client, "HTTP/1.1 502 Bad Gateway\r\n",
                             "x-weft-reason: upstream_protocol\r\n");
        assert_true(sim_peer_is_over(app));
        assert_int_equal(sim_report.fail, FAIL_UPSTREAM_PROTOCOL);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

/* A body that breaks its framing after the head was passed on. */
static void app_breaks_its_chunks(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
    sim_peer_expect_part(client, "HTTP/1.1 200 OK\r\n", "abc");
    sim_peer_send(app, "zz\r\n");
    sim_peer_expect(client, "");
    assert_true(client->failed);
    assert_int_equal(sim_report.fail, FAIL_UPSTREAM_PROTOCOL);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* An app that answers more than it was asked cannot smuggle an answer to the next request. */
static void app_sends_an_answer_too_many(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, ROAD_OK ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    assert_true(sim_peer_is_over(app));
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *other = sim_road_app(&r);
    sim_peer_expect(other, ROAD_GET);
    sim_peer_expect(client, "");
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* An app that speaks HTTP/2 gives up one answer, or goes away in the middle of it. */
static void h2_app_breaks_off(void **state)
{
    static const enum http_protocol clients[] = {HTTP_PROTOCOL_1, HTTP_PROTOCOL_2};
    for (unsigned i = 0; i < 4; i++) {
        struct sim_road r;
        struct sim_client client;
        struct sim_server app;
        sim_road_prepare(&r);
        r.cluster->protocol = SIM_HTTP2;
        sim_node_open(&r.node, &r.sim, MODE_SIDECAR, "10.0.9.1", &r.conf);
        sim_server_open(&app, r.sim.loop, ROAD_APP, HTTP_PROTOCOL_2);
        app.manual = true;
        sim_client_open(&client, sim_node_dial(&r.node, ROAD_VIP), clients[i % 2]);
        struct sim_call *call = sim_client_call(&client, "GET", "app", "/", NULL, true);
        sim_turn(&r.sim);
        struct sim_call *got = sim_server_call(&app, 0);
        sim_server_head(got, 200, -1, false);
        sim_call_send(got, "half", false);
        sim_turn(&r.sim);
        assert_string_equal(sim_text_get(&call->body), "half");
        if (i < 2)
            sim_call_reset(got, ERR_IO);
        else
            sim_server_drop(&app);
        sim_turn(&r.sim);
        assert_true(call->aborted);
        assert_false(call->ended);
        assert_int_equal(sim_report.fail, FAIL_UPSTREAM_RESET);
        sim_client_close(&client);
        sim_node_check_idle(&r.node);
        sim_server_close(&app);
        sim_turn(&r.sim);
        sim_node_close(&r.node);
        sim_conf_dispose(&r.conf);
        sim_close(&r.sim);
    }
}

/* ---- the client dies ---- */

/* After each byte of its request, and after each byte of the answer it is in the middle of. One
 * that has asked in whole and closes could still be listening: that it is not shows with the next
 * bytes for it. */
static void client_dies_anywhere(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    for (int how = FIN; how <= RST; how++) {
        for (size_t sent = 0; sent <= strlen(POST); sent++) {
            for (size_t answered = 0; answered < strlen(ROAD_OK); answered += 5) {
                struct sim_peer *client = sim_road_client(&r);
                if (sent)
                    sim_peer_send_bytes(client, POST, sent);
                sim_turn(&r.sim);
                struct sim_peer *app = sim_app_accept(&r.app);
                if (app && answered)
                    sim_peer_send_bytes(app, ROAD_OK, answered);
                sim_turn(&r.sim);
                end(client, how);
                sim_turn(&r.sim);
                bool listens = how == FIN && sent == strlen(POST);
                if (listens) {
                    assert_false(sim_peer_is_over(app));
                    sim_peer_send_bytes(app, &ROAD_OK[answered], strlen(ROAD_OK) - 1 - answered);
                }
                sim_road_done(&r, client);
                if (app)
                    assert_true(sim_peer_is_over(app));
                assert_int_equal(sim_node_cluster(&r.node, "app")->connections, 0);
                if (!app)
                    break;
            }
        }
    }
    sim_road_close(&r);
}

/* It has asked in whole and closes its direction: it is answered, in pieces, and then it is over.
 * Nothing tells the app. */
static void client_half_closes(void **state)
{
    for (unsigned turns = 0; turns < 2; turns++) {
        struct sim_road r;
        sim_road_open(&r);
        struct sim_peer *client = sim_road_client(&r);
        sim_peer_send(client, POST);
        if (turns)
            sim_turn(&r.sim);
        sim_peer_shut(client);
        struct sim_peer *app = sim_road_app(&r);
        sim_peer_expect(app, POST);
        sim_advance(&r.sim, 60000);
        assert_false(sim_peer_is_over(app));
        sim_peer_send_bytes(app, ROAD_OK, strlen(ROAD_OK) - 2);
        sim_turn(&r.sim);
        assert_false(sim_peer_is_over(client));
        sim_peer_send(app, "lo");
        sim_peer_expect(client, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\n"
                                "hello");
        assert_true(client->eof);
        assert_false(client->failed);
        assert_int_equal(sim_report.fail, FAIL_NONE);
        assert_false(sim_peer_is_over(app));
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

static void client_resets_its_stream_h2(void **state)
{
    struct sim_road r;
    struct sim_client client;
    struct sim_server app;
    sim_road_prepare(&r);
    r.cluster->protocol = SIM_HTTP2;
    sim_node_open(&r.node, &r.sim, MODE_SIDECAR, "10.0.9.1", &r.conf);
    sim_server_open(&app, r.sim.loop, ROAD_APP, HTTP_PROTOCOL_2);
    app.manual = true;
    sim_client_open(&client, sim_node_dial(&r.node, ROAD_VIP), HTTP_PROTOCOL_2);
    for (unsigned step = 0; step < 6; step++) {
        struct sim_call *call = sim_client_call(&client, "POST", "app", "/", NULL, false);
        sim_turn(&r.sim);
        struct sim_call *got = sim_server_call(&app, step);
        if (step > 1)
            sim_call_send(call, "abc", false);
        if (step > 2)
            sim_turn(&r.sim);
        if (step > 3)
            sim_server_head(got, 200, -1, false);
        if (step > 4)
            sim_call_send_zeros(got, 500000, false);
        sim_turn(&r.sim);
        sim_call_reset(call, ERR_CANCELED);
        sim_turn(&r.sim);
        assert_int_equal(r.node.worker.exchange_count, 0);
        assert_true(got->aborted);
    }
    assert_int_equal(app.host.dials, 1);
    assert_int_equal(app.open, 1);
    assert_int_equal(sim_report.fail, FAIL_DOWNSTREAM_GONE);
    sim_client_close(&client);
    sim_node_check_idle(&r.node);
    sim_server_close(&app);
    sim_turn(&r.sim);
    sim_node_close(&r.node);
    sim_conf_dispose(&r.conf);
    sim_close(&r.sim);
}

/* While the way to the app is still being opened. */
static void client_dies_while_we_dial(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    r.app.host.connect_ms = 50;
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    sim_turn(&r.sim);
    assert_int_equal(sim_node_cluster(&r.node, "app")->pending, 1);
    sim_peer_reset(client);
    sim_road_done(&r, client);
    sim_advance(&r.sim, 100);
    assert_int_equal(r.app.connections, 1);
    /* Whom it was for is gone; the next one takes it. */
    client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect(sim_road_app(&r), ROAD_GET);
    assert_int_equal(r.app.connections, 1);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* A client's malformed body: the app must not take what it has for the whole request. */
static void client_breaks_its_chunks(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, "POST /x HTTP/1.1\r\nhost: app\r\ntransfer-encoding: chunked\r\n\r\n"
                          "3\r\nabc\r\n");
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(client, "-1\r\n");
    sim_peer_expect_part(client, "HTTP/1.1 400 Bad Request\r\n", "connection: close\r\n");
    assert_true(sim_peer_is_over(app));
    assert_null(strstr(sim_peer_got(app), "\r\n0\r\n"));
    assert_int_equal(sim_report.values[METRICS_BAD_REQUESTS], 1);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(app_dies_in_its_answer),
        cmocka_unit_test(app_dies_in_its_answer_h2),
        cmocka_unit_test(app_dies_before_it_answers),
        cmocka_unit_test(app_speaks_garbage),
        cmocka_unit_test(app_breaks_its_chunks),
        cmocka_unit_test(app_sends_an_answer_too_many),
        cmocka_unit_test(h2_app_breaks_off),
        cmocka_unit_test(client_dies_anywhere),
        cmocka_unit_test(client_half_closes),
        cmocka_unit_test(client_resets_its_stream_h2),
        cmocka_unit_test(client_dies_while_we_dial),
        cmocka_unit_test(client_breaks_its_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
