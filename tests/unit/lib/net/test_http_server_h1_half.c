/* The HTTP/1 server when the client sends no more: FIN, with or without TLS having said so, before,
 * between and behind requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/loop_sim.h"
#include "lib/net/http_server_h1_priv.h"
#include "tests/unit/lib/net/http_bed.h"

#define GET "GET / HTTP/1.1\r\nhost: a\r\n\r\n"

/* A client that has sent a whole request may close its direction: the answer comes all the same,
 * however late and in however many pieces, and the connection ends with it. */
static void test_half_closed(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, GET);
    http_bed_half_close(b);
    assert_int_equal(b->closed, 0);
    http_bed_answer(&b->streams[0], 200, NULL, 2);
    http_bed_expect(b, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n");
    http_bed_send_text(&b->streams[0], "a", false);
    http_bed_expect(b, "a");
    http_bed_send_text(&b->streams[0], "b", true);
    http_bed_expect(b, "b");
    http_bed_assert_done(&b->streams[0]);
    assert_int_equal(b->closed, 1);
    assert_int_equal(b->closed_why, ERR_OK);
    assert_true(b->peer_eof);
    http_bed_destroy(b);
    b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, GET);
    http_bed_answer(&b->streams[0], 200, NULL, 2);
    http_bed_run(b);
    http_bed_half_close(b);
    http_bed_send_text(&b->streams[0], "ab", true);
    http_bed_expect(b, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab");
    assert_int_equal(b->closed, 1);
    http_bed_destroy(b);
}

/* The same under TLS, whose end the client did not announce (RFC 9112 §9.8). */
static void test_half_closed_without_a_word(void **state)
{
    static const char *const requests[] = {
        GET,
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct http_bed *b = http_bed_create_server(NULL, NULL);
        http_bed_feed(b, requests[i]);
        http_bed_half_close_bare(b);
        assert_int_equal(b->streams[0].ends, 1);
        assert_int_equal(b->closed, 0);
        http_bed_answer(&b->streams[0], 200, "hi", 2);
        http_bed_expect(b, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi");
        http_bed_assert_done(&b->streams[0]);
        assert_int_equal(b->closed, 1);
        assert_int_equal(b->closed_why, ERR_OK);
        http_bed_destroy(b);
    }
}

/* Between requests it is an end like any other, within one it is none. */
static void test_ends_without_a_word(void **state)
{
    static const struct {
        const char *in;
        enum err why;
    } cases[] = {
        {"", ERR_OK},
        {"GET / HT", ERR_CLOSED},
        {"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc", ERR_CLOSED},
        {"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n", ERR_CLOSED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_bed *b = http_bed_create_server(NULL, NULL);
        http_bed_feed(b, cases[i].in);
        http_bed_half_close_bare(b);
        assert_int_equal(b->closed, 1);
        assert_int_equal(b->closed_why, cases[i].why);
        http_bed_destroy(b);
    }
}

/* Nothing but the end says that the bytes of a tunnel are all. */
static void test_a_tunnel_ends_without_a_word(void **state)
{
    for (int before = 0; before < 2; before++) {
        struct http_bed *b = http_bed_create_server(NULL, NULL);
        http_bed_feed(b, "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\nlast words");
        if (before)
            http_bed_half_close_bare(b);
        http_bed_answer(&b->streams[0], 200, NULL, -1);
        http_bed_run(b);
        if (!before)
            http_bed_half_close_bare(b);
        http_bed_expect_body(&b->streams[0], "last words");
        assert_int_equal(b->streams[0].ends, 0);
        http_bed_assert_aborted(&b->streams[0], ERR_CLOSED);
        assert_int_equal(b->closed_why, ERR_CLOSED);
        http_bed_destroy(b);
    }
}

/* Every request that came whole before the end is answered; what is cut off is not. */
static void test_half_closed_behind_several_requests(void **state)
{
    for (int partial = 0; partial < 2; partial++) {
        struct http_bed *b = http_bed_create_server(NULL, NULL);
        http_bed_write(b, SLICE(GET GET));
        http_bed_feed(b, partial ? "GET / HT" : "");
        http_bed_half_close(b);
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(b->stream_count, i + 1);
            http_bed_answer(&b->streams[i], 204, "", 0);
            http_bed_expect(b, i && !partial
                                   ? "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"
                                   : "HTTP/1.1 204 No Content\r\n\r\n");
        }
        assert_int_equal(b->stream_count, 2);
        assert_int_equal(b->closed, 1);
        assert_int_equal(b->closed_why, partial ? ERR_CLOSED : ERR_OK);
        http_bed_destroy(b);
    }
}

/* The handler is slow to take the body, and the end waits behind it. */
static void test_half_closed_behind_a_body(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    enum { LEN = 200000 };
    char *bytes = mem_zalloc(LEN);
    b->consume = false;
    http_bed_feed(b, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 200000\r\n\r\n");
    http_bed_write(b, slice_of(bytes, LEN));
    http_bed_half_close(b);
    for (int i = 0; i < 10 && b->streams[0].ends == 0; i++) {
        assert_int_equal(b->streams[0].aborts, 0);
        http_stream_consume(&b->streams[0].st, b->streams[0].st.unconsumed);
        http_bed_run(b);
    }
    assert_int_equal(b->streams[0].body_len, LEN);
    assert_int_equal(b->streams[0].ends, 1);
    http_bed_answer(&b->streams[0], 204, "", 0);
    http_bed_expect(b, "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
    http_bed_assert_done(&b->streams[0]);
    mem_free(bytes);
    http_bed_destroy(b);
}

/* Half-closed, and then found to be gone. */
static void test_half_closed_and_cut(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, GET);
    http_bed_half_close(b);
    memstream_cut(b->ours, ERR_RESET);
    http_bed_run(b);
    http_bed_assert_aborted(&b->streams[0], ERR_RESET);
    assert_int_equal(b->closed, 1);
    http_bed_destroy(b);
}

static void test_half_closed_before_the_switch(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\nlast words");
    stream_shutdown(b->peer);
    http_bed_answer(&b->streams[0], 200, NULL, -1);
    http_bed_expect(b, "HTTP/1.1 200 OK\r\n\r\n");
    http_bed_expect_body(&b->streams[0], "last words");
    assert_int_equal(b->streams[0].ends, 1);
    http_bed_send_text(&b->streams[0], "bye", true);
    http_bed_expect(b, "bye");
    http_bed_assert_done(&b->streams[0]);
    http_bed_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_closed),
        cmocka_unit_test(test_half_closed_without_a_word),
        cmocka_unit_test(test_ends_without_a_word),
        cmocka_unit_test(test_a_tunnel_ends_without_a_word),
        cmocka_unit_test(test_half_closed_behind_several_requests),
        cmocka_unit_test(test_half_closed_behind_a_body),
        cmocka_unit_test(test_half_closed_and_cut),
        cmocka_unit_test(test_half_closed_before_the_switch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
