/* The last stream id of a GOAWAY is taken whatever the peer makes of it: grpc-go's clients name
 * 2^31-1, which no server opened, and what still runs goes on. Against nghttp2's own idea of the
 * rules, in both roles and for every cut.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/h2/h2_guard.h"

#include "tests/unit/lib/codec/cmocka_codec.h"
#include "tests/unit/lib/codec/h2/h2_bed.h"

enum { END_STREAM = 1, END_HEADERS = 4, HIGHEST = 0x7fffffff };

#define FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define POST ":method", "POST", ":scheme", "https", ":path", "/", ":authority", "example.com"

static const char debug_data[] = "client transport shut down";

static size_t goaway(uint8_t to[64], uint32_t last)
{
    static const uint8_t start[] = {0, 0, 0, H2_GOAWAY, 0, 0, 0, 0, 0};
    memcpy(to, start, sizeof(start));
    to[2] = (uint8_t)(8 + sizeof(debug_data));
    for (unsigned i = 0; i < 4; i++)
        to[9 + i] = (uint8_t)(last >> (24 - 8 * i));
    memset(to + 13, 0, 4);
    memcpy(to + 17, debug_data, sizeof(debug_data));
    return 17 + sizeof(debug_data);
}

/* In pieces of `step` bytes. */
static void say_goodbye(struct h2_bed *b, struct h2_bed_side *to, uint32_t last, size_t step)
{
    uint8_t frame[64];
    size_t len = goaway(frame, last);
    for (size_t at = 0; at < len; at += step)
        h2_bed_feed(b, to, frame + at, step < len - at ? step : len - at);
}

/* Opens a server, has one request begin, and hears the client's goodbye. */
static void serve_to_the_end(uint32_t last, size_t step)
{
    struct h2_bed b = {.server.consume = true};
    h2_bed_open(&b, "s");
    h2_bed_greet(&b, &b.server);
    h2_bed_send_headers(&b, &b.server, END_HEADERS, 1, FIELDS(POST));
    say_goodbye(&b, &b.server, last, step);
    assert_false(b.server.failed);
    assert_int_equal(b.server.goaways, 1);
    struct h2_bed_stream *s = &b.server.streams[0];
    assert_int_equal(s->aborts, 0);
    h2_bed_send_frame(&b, &b.server, H2_DATA, END_STREAM, 1, "rest", 4);
    assert_int_equal(s->body_len, 4);
    assert_int_equal(s->ends, 1);
    h2_bed_respond(s, 200, true, NULL);
    assert_true(h2_drain(b.server.h2, 1000));
    assert_int_equal(s->dones, 1);
    assert_true(h2_is_over(b.server.h2));
    assert_int_equal(h2_error(b.server.h2, NULL), ERR_OK);
    h2_bed_close(&b);
}

static void a_client_may_name_any_stream(void **state)
{
    static const uint32_t ids[] = {0, 1, 2, 3, HIGHEST, HIGHEST - 1, 0xffffffff};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        for (size_t step = 1; step < 64; step++)
            serve_to_the_end(ids[i], step);
    }
    (void)state;
}

/* A server's notices, then how many of four requests it keeps. */
static void kept_after(const uint32_t *ids, size_t count, unsigned kept, size_t step)
{
    struct h2_bed b = {.client.consume = true};
    struct h2_bed_stream *calls[4];
    h2_bed_open(&b, "c");
    buf_drain(h2_output(b.client.h2), 24);
    h2_bed_greet(&b, &b.client);
    for (unsigned i = 0; i < 4; i++)
        calls[i] = h2_bed_request(&b, "GET", true, NULL);
    for (size_t i = 0; i < count; i++)
        say_goodbye(&b, &b.client, ids[i], step);
    assert_false(b.client.failed);
    assert_int_equal(b.client.goaways, count);
    assert_int_equal(h2_capacity(b.client.h2), 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(calls[i]->aborts, i < kept ? 0 : 1);
        if (i >= kept)
            assert_int_equal(calls[i]->why, ERR_UNDELIVERED);
        else
            h2_bed_send_headers(&b, &b.client, END_HEADERS | END_STREAM, 2 * i + 1,
                                FIELDS(":status", "200"));
        assert_int_equal(calls[i]->dones, i < kept);
    }
    assert_true(h2_is_over(b.client.h2));
    assert_int_equal(h2_error(b.client.h2, NULL), ERR_OK);
    h2_bed_close(&b);
}

#define KEPT(kept, ...)                                                                           \
    do {                                                                                          \
        const uint32_t ids[] = {__VA_ARGS__};                                                     \
        for (size_t step = 1; step < 64; step++)                                                  \
            kept_after(ids, sizeof(ids) / sizeof(ids[0]), kept, step);                            \
    } while (0)

static void a_server_keeps_what_it_took(void **state)
{
    KEPT(4, HIGHEST);
    KEPT(4, HIGHEST - 1);
    KEPT(4, 0xffffffff);
    KEPT(2, 3);
    KEPT(2, 4); /* even: no stream of ours, 3 is the last before it */
    KEPT(1, 2);
    KEPT(0, 0);
    KEPT(2, HIGHEST, 3);
    KEPT(2, 3, HIGHEST); /* it takes nothing back */
    KEPT(1, 1, 4, 3);
    (void)state;
}

/* What is no GOAWAY is none. */
static void malformed_ones_are_refused(void **state)
{
    static const struct {
        uint32_t id, len;
        enum h2_code code;
    } cases[] = {{1, 8, H2_PROTOCOL_ERROR},
                 {0, 7, H2_FRAME_SIZE_ERROR},
                 {0, 4, H2_FRAME_SIZE_ERROR},
                 {0, 0, H2_FRAME_SIZE_ERROR}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct h2_bed b = {0};
        h2_bed_open(&b, "s");
        h2_bed_greet(&b, &b.server);
        h2_bed_send_frame(&b, &b.server, H2_GOAWAY, 0, cases[i].id, "\0\0\0\0\0\0\0\0",
                          cases[i].len);
        h2_bed_expect_goaway(&b.server, cases[i].code);
        h2_bed_close(&b);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_may_name_any_stream),
        cmocka_unit_test(a_server_keeps_what_it_took),
        cmocka_unit_test(malformed_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
