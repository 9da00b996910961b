/* The HTTP/1 client over a memory stream: when a connection may be used again, resets, switches
 * of protocol. One thread; no sockets, no clock.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/net/http_bed.h"

#define OK "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

/* Bytes that nobody asked for may be the answer to somebody else's request. */
static void test_unasked_bytes(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    http_bed_feed(b, OK);
    assert_int_equal(b->retired, 1);
    assert_int_equal(b->closed, 1);
    assert_int_equal(b->closed_why, ERR_PROTOCOL);
    http_bed_destroy(b);
    b = http_bed_create_client(NULL, NULL);
    struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
    http_bed_feed(b, OK OK);
    http_bed_expect_body(s, "ok");
    http_bed_assert_done(s);
    assert_int_equal(b->closed, 1);
    http_bed_destroy(b);
}

static void test_connection_close(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
    http_bed_feed(b, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
    http_bed_assert_done(s);
    assert_int_equal(b->retired, 1);
    assert_int_equal(b->closed, 1);
    assert_int_equal(b->closed_why, ERR_OK);
    assert_true(b->peer_eof);
    http_bed_destroy(b);
}

static void test_idle_end(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    http_bed_half_close(b);
    assert_int_equal(b->retired, 1);
    assert_int_equal(b->closed, 1);
    assert_int_equal(b->closed_why, ERR_OK);
    http_bed_destroy(b);
}

/* The answer overtakes the request: it is used, the connection is not. */
static void test_early_answer(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    struct http_bed_stream *s = http_bed_request(b, "POST", NULL, 10);
    http_bed_send_text(s, "abc", false);
    http_bed_feed(b, OK);
    http_bed_expect_body(s, "ok");
    assert_int_equal(s->ends, 1);
    assert_int_equal(s->dones, 0);
    assert_int_equal(b->retired, 1);
    http_bed_send_text(s, "defghij", true);
    http_bed_expect(b, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabcdefghij");
    http_bed_assert_done(s);
    assert_int_equal(b->closed, 1);
    http_bed_destroy(b);
    b = http_bed_create_client(NULL, NULL);
    s = http_bed_request(b, "POST", NULL, 10);
    http_bed_feed(b, OK);
    http_stream_reset(&s->st, ERR_OK);
    http_bed_run(b);
    assert_int_equal(b->closed, 1);
    http_bed_destroy(b);
}

static void test_reset(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
    http_bed_run(b);
    http_stream_reset(&s->st, ERR_TIMEOUT);
    assert_int_equal(http_client_capacity(b->client), 0);
    http_bed_run(b);
    assert_int_equal(b->closed, 1);
    assert_int_equal(b->closed_why, ERR_TIMEOUT);
    assert_int_equal(s->aborts + s->dones, 0);
    http_bed_destroy(b);
}

static void test_reset_inside_events(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct http_bed *b = http_bed_create_client(NULL, NULL);
        b->reset_on_head = i == 0;
        b->reset_on_body = i == 1;
        struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
        http_bed_feed(b, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                         "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
        assert_int_equal(s->body_len, i);
        assert_int_equal(s->ends, 0);
        assert_int_equal(b->closed, 1);
        http_bed_destroy(b);
    }
}

/* When both directions are over, giving the stream up costs no connection. */
static void test_reset_of_a_complete_exchange(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
    http_bed_run(b);
    b->reset_on_head = true;
    http_bed_feed(b, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_int_equal(b->closed, 1);
    http_bed_destroy(b);
    b = http_bed_create_client(NULL, NULL);
    s = http_bed_request(b, "GET", "", -1);
    http_bed_run(b);
    b->reset_on_end = true;
    http_bed_feed(b, OK);
    assert_false(http_stream_is_live(&s->st));
    assert_int_equal(s->aborts + s->dones, 0);
    assert_int_equal(b->closed, 0);
    assert_int_equal(http_client_capacity(b->client), 1);
    assert_int_equal(b->capacities, 1);
    http_bed_request(b, "GET", "", -1);
    http_bed_destroy(b);
}

static void test_undelivered(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    memstream_cut(b->ours, ERR_RESET);
    struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
    http_bed_run(b);
    http_bed_assert_aborted(s, ERR_UNDELIVERED);
    http_bed_destroy(b);
}

/* The race of reuse: told by ERR_CLOSED, was_reused and answer_began together. */
static void test_closed_while_asking(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    http_bed_request(b, "GET", "", -1);
    http_bed_feed(b, OK);
    struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
    http_bed_run(b);
    assert_true(http_client_was_reused(b->client));
    assert_false(http_client_answer_began(b->client, &s->st));
    memstream_cut(b->ours, ERR_RESET);
    http_bed_run(b);
    http_bed_assert_aborted(s, ERR_CLOSED);
    http_bed_destroy(b);
    b = http_bed_create_client(NULL, NULL);
    s = http_bed_request(b, "GET", "", -1);
    http_bed_feed(b, "H");
    assert_true(http_client_answer_began(b->client, &s->st));
    http_bed_destroy(b);
}

static struct http_bed_stream *ask_upgrade(struct http_bed *b)
{
    struct http_bed_stream *s = http_bed_new_stream(b);
    struct message *m = http_bed_message(s);
    m->method = SLICE("GET");
    m->path = SLICE("/");
    m->authority = SLICE("a");
    m->upgrade = SLICE("x");
    http_client_send(b->client, &s->st, m, false);
    http_bed_send_text(s, "early", false);
    http_bed_expect(b, "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    return s;
}

static void test_upgrade(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    struct http_bed_stream *s = ask_upgrade(b);
    http_bed_feed(b, "HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nHTTP/1.1 200");
    assert_int_equal(s->head->status, 101);
    assert_false(s->head_end);
    assert_true(slice_eq_cstr(s->head->upgrade, "x"));
    http_bed_expect_body(s, "HTTP/1.1 200");
    http_bed_expect(b, "early");
    http_bed_send_text(s, "bye", true);
    http_bed_expect(b, "bye");
    assert_true(b->peer_eof);
    assert_int_equal(s->dones, 0);
    http_bed_half_close(b);
    assert_int_equal(s->ends, 1);
    http_bed_assert_done(s);
    assert_int_equal(b->closed, 1);
    http_bed_destroy(b);
}

/* Also without a switch the connection is not used again. */
static void test_back_pressure_in_a_tunnel(void **state)
{
    enum { TOTAL = 300000 };
    char *bytes = mem_zalloc(TOTAL);
    struct http_bed *b =
        http_bed_create_client(NULL, &(struct memstream_options){.capacity = 1000, .piece = 1000});
    struct http_bed_stream *s = ask_upgrade(b);
    b->consume = false;
    http_bed_feed(b, "HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    http_bed_write(b, slice_of(bytes, TOTAL));
    for (int turn = 0; turn < 20; turn++)
        http_bed_run(b);
    assert_in_range(s->body_len, HTTP_STREAM_HIGH_WATER, HTTP_STREAM_HIGH_WATER + 2000);
    assert_true(stream_queued(b->peer) > TOTAL / 2);
    b->consume = true;
    http_stream_consume(&s->st, s->st.unconsumed);
    for (int turn = 0; turn < 20; turn++)
        http_bed_run(b);
    assert_int_equal(s->body_len, TOTAL);
    mem_free(bytes);
    http_bed_destroy(b);
}

static void test_declined_upgrade(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    struct http_bed_stream *s = ask_upgrade(b);
    http_bed_feed(b, OK);
    http_bed_expect_body(s, "ok");
    http_bed_assert_done(s);
    http_bed_expect(b, "");
    assert_int_equal(b->closed, 1);
    http_bed_destroy(b);
}

static void test_connect(void **state)
{
    for (int status = 200; status <= 400; status += 200) {
        struct http_bed *b = http_bed_create_client(NULL, NULL);
        struct http_bed_stream *s = http_bed_new_stream(b);
        struct message *m = http_bed_message(s);
        m->method = SLICE("CONNECT");
        m->authority = SLICE("a:1");
        http_client_send(b->client, &s->st, m, false);
        http_bed_send_text(s, "raw", false);
        http_bed_expect(b, "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n");
        http_bed_feed(b, status == 200 ? "HTTP/1.1 200 OK\r\n\r\nx"
                                       : "HTTP/1.1 400 No\r\ncontent-length: 1\r\n\r\nx");
        http_bed_expect_body(s, "x");
        http_bed_expect(b, status == 200 ? "raw" : "");
        assert_int_equal(s->dones, status == 400);
        http_bed_destroy(b);
    }
}

static void test_drain(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    http_client_drain(b->client);
    assert_int_equal(b->closed, 1);
    http_bed_destroy(b);
    b = http_bed_create_client(NULL, NULL);
    struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
    http_client_drain(b->client);
    http_bed_run(b);
    assert_int_equal(b->closed, 0);
    assert_int_equal(http_client_capacity(b->client), 0);
    http_bed_feed(b, OK);
    http_bed_assert_done(s);
    assert_int_equal(b->closed, 1);
    assert_int_equal(b->closed_why, ERR_OK);
    http_bed_destroy(b);
}

static void test_request_that_contradicts_its_length(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    struct http_bed_stream *s = http_bed_request(b, "POST", "abc", 2);
    http_bed_run(b);
    http_bed_assert_aborted(s, ERR_INVALID);
    assert_int_equal(b->closed, 1);
    http_bed_destroy(b);
}

static void test_back_pressure_inbound(void **state)
{
    struct http_bed *b =
        http_bed_create_client(NULL, &(struct memstream_options){.capacity = 1000, .piece = 1000});
    b->consume = false;
    struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
    enum { TOTAL = 300000 };
    char *bytes = mem_zalloc(TOTAL);
    http_bed_feed(b, "HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n");
    http_bed_write(b, slice_of(bytes, TOTAL));
    for (int i = 0; i < 20; i++)
        http_bed_run(b);
    assert_in_range(s->body_len, HTTP_STREAM_HIGH_WATER, HTTP_STREAM_HIGH_WATER + 2000);
    b->consume = true;
    http_stream_consume(&s->st, s->body_len);
    for (int i = 0; i < 20; i++)
        http_bed_run(b);
    assert_int_equal(s->body_len, TOTAL);
    http_bed_assert_done(s);
    mem_free(bytes);
    http_bed_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unasked_bytes),
        cmocka_unit_test(test_connection_close),
        cmocka_unit_test(test_idle_end),
        cmocka_unit_test(test_early_answer),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_reset_inside_events),
        cmocka_unit_test(test_reset_of_a_complete_exchange),
        cmocka_unit_test(test_undelivered),
        cmocka_unit_test(test_closed_while_asking),
        cmocka_unit_test(test_upgrade),
        cmocka_unit_test(test_back_pressure_in_a_tunnel),
        cmocka_unit_test(test_declined_upgrade),
        cmocka_unit_test(test_connect),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_request_that_contradicts_its_length),
        cmocka_unit_test(test_back_pressure_inbound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
