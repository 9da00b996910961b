/* How HTTP/2 connections end: drains from both sides, lost transports, silence, slow heads,
 * errors.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/codec/h2/h2_guard.h"
#include "tests/unit/lib/net/h2_net_bed.h"

#include <cmocka.h>

static int set_up(void **state)
{
    *state = mem_zalloc(sizeof(struct h2_net_bed));
    return 0;
}

static int tear_down(void **state)
{
    h2_net_close(*state);
    mem_free(*state);
    return 0;
}

static struct h2_net_bed *open_pair(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open(b, NULL);
    h2_net_run(b);
    return b;
}

static void server_drains(void **state)
{
    struct h2_net_bed *b = open_pair(state);
    struct h2_net_stream *c = h2_net_request(b, "GET", true);
    h2_net_run(b);
    struct h2_net_stream *crossing = h2_net_request(b, "GET", true);
    http_server_drain(b->server);
    http_server_drain(b->server); /* once is enough */
    h2_net_run(b);
    assert_int_equal(b->retired, 1);
    assert_int_equal(http_client_capacity(b->client), 0);
    assert_int_equal(b->request_count, 2); /* what crossed the notice is served */
    assert_int_equal(b->server_closed, 0);
    h2_net_respond(b->requests[0], 200, true);
    h2_net_run(b);
    assert_int_equal(c->dones, 1);
    assert_int_equal(b->server_closed, 0);
    h2_net_respond(b->requests[1], 200, true);
    h2_net_run(b);
    assert_int_equal(crossing->dones, 1);
    assert_int_equal(b->server_closed, 1);
    assert_int_equal(b->server_why, ERR_OK);
    assert_int_equal(b->client_closed, 1);
    assert_int_equal(b->client_why, ERR_OK);
    assert_int_equal(b->retired, 1);
}

static void idle_server_drains_at_once(void **state)
{
    struct h2_net_bed *b = open_pair(state);
    http_server_drain(b->server);
    h2_net_run(b);
    assert_int_equal(b->server_closed, 1);
    assert_int_equal(b->client_closed, 1);
    assert_int_equal(b->server_why, ERR_OK);
}

/* A peer that never answers the PING does not hold the drain up. */
static void drain_of_a_silent_peer(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open_server(b, NULL);
    h2_net_greet(b, true);
    http_server_drain(b->server);
    h2_net_run(b);
    assert_int_equal(h2_net_count(b, H2_GOAWAY), 1);
    assert_int_equal(b->server_closed, 0);
    h2_net_advance(b, 999);
    assert_int_equal(b->server_closed, 0);
    h2_net_advance(b, 1);
    assert_int_equal(h2_net_count(b, H2_GOAWAY), 1);
    assert_int_equal(b->server_closed, 1);
    assert_int_equal(b->server_why, ERR_OK);
}

static void client_drains(void **state)
{
    struct h2_net_bed *b = open_pair(state);
    struct h2_net_stream *c = h2_net_request(b, "GET", true);
    h2_net_run(b);
    http_client_drain(b->client);
    assert_int_equal(b->retired, 1);
    assert_int_equal(http_client_capacity(b->client), 0);
    h2_net_run(b);
    assert_int_equal(b->client_closed, 0);
    h2_net_respond(b->requests[0], 200, true);
    h2_net_run(b);
    assert_int_equal(c->dones, 1);
    assert_int_equal(b->client_closed, 1);
    assert_int_equal(b->client_why, ERR_OK);
    assert_int_equal(b->server_closed, 1);
    assert_int_equal(b->server_why, ERR_OK);
}

static void idle_client_drains_at_once(void **state)
{
    struct h2_net_bed *b = open_pair(state);
    http_client_drain(b->client);
    h2_net_run(b);
    assert_int_equal(b->client_closed, 1);
    assert_int_equal(b->server_closed, 1);
}

static void closing_aborts(void **state)
{
    struct h2_net_bed *b = open_pair(state);
    struct h2_net_stream *c = h2_net_request(b, "GET", true);
    h2_net_run(b);
    http_server_close(b->server);
    assert_int_equal(b->requests[0]->aborts, 1);
    assert_int_equal(b->requests[0]->why, ERR_CANCELED);
    h2_net_run(b);
    assert_int_equal(c->aborts, 1);
    assert_int_equal(c->why, ERR_RESET);
    assert_int_equal(b->client_closed, 1);
    assert_int_equal(b->client_why, ERR_RESET);
}

/* What never left is told apart from what may have been processed. The client's connection is over
 * before the turn's flush, because the last event before it was the loss. */
static void undelivered_or_not(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open_client(b, NULL);
    h2_net_greet(b, false);
    struct h2_net_stream *left = h2_net_request(b, "GET", true);
    h2_net_run(b);
    struct h2_net_stream *stayed = h2_net_request(b, "GET", true);
    b->ours->events->on_fail(b->ours, ERR_RESET);
    assert_int_equal(left->why, ERR_RESET);
    assert_int_equal(stayed->why, ERR_UNDELIVERED);
    assert_int_equal(b->retired, 1);
    assert_int_equal(b->client_closed, 1);
    assert_int_equal(b->client_why, ERR_RESET);
}

static void lost_transport(void **state)
{
    struct h2_net_bed *b = open_pair(state);
    struct h2_net_stream *c = h2_net_request(b, "GET", true);
    h2_net_run(b);
    memstream_cut(b->ours, ERR_RESET);
    h2_net_run(b);
    assert_int_equal(c->why, ERR_RESET);
    assert_int_equal(b->requests[0]->why, ERR_RESET);
    assert_int_equal(b->client_why, ERR_RESET);
    assert_int_equal(b->server_why, ERR_RESET);
    assert_true(b->has_detail);
}

static void end_of_stream(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open_client(b, NULL);
    h2_net_greet(b, false);
    stream_shutdown(b->theirs);
    h2_net_run(b);
    assert_int_equal(b->client_closed, 1);
    assert_int_equal(b->client_why, ERR_OK);
    assert_int_equal(b->retired, 1);
}

#define HALF_REQUEST(id) "\0\0\x6\1\4\0\0\0" id "\x82\x86\x84\x41\1a"
#define WHOLE_REQUEST(id) "\0\0\x6\1\5\0\0\0" id "\x82\x86\x84\x41\1a"
enum { REQUEST_LEN = 15 };

/* What a client has asked for in whole before it closed its direction is answered, whenever that
 * may be. What it has only begun can never be whole. */
static void end_of_stream_with_requests(void **state)
{
    struct h2_net_bed *b = *state;
    b->server_config.ping_interval_ms = 1000;
    h2_net_open_server(b, NULL);
    h2_net_greet(b, true);
    h2_net_write(b, WHOLE_REQUEST("\1") HALF_REQUEST("\3"), 2 * REQUEST_LEN);
    stream_shutdown(b->theirs);
    h2_net_run(b);
    assert_int_equal(b->requests[0]->aborts, 0);
    assert_int_equal(b->requests[1]->why, ERR_CLOSED);
    h2_net_advance(b, 60000); /* nobody is asked whether he is there who cannot answer */
    assert_int_equal(b->server_closed, 0);
    h2_net_count(b, 0);
    h2_net_respond(b->requests[0], 200, false);
    h2_net_body(b->requests[0], 30000, false);
    h2_net_run(b);
    assert_int_equal(b->server_closed, 0);
    h2_net_body(b->requests[0], 30000, true);
    h2_net_run(b);
    assert_int_equal(b->requests[0]->dones, 1);
    assert_in_range(b->got.len, 60000, 60200);
    assert_int_equal(b->server_closed, 1);
    assert_int_equal(b->server_why, ERR_CLOSED);
    assert_true(b->peer_eof);
}

static void end_of_stream_with_whole_requests(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open_server(b, NULL);
    h2_net_greet(b, true);
    h2_net_write(b, WHOLE_REQUEST("\1"), REQUEST_LEN);
    stream_shutdown(b->theirs);
    h2_net_run(b);
    h2_net_respond(b->requests[0], 200, true);
    h2_net_run(b);
    assert_int_equal(b->requests[0]->dones, 1);
    assert_int_equal(b->server_closed, 1);
    assert_int_equal(b->server_why, ERR_OK);
}

/* 65535 bytes are all that was granted, and all that can ever go. */
static void end_of_stream_and_of_window(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open_server(b, NULL);
    h2_net_greet(b, true);
    h2_net_write(b, WHOLE_REQUEST("\1"), REQUEST_LEN);
    stream_shutdown(b->theirs);
    h2_net_run(b);
    h2_net_respond(b->requests[0], 200, false);
    h2_net_body(b->requests[0], 70000, true);
    h2_net_run(b);
    assert_int_equal(b->requests[0]->why, ERR_CLOSED);
    assert_int_equal(h2_net_count(b, H2_RST_STREAM), 1);
    assert_int_equal(b->server_closed, 1);
}

static void client_notices_silence(void **state)
{
    struct h2_net_bed *b = *state;
    b->client_config.ping_interval_ms = 1000;
    b->client_config.ping_timeout_ms = 500;
    h2_net_open_client(b, NULL);
    h2_net_greet(b, false);
    struct h2_net_stream *c = h2_net_request(b, "GET", true);
    h2_net_run(b);
    h2_net_count(b, 0);
    h2_net_advance(b, 900);
    assert_int_equal(h2_net_count(b, H2_PING), 0);
    h2_net_advance(b, 200);
    assert_int_equal(h2_net_count(b, H2_PING), 1);
    h2_net_write(b, "\0\0\x8\6\1\0\0\0\0\0\0\0\0\0\0\0\0", 17); /* it is answered */
    h2_net_advance(b, 600);
    assert_int_equal(b->client_closed, 0);
    h2_net_advance(b, 600);
    assert_int_equal(h2_net_count(b, H2_PING), 1);
    h2_net_advance(b, 600);
    assert_int_equal(b->client_closed, 1);
    assert_int_equal(b->client_why, ERR_TIMEOUT);
    assert_int_equal(c->why, ERR_TIMEOUT);
}

/* A request that was given up (a timeout of its own) leaves the question open whether anybody is
 * there. */
static void client_notices_silence_after_requests_that_were_given_up(void **state)
{
    struct h2_net_bed *b = *state;
    b->client_config.ping_interval_ms = 1000;
    b->client_config.ping_timeout_ms = 500;
    h2_net_open_client(b, NULL);
    h2_net_greet(b, false);
    h2_net_advance(b, 5000);
    for (int i = 0; i < 3; i++) {
        struct h2_net_stream *c = h2_net_request(b, "GET", true);
        h2_net_advance(b, 100);
        http_stream_reset(&c->st, ERR_CANCELED);
        h2_net_run(b);
    }
    h2_net_count(b, 0);
    h2_net_advance(b, 800);
    assert_int_equal(h2_net_count(b, H2_PING), 1);
    h2_net_advance(b, 600);
    assert_int_equal(b->client_closed, 1);
    assert_int_equal(b->client_why, ERR_TIMEOUT);
}

/* Apps are not asked: gRPC servers take it for an attack. */
static void clients_that_were_not_told_to_send_no_ping(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open_client(b, NULL);
    h2_net_greet(b, false);
    h2_net_request(b, "GET", true);
    h2_net_run(b);
    h2_net_count(b, 0);
    h2_net_advance(b, 1000000);
    assert_int_equal(h2_net_count(b, H2_PING), 0);
    assert_int_equal(b->client_closed, 0);
}

static void idle_clients_send_no_ping(void **state)
{
    struct h2_net_bed *b = *state;
    b->client_config.ping_interval_ms = 1000;
    h2_net_open_client(b, NULL);
    h2_net_greet(b, false);
    h2_net_advance(b, 100000);
    assert_int_equal(h2_net_count(b, H2_PING), 0);
    assert_int_equal(b->client_closed, 0);
}

static void slow_preface(void **state)
{
    struct h2_net_bed *b = *state;
    b->server_config.head_timeout_ms = 1000;
    h2_net_open_server(b, NULL);
    h2_net_write(b, "PRI * HTTP/2.0\r\n", 16);
    h2_net_advance(b, 999);
    assert_int_equal(b->server_closed, 0);
    h2_net_advance(b, 1);
    assert_int_equal(b->server_closed, 1);
    assert_int_equal(b->server_why, ERR_TIMEOUT);
    assert_int_equal(b->bad_status, 408);
    assert_true(b->peer_eof);
}

static void slow_head(void **state)
{
    struct h2_net_bed *b = *state;
    b->server_config.head_timeout_ms = 1000;
    h2_net_open_server(b, NULL);
    h2_net_greet(b, true);
    h2_net_advance(b, 5000);
    assert_int_equal(b->server_closed, 0);
    h2_net_write(b, "\0\0\x6\1\4\0\0\0\1\x82\x86", 11);
    h2_net_advance(b, 900);
    h2_net_write(b, "\x84", 1);
    h2_net_advance(b, 50);
    assert_int_equal(b->server_closed, 0);
    h2_net_advance(b, 100);
    assert_int_equal(b->server_closed, 1);
    assert_int_equal(b->server_why, ERR_TIMEOUT);
    assert_int_equal(b->request_count, 0);
    assert_int_equal(h2_net_count(b, H2_GOAWAY), 1);
}

/* Each head on its own is quick enough, though one is always under way. */
static void heads_one_after_the_other(void **state)
{
    struct h2_net_bed *b = *state;
    b->server_config.head_timeout_ms = 1000;
    h2_net_open_server(b, NULL);
    h2_net_greet(b, true);
    h2_net_write(b, "\0\0\x6\1\5\0\0\0\1\x82\x86", 11);
    for (uint8_t id = 3; id < 23; id += 2) {
        h2_net_advance(b, 300);
        uint8_t bytes[15] = {0x84, 0x41, 1, 'a', 0, 0, 6, 1, 5, 0, 0, 0, id, 0x82, 0x86};
        h2_net_write(b, bytes, sizeof(bytes));
    }
    h2_net_run(b);
    assert_int_equal(b->server_closed, 0);
    assert_int_equal(b->request_count, 10);
}

static void idle_timeout(void **state)
{
    struct h2_net_bed *b = *state;
    b->server_config.idle_timeout_ms = 5000;
    h2_net_open(b, NULL);
    struct h2_net_stream *c = h2_net_request(b, "GET", true);
    h2_net_advance(b, 20000); /* a request is live */
    assert_int_equal(b->server_closed, 0);
    h2_net_respond(b->requests[0], 200, true);
    h2_net_run(b);
    assert_int_equal(c->dones, 1);
    h2_net_advance(b, 4999);
    assert_int_equal(b->server_closed, 0);
    h2_net_advance(b, 1);
    assert_int_equal(b->server_closed, 1);
    assert_int_equal(b->server_why, ERR_OK);
    assert_int_equal(b->client_closed, 1);
    assert_int_equal(b->client_why, ERR_OK);
}

static void broken_rules(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open_server(b, NULL);
    h2_net_greet(b, true);
    h2_net_write(b, "\0\0\x6\1\4\0\0\0\1\x82\x86\x84\x41\1a", 15);
    h2_net_write(b, "\0\0\0\x9\4\0\0\0\1", 9); /* CONTINUATION out of nowhere */
    h2_net_run(b);
    assert_int_equal(b->requests[0]->aborts, 1);
    assert_int_equal(b->requests[0]->why, ERR_PROTOCOL);
    assert_int_equal(b->server_why, ERR_PROTOCOL);
    assert_true(b->has_detail);
    assert_int_equal(h2_net_count(b, H2_GOAWAY), 1);
    assert_true(b->peer_eof);
}

static void floods_are_sent_away(void **state)
{
    struct h2_net_bed *b = *state;
    b->server_config.max_resets = 20;
    h2_net_open_server(b, NULL);
    h2_net_greet(b, true);
    for (unsigned i = 0; i < 30; i++)
        h2_net_write(b, "\0\0\0\4\0\0\0\0\0", 9);
    h2_net_run(b);
    assert_int_equal(b->server_why, ERR_OVERLOAD);
    assert_int_equal(h2_net_count(b, H2_GOAWAY), 1);
}

static void server_that_breaks_rules(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open_client(b, NULL);
    struct h2_net_stream *c = h2_net_request(b, "GET", true);
    h2_net_run(b);
    h2_net_write(b, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    h2_net_run(b);
    assert_int_equal(b->client_closed, 1);
    assert_int_equal(b->client_why, ERR_PROTOCOL);
    assert_int_equal(c->why, ERR_PROTOCOL);
}

static void goaway_with_live_streams(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open_client(b, NULL);
    h2_net_greet(b, false);
    struct h2_net_stream *kept = h2_net_request(b, "GET", true);
    struct h2_net_stream *lost = h2_net_request(b, "GET", true);
    h2_net_run(b);
    h2_net_write(b, "\0\0\x8\7\0\0\0\0\0\0\0\0\1\0\0\0\0", 17);
    h2_net_run(b);
    assert_int_equal(b->retired, 1);
    assert_int_equal(lost->why, ERR_UNDELIVERED);
    assert_int_equal(http_client_active(b->client), 1);
    h2_net_write(b, "\0\0\1\1\5\0\0\0\1\x88", 10);
    h2_net_run(b);
    assert_int_equal(kept->dones, 1);
    assert_int_equal(b->client_closed, 1);
    assert_int_equal(b->client_why, ERR_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(server_drains),
        TEST(idle_server_drains_at_once),
        TEST(drain_of_a_silent_peer),
        TEST(client_drains),
        TEST(idle_client_drains_at_once),
        TEST(closing_aborts),
        TEST(undelivered_or_not),
        TEST(lost_transport),
        TEST(end_of_stream),
        TEST(end_of_stream_with_requests),
        TEST(end_of_stream_with_whole_requests),
        TEST(end_of_stream_and_of_window),
        TEST(client_notices_silence),
        TEST(client_notices_silence_after_requests_that_were_given_up),
        TEST(clients_that_were_not_told_to_send_no_ping),
        TEST(idle_clients_send_no_ping),
        TEST(slow_preface),
        TEST(slow_head),
        TEST(heads_one_after_the_other),
        TEST(idle_timeout),
        TEST(broken_rules),
        TEST(floods_are_sent_away),
        TEST(server_that_breaks_rules),
        TEST(goaway_with_live_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
