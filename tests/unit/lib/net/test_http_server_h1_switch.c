/* The HTTP/1 server over a memory stream: interim and early answers, upgrades and tunnels.
 * One thread; no sockets, no clock.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/net/http_bed.h"

#define GET "GET / HTTP/1.1\r\nhost: a\r\n\r\n"

static void test_interim_answers(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    struct http_bed_stream *s = &b->streams[0];
    http_bed_feed(
        b, "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
    assert_true(s->head->expect_continue);
    struct message *m = http_bed_message(s);
    m->status = 103;
    headers_add(&m->headers, SLICE("link"), SLICE("x"));
    http_stream_send_head(&s->st, m, false);
    http_bed_answer(s, 100, NULL, -1);
    http_bed_expect(b, "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    http_bed_feed(b, "hi");
    http_bed_expect_body(s, "hi");
    http_bed_answer(s, 200, "ok", 2);
    http_bed_expect(b, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    http_bed_assert_done(s);
    assert_int_equal(b->closed, 0);
    http_bed_destroy(b);
}

static void test_no_interim_answer_for_old_clients(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, "GET / HTTP/1.0\r\n\r\n");
    http_bed_answer(&b->streams[0], 103, NULL, -1);
    http_bed_expect(b, "");
    http_bed_destroy(b);
}

/* The client may or may not send the body after this: only closing makes that unambiguous. */
static void test_final_answer_instead_of_100(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_bed_feed(
        b, "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
    http_bed_answer(&b->streams[0], 200, NULL, -1);
    http_bed_expect(b,
                    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n");
    http_bed_send_text(&b->streams[0], "hi", true);
    http_bed_expect(b, "2\r\nhi\r\n0\r\n\r\n");
    assert_int_equal(b->closed, 1);
    assert_true(b->peer_eof);
    http_bed_destroy(b);
}

static void test_early_answer_closes(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    struct http_bed_stream *s = &b->streams[0];
    http_bed_feed(b, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc");
    http_bed_answer(s, 413, "no", 2);
    http_bed_expect(
        b, "HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
    http_bed_assert_done(s);
    assert_int_equal(s->ends, 0);
    assert_int_equal(b->closed, 1);
    assert_true(b->peer_eof);
    assert_false(b->peer_failed);
    http_bed_destroy(b);
}

/* Both ways at once, and the connection lives on. */
static void test_answer_while_the_request_comes(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    struct http_bed_stream *s = &b->streams[0];
    http_bed_feed(b, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab");
    http_bed_answer(s, 200, NULL, -1);
    http_bed_send_text(s, "ab", false);
    http_bed_expect(b, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n");
    http_bed_feed(b, "cd" GET);
    http_bed_send_text(s, "cd", true);
    http_bed_expect(b, "2\r\ncd\r\n0\r\n\r\n");
    http_bed_assert_done(s);
    assert_int_equal(b->stream_count, 2);
    http_bed_destroy(b);
}

static void test_upgrade(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    struct http_bed_stream *s = &b->streams[0];
    http_bed_feed(b, "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nearly");
    assert_true(slice_eq_cstr(s->head->upgrade, "x"));
    assert_false(s->head_end);
    assert_int_equal(s->ends, 0);
    assert_int_equal(s->body_len, 0);
    struct message *m = http_bed_message(s);
    m->status = 101;
    m->upgrade = SLICE("x");
    http_stream_send_head(&s->st, m, false);
    http_bed_expect(
        b, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    http_bed_expect_body(s, "early");
    http_bed_feed(b, "GET / HTTP/1.1\r\n\r\n");
    http_bed_expect_body(s, "earlyGET / HTTP/1.1\r\n\r\n");
    http_bed_send_text(s, "raw\r\n", false);
    http_bed_expect(b, "raw\r\n");
    http_bed_half_close(b);
    assert_int_equal(s->ends, 1);
    assert_int_equal(s->dones, 0);
    http_bed_send_text(s, "bye", true);
    http_bed_expect(b, "bye");
    http_bed_assert_done(s);
    assert_true(b->peer_eof);
    assert_int_equal(b->closed, 1);
    http_bed_destroy(b);
}

static void test_our_side_of_a_tunnel_ends_first(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    struct http_bed_stream *s = &b->streams[0];
    http_bed_feed(b, "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n");
    assert_true(slice_eq_cstr(s->head->authority, "a:1"));
    assert_int_equal(s->head->path.len, 0);
    http_bed_answer(s, 200, NULL, -1);
    http_bed_send_text(s, "x", true);
    http_bed_expect(b, "HTTP/1.1 200 OK\r\n\r\nx");
    assert_true(b->peer_eof);
    assert_int_equal(s->dones, 0);
    http_bed_feed(b, "more");
    http_bed_expect_body(s, "more");
    http_bed_half_close(b);
    assert_int_equal(s->ends, 1);
    http_bed_assert_done(s);
    http_bed_destroy(b);
}

/* In a tunnel too, who does not take bytes gets no more of them. */
static void test_back_pressure_in_a_tunnel(void **state)
{
    static const char *const requests[] = {
        "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    };
    enum { TOTAL = 300000 };
    char *bytes = mem_zalloc(TOTAL);
    for (unsigned i = 0; i < 2; i++) {
        struct http_bed *b = http_bed_create_server(
            NULL, &(struct memstream_options){.capacity = 1000, .piece = 1000});
        struct http_bed_stream *s = &b->streams[0];
        b->consume = false;
        http_bed_feed(b, requests[i]);
        struct message *m = http_bed_message(s);
        m->status = i ? 101 : 200;
        m->upgrade = i ? SLICE("x") : (struct slice){0};
        http_stream_send_head(&s->st, m, false);
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
        http_bed_destroy(b);
    }
    mem_free(bytes);
}

static void test_declined_upgrade(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    struct http_bed_stream *s = &b->streams[0];
    http_bed_feed(b, "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    http_bed_answer(s, 200, "no", 2);
    http_bed_expect(b, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno");
    assert_int_equal(s->ends, 1);
    http_bed_assert_done(s);
    http_bed_feed(b, GET);
    assert_int_equal(b->stream_count, 2);
    http_bed_destroy(b);
}

/* Bytes that were meant for another protocol are not read as a request. */
static void test_declined_upgrade_with_bytes_behind(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n" GET);
    http_bed_answer(&b->streams[0], 200, "no", 2);
    http_bed_expect(b, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
    assert_int_equal(b->stream_count, 1);
    assert_int_equal(b->closed, 1);
    http_bed_destroy(b);
}

static void test_101_unasked(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, GET);
    struct message *m = http_bed_message(&b->streams[0]);
    m->status = 101;
    m->upgrade = SLICE("x");
    http_stream_send_head(&b->streams[0].st, m, false);
    http_bed_expect(b, "");
    http_bed_assert_aborted(&b->streams[0], ERR_INVALID);
    assert_int_equal(b->closed, 1);
    http_bed_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interim_answers),
        cmocka_unit_test(test_no_interim_answer_for_old_clients),
        cmocka_unit_test(test_final_answer_instead_of_100),
        cmocka_unit_test(test_early_answer_closes),
        cmocka_unit_test(test_answer_while_the_request_comes),
        cmocka_unit_test(test_upgrade),
        cmocka_unit_test(test_our_side_of_a_tunnel_ends_first),
        cmocka_unit_test(test_back_pressure_in_a_tunnel),
        cmocka_unit_test(test_declined_upgrade),
        cmocka_unit_test(test_declined_upgrade_with_bytes_behind),
        cmocka_unit_test(test_101_unasked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
