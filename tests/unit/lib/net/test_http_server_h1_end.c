/* The HTTP/1 server over a memory stream: resets, ends of the connection, timeouts, back-pressure.
 * One thread; no sockets, no clock.
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

static void test_answer_that_contradicts_its_length(void **state)
{
    static const char *const bodies[] = {"hell", "hello!"};
    for (size_t i = 0; i < 2; i++) {
        struct http_bed *b = http_bed_create_server(NULL, NULL);
        http_bed_feed(b, GET);
        http_bed_answer(&b->streams[0], 200, bodies[i], 5);
        http_bed_run(b);
        http_bed_assert_aborted(&b->streams[0], ERR_INVALID);
        assert_int_equal(b->closed, 1);
        assert_true(b->peer_eof || b->peer_failed);
        http_bed_destroy(b);
    }
}

static void test_reset(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, GET);
    http_bed_answer(&b->streams[0], 200, NULL, 5);
    http_stream_reset(&b->streams[0].st, ERR_CANCELED);
    assert_false(http_stream_is_live(&b->streams[0].st));
    assert_int_equal(b->closed, 0);
    http_bed_run(b);
    assert_int_equal(b->closed, 1);
    assert_int_equal(b->closed_why, ERR_CANCELED);
    assert_int_equal(b->streams[0].aborts + b->streams[0].dones, 0);
    http_bed_destroy(b);
}

/* What was given completely is still sent. */
static void test_reset_after_the_last_byte(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, GET GET);
    http_bed_answer(&b->streams[0], 200, "hi", 2);
    http_stream_reset(&b->streams[0].st, ERR_OK);
    http_bed_expect(b, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
    assert_int_equal(b->streams[0].aborts + b->streams[0].dones, 0);
    assert_int_equal(b->stream_count, 2);
    http_bed_destroy(b);
    b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc");
    http_bed_answer(&b->streams[0], 413, "no", -1);
    http_stream_reset(&b->streams[0].st, ERR_OK);
    http_bed_feed(b, "defg");
    http_bed_expect(b, "HTTP/1.1 413 Content Too Large\r\ntransfer-encoding: chunked\r\n"
                       "connection: close\r\n\r\n2\r\nno\r\n0\r\n\r\n");
    assert_int_equal(b->closed, 1);
    assert_true(b->peer_eof);
    http_bed_destroy(b);
}

static void test_reset_inside_events(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct http_bed *b = http_bed_create_server(NULL, NULL);
        b->reset_on_head = i == 0;
        b->reset_on_body = i == 1;
        http_bed_feed(b, "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
                         "1\r\na\r\n1\r\nb\r\n0\r\n\r\n" GET);
        assert_int_equal(b->stream_count, 1);
        assert_int_equal(b->streams[0].body_len, i);
        assert_int_equal(b->streams[0].ends, 0);
        assert_int_equal(b->closed, 1);
        http_bed_destroy(b);
    }
}

static void test_ends_of_the_connection(void **state)
{
    static const struct {
        const char *in;
        enum err why;
        unsigned streams;
    } cases[] = {
        {"", ERR_OK, 0},
        {"\r\n", ERR_OK, 0},
        {"GET / HT", ERR_CLOSED, 0},
        {"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc", ERR_CLOSED, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_bed *b = http_bed_create_server(NULL, NULL);
        http_bed_feed(b, cases[i].in);
        http_bed_half_close(b);
        assert_int_equal(b->closed, 1);
        assert_int_equal(b->closed_why, cases[i].why);
        assert_int_equal(b->stream_count, cases[i].streams);
        if (b->stream_count)
            http_bed_assert_aborted(&b->streams[0], ERR_CLOSED);
        http_bed_expect(b, "");
        http_bed_destroy(b);
    }
}

static void test_cut(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, GET);
    memstream_cut(b->ours, ERR_RESET);
    http_bed_run(b);
    http_bed_assert_aborted(&b->streams[0], ERR_RESET);
    assert_int_equal(b->closed_why, ERR_RESET);
    http_bed_destroy(b);
}

static void test_head_timeout(void **state)
{
    const struct http_server_config config = {.head_timeout_ms = 100};
    struct http_bed *b = http_bed_create_server(&config, NULL);
    loop_sim_advance(b->loop, 5000);
    assert_int_equal(b->closed, 0);
    http_bed_feed(b, "G");
    loop_sim_advance(b->loop, 90);
    http_bed_feed(b, "ET / HTTP/1.1\r\n");
    assert_int_equal(b->closed, 0);
    loop_sim_advance(b->loop, 20);
    assert_int_equal(b->closed, 1);
    assert_int_equal(b->bad_status, 408);
    assert_string_equal(b->bad_reason, "head-timeout");
    assert_int_equal(b->closed_why, ERR_TIMEOUT);
    http_bed_destroy(b);
}

static void test_no_head_timeout_while_answering(void **state)
{
    const struct http_server_config config = {.head_timeout_ms = 100};
    struct http_bed *b = http_bed_create_server(&config, NULL);
    http_bed_feed(b, GET "GET / HT");
    loop_sim_advance(b->loop, 5000);
    assert_int_equal(b->closed, 0);
    http_bed_answer(&b->streams[0], 200, "", 0);
    http_bed_run(b);
    loop_sim_advance(b->loop, 90);
    assert_int_equal(b->closed, 0);
    loop_sim_advance(b->loop, 20);
    assert_int_equal(b->bad_status, 408);
    http_bed_destroy(b);
}

static void test_idle_timeout(void **state)
{
    const struct http_server_config config = {.idle_timeout_ms = 1000};
    struct http_bed *b = http_bed_create_server(&config, NULL);
    loop_sim_advance(b->loop, 900);
    http_bed_feed(b, GET);
    loop_sim_advance(b->loop, 3000);
    assert_int_equal(b->closed, 0);
    http_bed_answer(&b->streams[0], 200, "", 0);
    http_bed_run(b);
    loop_sim_advance(b->loop, 900);
    assert_int_equal(b->closed, 0);
    loop_sim_advance(b->loop, 150);
    assert_int_equal(b->closed, 1);
    assert_int_equal(b->closed_why, ERR_OK);
    assert_int_equal(b->bad_requests, 0);
    assert_true(b->peer_eof);
    http_bed_destroy(b);
}

static void test_drain(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_server_drain(b->server);
    http_bed_run(b);
    assert_int_equal(b->closed, 1);
    assert_int_equal(b->closed_why, ERR_OK);
    http_bed_destroy(b);
    b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, GET GET);
    http_server_drain(b->server);
    http_bed_run(b);
    assert_int_equal(b->closed, 0);
    http_bed_answer(&b->streams[0], 200, "", 0);
    http_bed_expect(b, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    assert_int_equal(b->stream_count, 1);
    assert_int_equal(b->closed, 1);
    http_bed_destroy(b);
}

static void test_close(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    http_bed_feed(b, GET);
    http_server_close(b->server);
    http_bed_assert_aborted(&b->streams[0], ERR_CANCELED);
    http_bed_destroy(b);
}

static void test_early_bytes(void **state)
{
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    struct stream *ours, *peer;
    struct buf early;
    static const struct stream_events none = {.on_data = NULL};
    memstream_pair(b->loop, NULL, &ours, &peer);
    stream_use(peer, &none, NULL);
    buf_init(&early);
    buf_append_slice(&early, SLICE("GET /early HTTP/1.1\r\nhost: a\r\n\r\nGET /la"));
    struct http_server *first = b->server;
    b->server =
        http_server_create(ours, HTTP_PROTOCOL_1, &b->server_config, first->events, b, &early);
    assert_int_equal(early.len, 0);
    assert_int_equal(b->stream_count, 0);
    http_bed_run(b);
    assert_int_equal(b->stream_count, 1);
    assert_true(slice_eq_cstr(b->streams[0].head->path, "/early"));
    http_server_close(b->server);
    stream_close(peer);
    http_bed_run(b);
    b->closed = 0;
    b->server = first;
    http_bed_destroy(b);
}

/* Input: nobody consumes, so reading stops at the high-water mark and goes on afterwards. */
static void test_back_pressure_inbound(void **state)
{
    struct http_bed *b =
        http_bed_create_server(NULL, &(struct memstream_options){.capacity = 1000, .piece = 1000});
    b->consume = false;
    struct http_bed_stream *s = &b->streams[0];
    enum { TOTAL = 300000 };
    char *bytes = mem_zalloc(TOTAL);
    http_bed_feed(b, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 300000\r\n\r\n");
    http_bed_write(b, slice_of(bytes, TOTAL));
    for (int i = 0; i < 20; i++)
        http_bed_run(b);
    assert_in_range(s->body_len, HTTP_STREAM_HIGH_WATER, HTTP_STREAM_HIGH_WATER + 2000);
    assert_true(stream_queued(b->peer) > TOTAL / 2);
    http_stream_consume(&s->st, 10000);
    b->consume = true;
    for (int i = 0; i < 20; i++)
        http_bed_run(b);
    assert_int_equal(s->body_len, TOTAL);
    assert_int_equal(s->ends, 1);
    mem_free(bytes);
    http_bed_destroy(b);
}

/* Output: what the transport does not take stays unsent, and on_writable tells when it is gone. */
static void test_back_pressure_outbound(void **state)
{
    struct http_bed *b =
        http_bed_create_server(NULL, &(struct memstream_options){.capacity = 1000});
    b->consume = false;
    struct http_bed_stream *s = &b->streams[0];
    enum { PIECE = 50000, PIECES = 6 };
    char *bytes = mem_zalloc(PIECE + 1);
    memset(bytes, 'x', PIECE);
    http_bed_feed(b, GET);
    stream_read_stop(b->peer);
    http_bed_answer(s, 200, NULL, PIECE * PIECES);
    for (int i = 0; i < PIECES; i++) {
        http_bed_send_text(s, bytes, i == PIECES - 1);
        http_bed_run(b);
    }
    assert_in_range(stream_queued(b->ours), HTTP_STREAM_HIGH_WATER, 2 * HTTP_STREAM_HIGH_WATER);
    assert_true(http_stream_unsent(&s->st) > HTTP_STREAM_HIGH_WATER);
    assert_int_equal(s->writables, 0);
    assert_int_equal(s->dones, 0);
    stream_read_start(b->peer);
    for (int i = 0; i < 20; i++)
        http_bed_run(b);
    assert_int_equal(s->writables, 1);
    http_bed_assert_done(s);
    assert_int_equal(b->got_len,
                     PIECE * PIECES + strlen("HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n"));
    mem_free(bytes);
    http_bed_destroy(b);
}

/* Requests that wait for their turn do not pile up without limit. */
static void test_parked_requests_are_bounded(void **state)
{
    struct http_bed *b =
        http_bed_create_server(NULL, &(struct memstream_options){.capacity = 1000, .piece = 1000});
    b->consume = false;
    enum { REQUESTS = 8000 };
    size_t len = strlen(GET);
    char *bytes = mem_alloc(REQUESTS * len);
    for (size_t i = 0; i < REQUESTS; i++)
        memcpy(bytes + i * len, GET, len);
    http_bed_write(b, slice_of(bytes, REQUESTS * len));
    for (int i = 0; i < 20; i++)
        http_bed_run(b);
    assert_int_equal(b->stream_count, 1);
    assert_true(stream_queued(b->peer) > REQUESTS * len / 2);
    http_bed_answer(&b->streams[0], 200, "", 0);
    http_bed_run(b);
    assert_int_equal(b->stream_count, 2);
    mem_free(bytes);
    http_bed_destroy(b);
}

/* Under a sanitizer every block is a fresh one. */
static bool allocator_is_plain(void)
{
    mem_free(mem_alloc(100));
    uint64_t before = mem_fresh_count();
    mem_free(mem_alloc(100));
    return mem_fresh_count() != before;
}

static void exchange(struct http_bed *b)
{
    http_bed_feed(b, "POST / HTTP/1.1\r\nhost: a\r\nx-some: thing\r\n"
                     "transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
    http_bed_answer(&b->streams[0], 200, "hello", -1);
    http_bed_run(b);
    http_bed_assert_done(&b->streams[0]);
    http_bed_forget_streams(b);
    b->got_len = 0;
}

static void test_the_steady_state_takes_nothing_from_libc(void **state)
{
    if (allocator_is_plain())
        skip();
    struct http_bed *b = http_bed_create_server(NULL, NULL);
    for (int i = 0; i < 100; i++)
        exchange(b);
    uint64_t before = mem_fresh_count();
    for (int i = 0; i < 1000; i++)
        exchange(b);
    assert_int_equal(mem_fresh_count(), before);
    http_bed_destroy(b);
}

static void test_a_connection_is_small(void **state)
{
    assert_true(sizeof(struct http_server_h1) < 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_that_contradicts_its_length),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_reset_after_the_last_byte),
        cmocka_unit_test(test_reset_inside_events),
        cmocka_unit_test(test_ends_of_the_connection),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_head_timeout),
        cmocka_unit_test(test_no_head_timeout_while_answering),
        cmocka_unit_test(test_idle_timeout),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_early_bytes),
        cmocka_unit_test(test_back_pressure_inbound),
        cmocka_unit_test(test_back_pressure_outbound),
        cmocka_unit_test(test_parked_requests_are_bounded),
        cmocka_unit_test(test_the_steady_state_takes_nothing_from_libc),
        cmocka_unit_test(test_a_connection_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
