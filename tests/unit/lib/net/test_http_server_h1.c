/* The HTTP/1 server over a memory stream: order, framing, refusals.
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

static void test_get(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    struct http_bed_stream *s = &b->streams[0];
    http_bed_feed(b, "GET /x?y HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n");
    assert_int_equal(b->stream_count, 1);
    assert_int_equal(http_server_active(b->server), 1);
    assert_int_equal(s->heads, 1);
    assert_true(s->head_end);
    assert_int_equal(s->ends, 1);
    assert_null(s->trailers);
    assert_true(slice_eq_cstr(s->head->path, "/x?y"));
    assert_true(slice_eq_cstr(s->head->scheme, "http"));
    assert_true(slice_eq_cstr(headers_find(&s->head->headers, SLICE("x-a"))->value, "b"));
    http_bed_answer(s, 200, "hello", 5);
    http_bed_expect(b, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    http_bed_assert_done(s);
    assert_int_equal(http_server_active(b->server), 0);
    assert_false(b->peer_eof);
    http_bed_destroy(b);
}

static void test_pipelining_is_answered_in_order(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, "GET /0 HTTP/1.1\r\nhost: a\r\n\r\nGET /1 HTTP/1.1\r\nhost: a\r\n\r\n"
                     "POST /2 HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabcGET /3");
    for (unsigned i = 0; i < 3; i++) {
        char path[] = {'/', (char)('0' + i), '\0'};
        assert_int_equal(b->stream_count, i + 1);
        assert_true(slice_eq_cstr(b->streams[i].head->path, path));
        http_bed_answer(&b->streams[i], 200, path, 2);
        http_bed_run(b);
        http_bed_assert_done(&b->streams[i]);
    }
    http_bed_expect_body(&b->streams[2], "abc");
    http_bed_expect(b, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n/0"
                       "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n/1"
                       "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n/2");
    http_bed_feed(b, " HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_int_equal(b->stream_count, 4);
    http_bed_destroy(b);
}

static void test_cut_at_every_byte(void **state)
{
    static const char in[] = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
                             "5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nx-t: v\r\n\r\n";
    for (size_t cut = 0; cut < sizeof(in) - 1; cut++) {
        struct http_bed *b = http_bed_create_server(NULL, NULL);
        struct http_bed_stream *s = &b->streams[0];
        for (size_t at = 0; cut == 0 && at < sizeof(in) - 1; at++)
            http_bed_feed_bytes(b, slice_of(in + at, 1));
        if (cut) {
            http_bed_feed_bytes(b, slice_of(in, cut));
            http_bed_feed_bytes(b, slice_of(in + cut, sizeof(in) - 1 - cut));
        }
        assert_int_equal(b->stream_count, 1);
        assert_int_equal(s->heads, 1);
        assert_false(s->head_end);
        http_bed_expect_body(s, "hello!");
        assert_int_equal(s->ends, 1);
        assert_int_equal(s->trailers->count, 1);
        assert_true(slice_eq_cstr(s->trailers->items[0].name, "x-t"));
        http_bed_answer(s, 204, "", -1);
        http_bed_expect(b, "HTTP/1.1 204 No Content\r\n\r\n");
        http_bed_assert_done(s);
        http_bed_destroy(b);
    }
}

static void test_bad_requests_reach_nobody(void **state)
{
    static const struct {
        unsigned status;
        struct slice bytes;
    } cases[] = {
#define X(code, text) {code, {text, sizeof(text) - 1}},
#include "tests/unit/lib/codec/http/h1_bad_requests.def"
#undef X
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_bed *b = http_bed_create_server(NULL, NULL);
        http_bed_feed_bytes(b, cases[i].bytes);
        assert_int_equal(b->stream_count, 0);
        assert_int_equal(b->bad_requests, 1);
        assert_int_equal(b->bad_status, cases[i].status);
        assert_int_equal(b->closed, 1);
        assert_int_equal(b->closed_why, ERR_PROTOCOL);
        assert_true(b->peer_eof);
        struct slice got = slice_of(b->got, b->got_len);
        char *line =
            mem_printf("HTTP/1.1 %u %s\r\nx-weft-reason: %s\r\nx-request-id: bed\r\n",
                       cases[i].status, message_reason(cases[i].status), b->bad_reason);
        assert_true(slice_starts_with(got, slice_from_cstr(line)));
        assert_true(slice_find(got, SLICE("connection: close\r\n")) < got.len);
        mem_free(line);
        http_bed_destroy(b);
    }
}

/* A fault in the body is told to the handler, and to the client unless it has an answer already. */
static void test_bad_body(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhelloX");
    http_bed_assert_aborted(&b->streams[0], ERR_PROTOCOL);
    assert_true(
        slice_starts_with(slice_of(b->got, b->got_len),
                          SLICE("HTTP/1.1 400 Bad Request\r\nx-weft-reason: bad-chunk-end\r\n")));
    http_bed_destroy(b);
    b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhe");
    http_bed_answer(&b->streams[0], 200, NULL, -1);
    http_bed_feed(b, "lloX");
    http_bed_assert_aborted(&b->streams[0], ERR_PROTOCOL);
    http_bed_expect(b, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_true(b->peer_eof || b->peer_failed);
    http_bed_destroy(b);
}

static void test_bad_trailers(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
                     "0\r\ncontent-length: 5\r\n\r\n");
    http_bed_assert_aborted(&b->streams[0], ERR_PROTOCOL);
    assert_int_equal(b->streams[0].ends, 0);
    assert_true(slice_find(slice_of(b->got, b->got_len), SLICE("bad-trailer")) < b->got_len);
    http_bed_destroy(b);
}

static void test_limits(void **state)
{
    static const struct {
        const char *in;
        unsigned status;
    } cases[] = {
        {"GET /aaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nhost: a\r\n\r\n", 414},
        {"GET / HTTP/1.1\r\nhost: a\r\na: 0123456789012345678901234567890123456789\r\n\r\n", 431},
        {"GET / HTTP/1.1\r\nhost: a\r\na:\r\nb:\r\nc:\r\n\r\n", 431},
    };
    for (size_t i = 0; i < 3; i++) {
        const struct http_server_config config = {
            .max_header_bytes = 50, .max_header_count = 3, .max_target_bytes = 20};
        struct http_bed *b = http_bed_create_server(&config, NULL);
        http_bed_feed(b, cases[i].in);
        assert_int_equal(b->bad_status, cases[i].status);
        assert_int_equal(b->stream_count, 0);
        http_bed_destroy(b);
    }
}

static void test_refusal_by_the_user(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    b->refuse = true;
    http_bed_feed(b, GET);
    assert_true(slice_starts_with(
        slice_of(b->got, b->got_len),
        SLICE("HTTP/1.1 503 Service Unavailable\r\nx-weft-reason: overload\r\n")));
    assert_int_equal(b->bad_requests, 0);
    assert_int_equal(b->closed_why, ERR_OVERLOAD);
    http_bed_destroy(b);
}

static void test_chunked_answer_with_trailers(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    struct http_bed_stream *s = &b->streams[0];
    struct headers trailers;
    http_bed_feed(b, GET);
    http_bed_answer(s, 200, NULL, -1);
    http_bed_expect(b, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    http_bed_send_text(s, "one", false);
    http_bed_send_text(s, "two", false);
    http_bed_expect(b, "6\r\nonetwo\r\n");
    headers_init(&trailers, &s->arena);
    headers_add_id(&trailers, HEADER_GRPC_STATUS, SLICE("0"));
    http_bed_send_text(s, "three", false);
    http_stream_send_trailers(&s->st, &trailers);
    http_bed_expect(b, "5\r\nthree\r\n0\r\ngrpc-status: 0\r\n\r\n");
    http_bed_assert_done(s);
    http_bed_destroy(b);
}

static void test_trailers_without_chunks_are_dropped(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    struct http_bed_stream *s = &b->streams[0];
    struct headers trailers;
    headers_init(&trailers, &s->arena);
    http_bed_feed(b, GET);
    http_bed_answer(s, 200, NULL, 3);
    http_bed_send_text(s, "abc", false);
    http_stream_send_trailers(&s->st, &trailers);
    http_bed_expect(b, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc");
    http_bed_assert_done(s);
    http_bed_destroy(b);
}

static void test_head_and_bodiless_answers(void **state)
{
    static const struct {
        const char *request;
        unsigned status;
        int64_t length;
        const char *answer;
    } cases[] = {
        {"HEAD / HTTP/1.1\r\nhost: a\r\n\r\n", 200, 5,
         "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"},
        {"HEAD / HTTP/1.1\r\nhost: a\r\n\r\n", 200, -1, "HTTP/1.1 200 OK\r\n\r\n"},
        {GET, 304, 5, "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"},
        {GET, 204, 0, "HTTP/1.1 204 No Content\r\n\r\n"},
        {GET, 204, -1, "HTTP/1.1 204 No Content\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_bed *b = http_bed_create_server(NULL, NULL);
        http_bed_feed(b, cases[i].request);
        http_bed_answer(&b->streams[0], cases[i].status, NULL, cases[i].length);
        http_bed_send_text(&b->streams[0], "hello", true);
        http_bed_expect(b, cases[i].answer);
        http_bed_assert_done(&b->streams[0]);
        assert_int_equal(b->closed, 0);
        http_bed_destroy(b);
    }
}

static void test_answer_without_body(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, GET);
    http_bed_answer(&b->streams[0], 200, "", -1);
    http_bed_expect(b, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    http_bed_assert_done(&b->streams[0]);
    http_bed_destroy(b);
}

static void test_old_clients(void **state)
{
    static const struct {
        const char *request;
        int64_t length;
        const char *answer;
        bool closes;
    } cases[] = {
        {"GET / HTTP/1.0\r\n\r\n", 2,
         "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi", true},
        {"GET / HTTP/1.0\r\n\r\n", -1, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhi", true},
        {"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", 2,
         "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nhi", false},
        {"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", -1,
         "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhi", true},
        {"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", -1,
         "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: "
         "close\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
         true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_bed *b = http_bed_create_server(NULL, NULL);
        http_bed_feed(b, cases[i].request);
        http_bed_answer(&b->streams[0], 200, "hi", cases[i].length);
        http_bed_expect(b, cases[i].answer);
        http_bed_assert_done(&b->streams[0]);
        assert_int_equal(b->closed, cases[i].closes);
        assert_int_equal(b->closed_why, ERR_OK);
        assert_int_equal(b->peer_eof, cases[i].closes);
        http_bed_destroy(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_pipelining_is_answered_in_order),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_bad_requests_reach_nobody),
        cmocka_unit_test(test_bad_body),
        cmocka_unit_test(test_bad_trailers),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_refusal_by_the_user),
        cmocka_unit_test(test_chunked_answer_with_trailers),
        cmocka_unit_test(test_trailers_without_chunks_are_dropped),
        cmocka_unit_test(test_head_and_bodiless_answers),
        cmocka_unit_test(test_answer_without_body),
        cmocka_unit_test(test_old_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
