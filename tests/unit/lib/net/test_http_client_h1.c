/* The HTTP/1 client over a memory stream: what it sends and how it reads answers.
 * One thread; no sockets, no clock.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/lib/net/http_bed.h"

#define OK "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

static void test_exchange(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    assert_int_equal(http_client_capacity(b->client), 1);
    for (unsigned i = 0; i < 3; i++) {
        struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
        assert_int_equal(http_client_capacity(b->client), 0);
        assert_int_equal(http_client_active(b->client), 1);
        http_bed_expect(b, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_false(http_client_answer_began(b->client, &s->st));
        http_bed_feed(b, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\n\r\nok");
        assert_int_equal(s->heads, 1);
        assert_int_equal(s->head->status, 200);
        http_bed_expect_body(s, "ok");
        assert_int_equal(s->ends, 1);
        http_bed_assert_done(s);
        assert_int_equal(b->capacities, i + 1);
        assert_int_equal(http_client_capacity(b->client), 1);
        assert_int_equal(http_client_was_reused(b->client), i > 0);
        assert_int_equal(http_client_keep_alive_ms(b->client), 5000);
    }
    assert_int_equal(b->closed, 0);
    assert_int_equal(b->retired, 0);
    http_bed_destroy(b);
}

static void test_answers_cut_at_every_byte(void **state)
{
    static const char *const answers[] = {
        OK,
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;x\r\no\r\n1\r\nk\r\n0\r\nx-t: "
        "v\r\n\r\n",
        "HTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" OK,
    };
    for (size_t i = 0; i < 3; i++) {
        size_t len = strlen(answers[i]);
        for (size_t cut = 0; cut < len; cut++) {
            struct http_bed *b = http_bed_create_client(NULL, NULL);
            struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
            for (size_t at = 0; cut == 0 && at < len; at++)
                http_bed_feed_bytes(b, slice_of(answers[i] + at, 1));
            if (cut) {
                http_bed_feed_bytes(b, slice_of(answers[i], cut));
                http_bed_feed_bytes(b, slice_of(answers[i] + cut, len - cut));
            }
            assert_int_equal(s->heads, i == 2 ? 3 : 1);
            assert_int_equal(s->head->status, 200);
            http_bed_expect_body(s, "ok");
            assert_int_equal(s->trailers != NULL, i == 1);
            http_bed_assert_done(s);
            assert_int_equal(http_client_capacity(b->client), 1);
            http_bed_destroy(b);
        }
    }
}

static void test_request_bodies(void **state)
{
    static const struct {
        const char *method, *body;
        int64_t length;
        const char *sent;
    } cases[] = {
        {"POST", "hi", 2, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi"},
        {"POST", "hi", -1,
         "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
         "2\r\nhi\r\n0\r\n\r\n"},
        {"POST", "", -1, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"},
        {"PUT", "", 0, "PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"},
        {"DELETE", "", -1, "DELETE / HTTP/1.1\r\nhost: a\r\n\r\n"},
        {"GET", "hi", -1,
         "GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
         "2\r\nhi\r\n0\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_bed *b = http_bed_create_client(NULL, NULL);
        struct http_bed_stream *s =
            http_bed_request(b, cases[i].method, cases[i].body, cases[i].length);
        http_bed_expect(b, cases[i].sent);
        http_bed_feed(b, OK);
        http_bed_assert_done(s);
        assert_int_equal(b->closed, 0);
        http_bed_destroy(b);
    }
}

static void test_request_trailers(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    struct http_bed_stream *s = http_bed_request(b, "POST", NULL, -1);
    struct headers trailers;
    headers_init(&trailers, &s->arena);
    headers_add(&trailers, SLICE("x-t"), SLICE("v"));
    http_bed_send_text(s, "hi", false);
    http_stream_send_trailers(&s->st, &trailers);
    http_bed_expect(b, "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
                       "2\r\nhi\r\n0\r\nx-t: v\r\n\r\n");
    http_bed_feed(b, OK);
    http_bed_assert_done(s);
    http_bed_destroy(b);
}

static void test_old_version(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    struct message m;
    struct arena arena;
    arena_init(&arena, 512);
    message_init(&m, &arena);
    m.version = HTTP_1_0;
    m.method = SLICE("GET");
    m.path = SLICE("/");
    struct http_bed_stream *s = http_bed_send(b, &m, true);
    http_bed_expect(b, "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    http_bed_feed(b, "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nok");
    http_bed_assert_done(s);
    assert_int_equal(http_client_capacity(b->client), 1);
    s = http_bed_send(b, &m, true);
    http_bed_feed(b, "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok");
    http_bed_assert_done(s);
    assert_int_equal(b->closed, 1);
    http_bed_destroy(b);
    arena_dispose(&arena);
}

static void test_answers_without_a_body(void **state)
{
    static const struct {
        const char *method, *answer;
    } cases[] = {
        {"HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"},
        {"HEAD", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"},
        {"HEAD", "HTTP/1.1 200 OK\r\n\r\n"},
        {"GET", "HTTP/1.1 204 No Content\r\n\r\n"},
        {"GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"},
        {"GET", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_bed *b = http_bed_create_client(NULL, NULL);
        struct http_bed_stream *s = http_bed_request(b, cases[i].method, "", -1);
        http_bed_feed(b, cases[i].answer);
        assert_true(s->head_end);
        assert_int_equal(s->ends, 1);
        assert_int_equal(s->body_len, 0);
        http_bed_assert_done(s);
        assert_int_equal(http_client_capacity(b->client), 1);
        http_bed_destroy(b);
    }
}

/* It ends at its head. What the server takes for a body may follow at once or later: nothing else
 * is asked on that connection. */
static void test_framing_of_nothing(void **state)
{
    static const char *const heads[] = {
        "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n",
        "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n",
        ("HTTP/1.1 103 Early\r\ncontent-length: 2\r\n\r\n"
         "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n"),
        "HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n",
    };
    for (size_t i = 0; i < 2 * sizeof(heads) / sizeof(heads[0]); i++) {
        struct http_bed *b = http_bed_create_client(NULL, NULL);
        struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
        char text[256];
        snprintf(text, sizeof(text), "%s%s", heads[i / 2], i % 2 ? "0\r\n\r\n" : "");
        http_bed_feed(b, text);
        assert_true(s->head_end);
        assert_int_equal(s->ends, 1);
        assert_int_equal(s->body_len, 0);
        assert_null(headers_find_id(&s->head->headers, HEADER_CONTENT_LENGTH));
        http_bed_assert_done(s);
        assert_int_equal(b->closed, 1);
        assert_int_equal(b->closed_why, ERR_OK);
        http_bed_destroy(b);
    }
}

static void test_bodies_until_the_end(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
    http_bed_feed(b, "HTTP/1.1 200 OK\r\n\r\nsome");
    http_bed_feed(b, " more");
    assert_int_equal(s->ends, 0);
    http_bed_half_close(b);
    http_bed_expect_body(s, "some more");
    assert_int_equal(s->ends, 1);
    http_bed_assert_done(s);
    assert_int_equal(b->closed, 1);
    assert_int_equal(b->closed_why, ERR_OK);
    http_bed_destroy(b);
    b = http_bed_create_client(NULL, NULL);
    s = http_bed_request(b, "GET", "", -1);
    http_bed_feed(b, "HTTP/1.1 200 OK\r\n\r\nsome");
    memstream_cut(b->ours, ERR_RESET);
    http_bed_run(b);
    assert_int_equal(s->ends, 0);
    http_bed_assert_aborted(s, ERR_RESET);
    http_bed_destroy(b);
}

/* Under TLS, where the end is not announced: what says itself where it ends is whole. */
static void test_ends_without_a_word(void **state)
{
    static const struct {
        const char *in;
        bool whole;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab", true},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", true},
        {"HTTP/1.1 204 No Content\r\n\r\n", true},
        {"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nab", true},
        {"HTTP/1.1 200 OK\r\n\r\nab", false},
        {"HTTP/1.1 200 OK\r\n\r\n", false},
        {"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab", false},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n", false},
        {"HTTP/1.1 20", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_bed *b = http_bed_create_client(NULL, NULL);
        struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
        http_bed_run(b);
        http_bed_write(b, slice_from_cstr(cases[i].in));
        http_bed_half_close_bare(b);
        if (cases[i].whole)
            http_bed_assert_done(s);
        else
            http_bed_assert_aborted(s, ERR_CLOSED);
        assert_int_equal(b->closed, 1);
        assert_int_equal(b->closed_why, cases[i].whole ? ERR_OK : ERR_CLOSED);
        http_bed_destroy(b);
    }
}

/* A connection that waits for its next request ends as with a word: nobody lost anything. */
static void test_an_idle_one_ends_without_a_word(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    http_bed_run(b);
    http_bed_half_close_bare(b);
    assert_int_equal(b->closed, 1);
    assert_int_equal(b->closed_why, ERR_OK);
    http_bed_destroy(b);
}

static void test_truncated_answers(void **state)
{
    static const char *const cases[] = {
        "HTTP/1.1 20",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_bed *b = http_bed_create_client(NULL, NULL);
        struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
        http_bed_feed(b, cases[i]);
        http_bed_half_close(b);
        assert_int_equal(s->ends, 0);
        http_bed_assert_aborted(s, ERR_CLOSED);
        assert_true(s->heads == 0 || s->head->status == 100 || s->heads == 1);
        http_bed_destroy(b);
    }
}

static void test_broken_answers(void **state)
{
    static const char *const cases[] = {
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\nx: y\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nokX",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nhost: x\r\n\r\n",
        "garbage\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_bed *b = http_bed_create_client(NULL, NULL);
        struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
        http_bed_feed(b, cases[i]);
        http_bed_assert_aborted(s, ERR_PROTOCOL);
        assert_int_equal(s->ends, 0);
        assert_int_equal(b->retired, 1);
        assert_int_equal(b->closed_why, ERR_PROTOCOL);
        http_bed_destroy(b);
    }
}

static void test_endless_interim_answers(void **state)
{
    struct http_bed *b = http_bed_create_client(NULL, NULL);
    struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
    for (int i = 0; i < 32; i++)
        http_bed_feed(b, "HTTP/1.1 102 Processing\r\n\r\n");
    assert_int_equal(s->heads, 32);
    assert_int_equal(b->closed, 0);
    http_bed_feed(b, "HTTP/1.1 102 Processing\r\n\r\n");
    http_bed_assert_aborted(s, ERR_PROTOCOL);
    http_bed_destroy(b);
}

static void test_limits(void **state)
{
    const struct http_client_config config = {.max_header_count = 2};
    struct http_bed *b = http_bed_create_client(&config, NULL);
    struct http_bed_stream *s = http_bed_request(b, "GET", "", -1);
    http_bed_feed(b, "HTTP/1.1 200 OK\r\na: b\r\nc: d\r\ne: f\r\n\r\n");
    http_bed_assert_aborted(s, ERR_MANY_FIELDS);
    http_bed_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_answers_cut_at_every_byte),
        cmocka_unit_test(test_request_bodies),
        cmocka_unit_test(test_request_trailers),
        cmocka_unit_test(test_old_version),
        cmocka_unit_test(test_answers_without_a_body),
        cmocka_unit_test(test_framing_of_nothing),
        cmocka_unit_test(test_bodies_until_the_end),
        cmocka_unit_test(test_ends_without_a_word),
        cmocka_unit_test(test_an_idle_one_ends_without_a_word),
        cmocka_unit_test(test_truncated_answers),
        cmocka_unit_test(test_broken_answers),
        cmocka_unit_test(test_endless_interim_answers),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
