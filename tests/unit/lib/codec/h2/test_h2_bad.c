/* A server of struct h2 against frames written by hand: what breaks the rules ends the stream or
 * the connection with the right code and reaches no handler.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/h2/h2_guard.h"

#include "tests/unit/lib/codec/cmocka_codec.h"
#include "tests/unit/lib/codec/h2/h2_bed.h"

enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, PRIORITY = 32 };

#define FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define GET ":method", "GET", ":scheme", "https", ":path", "/", ":authority", "example.com"
#define POST ":method", "POST", ":scheme", "https", ":path", "/", ":authority", "example.com"

static int set_up(void **state)
{
    struct h2_bed *b = mem_zalloc(sizeof(*b));
    b->server.consume = true;
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    h2_bed_close(*state);
    mem_free(*state);
    return 0;
}

static struct h2_bed *greeted(void **state)
{
    struct h2_bed *b = *state;
    h2_bed_open(b, "s");
    h2_bed_greet(b, &b->server);
    return b;
}

static void send(struct h2_bed *b, uint8_t type, uint8_t flags, uint32_t id, const void *payload,
                 size_t len)
{
    h2_bed_send_frame(b, &b->server, type, flags, id, payload, len);
}

static void request(struct h2_bed *b, uint32_t id, uint8_t flags, const char *const *fields)
{
    h2_bed_send_headers(b, &b->server, (uint8_t)(flags | END_HEADERS), id, fields);
}

static void hello_is_said_at_once(void **state)
{
    struct h2_bed *b = *state;
    struct h2_bed_frame f;
    h2_bed_open(b, "s");
    assert_true(h2_bed_next(&b->server, &f));
    assert_int_equal(f.type, H2_SETTINGS);
    const uint8_t expected[] = {0, 9, 0, 0, 0, 1, 0, 4, 0, 1, 0, 0,
                                0, 6, 0, 1, 34, 0, 0, 3, 0, 0, 0, 100};
    assert_int_equal(f.length, sizeof(expected));
    assert_memory_equal(f.payload, expected, sizeof(expected));
    assert_true(h2_bed_next(&b->server, &f));
    assert_int_equal(f.type, H2_WINDOW_UPDATE);
    assert_true(h2_mid_head(b->server.h2));
    h2_bed_greet(b, &b->server);
    assert_false(h2_mid_head(b->server.h2));
}

static void wrong_preface(void **state)
{
    struct h2_bed *b = *state;
    h2_bed_open(b, "s");
    h2_bed_feed(b, &b->server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 26);
    assert_true(b->server.failed);
    h2_bed_expect_goaway(&b->server, H2_PROTOCOL_ERROR);
}

static void malformed_heads_are_reset(void **state)
{
    static const char *const bad[][12] = {
        {"accept", "*/*"},        {GET, "connection", "close"}, {GET, "X-Upper", "x"},
        {GET, "x-thing", "a\nb"}, {GET, ":path", "/"},          {POST, "content-length", "x"},
    };
    struct h2_bed *b = greeted(state);
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        request(b, 1 + 2 * i, END_STREAM, bad[i]);
        h2_bed_expect_reset(&b->server, 1 + 2 * i, H2_PROTOCOL_ERROR);
        assert_int_equal(b->server.bad_heads, i + 1);
        assert_int_equal(b->server.bad_status, 400);
        assert_non_null(b->server.bad_reason);
    }
    assert_int_equal(b->server.count, 0);
    request(b, 99, END_STREAM, FIELDS(GET)); /* the connection still works */
    assert_int_equal(b->server.streams[0].ends, 1);
}

static void connect_gets_501(void **state)
{
    struct h2_bed *b = greeted(state);
    struct h2_bed_frame f;
    request(b, 1, 0, FIELDS(":method", "CONNECT", ":authority", "example.com:443"));
    h2_bed_expect(&b->server, H2_HEADERS, &f);
    assert_int_equal(f.flags, END_STREAM | END_HEADERS);
    h2_bed_expect_reset(&b->server, 1, H2_NO_ERROR);
    assert_int_equal(b->server.bad_status, 501);
}

static void bodies_keep_their_promise(void **state)
{
    struct h2_bed *b = greeted(state);
    request(b, 1, 0, FIELDS(POST, "content-length", "5"));
    send(b, H2_DATA, 0, 1, "123", 3);
    send(b, H2_DATA, 0, 1, "456", 3); /* too long */
    h2_bed_expect_reset(&b->server, 1, H2_PROTOCOL_ERROR);
    assert_int_equal(b->server.streams[0].aborts, 1);
    assert_int_equal(b->server.streams[0].why, ERR_PROTOCOL);
    assert_int_equal(b->server.streams[0].body_len, 3);
    request(b, 3, 0, FIELDS(POST, "content-length", "5"));
    send(b, H2_DATA, END_STREAM, 3, "1234", 4); /* too short */
    h2_bed_expect_reset(&b->server, 3, H2_PROTOCOL_ERROR);
    assert_int_equal(b->server.streams[1].ends, 0);
    request(b, 5, 0, FIELDS(POST, "content-length", "5"));
    send(b, H2_DATA, 0, 5, "1234", 4);
    request(b, 5, END_STREAM, FIELDS("x-trailer", "x")); /* too short, and trailers */
    h2_bed_expect_reset(&b->server, 5, H2_PROTOCOL_ERROR);
    request(b, 7, 0, FIELDS(POST, "content-length", "5"));
    send(b, H2_DATA, END_STREAM, 7, "12345", 5);
    assert_int_equal(b->server.streams[3].ends, 1);
    request(b, 9, END_STREAM, FIELDS(POST, "content-length", "5"));
    h2_bed_expect_reset(&b->server, 9, H2_PROTOCOL_ERROR);
    assert_int_equal(b->server.count, 4);
}

static void trailers_must_end(void **state)
{
    struct h2_bed *b = greeted(state);
    request(b, 1, 0, FIELDS(POST));
    request(b, 1, 0, FIELDS("x-trailer", "x"));
    h2_bed_expect_reset(&b->server, 1, H2_PROTOCOL_ERROR);
    assert_int_equal(b->server.streams[0].why, ERR_PROTOCOL);
    request(b, 3, 0, FIELDS(POST));
    request(b, 3, END_STREAM, FIELDS(":path", "/"));
    h2_bed_expect_reset(&b->server, 3, H2_PROTOCOL_ERROR);
    request(b, 5, 0, FIELDS(POST));
    request(b, 5, END_STREAM, FIELDS("content-length", "1"));
    h2_bed_expect_reset(&b->server, 5, H2_PROTOCOL_ERROR);
}

static void frames_for_closed_streams(void **state)
{
    struct h2_bed *b = greeted(state);
    request(b, 5, END_STREAM, FIELDS(GET));
    send(b, H2_DATA, 0, 5, "x", 1); /* half-closed (remote) */
    h2_bed_expect_goaway(&b->server, H2_STREAM_CLOSED);
}

static void frames_after_the_end(void **state)
{
    struct h2_bed *b = greeted(state);
    request(b, 1, END_STREAM, FIELDS(GET));
    h2_bed_respond(&b->server.streams[0], 200, true, NULL);
    assert_int_equal(b->server.streams[0].dones, 1);
    request(b, 1, END_STREAM, FIELDS(GET));
    h2_bed_expect_goaway(&b->server, H2_STREAM_CLOSED);
}

static void lower_ids(void **state)
{
    struct h2_bed *b = greeted(state);
    request(b, 5, END_STREAM, FIELDS(GET));
    request(b, 3, END_STREAM, FIELDS(GET));
    h2_bed_expect_goaway(&b->server, H2_PROTOCOL_ERROR);
}

/* What was under way when we reset the stream is ignored, and its window comes back. */
static void frames_under_way_after_our_reset(void **state)
{
    static char data[16384];
    struct h2_bed *b = greeted(state);
    size_t credit = 0;
    request(b, 1, 0, FIELDS(POST));
    h2_stream_reset(b->server.streams[0].hs, ERR_CANCELED);
    h2_bed_expect_reset(&b->server, 1, H2_CANCEL);
    for (unsigned i = 0; i < 100; i++)
        send(b, H2_DATA, 0, 1, data, sizeof(data));
    request(b, 1, END_STREAM, FIELDS("x-trailer", "x"));
    assert_false(b->server.failed);
    struct h2_bed_frame f;
    while (h2_bed_next(&b->server, &f)) {
        assert_int_equal(f.type, H2_WINDOW_UPDATE);
        assert_int_equal(f.id, 0);
        credit += (size_t)f.payload[1] << 16 | (size_t)f.payload[2] << 8 | f.payload[3];
    }
    assert_true(credit >= 1000000);
    request(b, 3, END_STREAM, FIELDS(GET)); /* the dynamic tables still agree */
    assert_int_equal(b->server.streams[1].ends, 1);
}

static void padding_and_priority_are_taken_off(void **state)
{
    uint8_t block[256];
    struct h2_bed *b = greeted(state);
    block[0] = 7;
    memset(block + 1, 0, 5);
    size_t len = 6 + h2_bed_block(block + 6, FIELDS(GET));
    memset(block + len, 0, 7);
    send(b, H2_HEADERS, END_HEADERS | PADDED | PRIORITY, 1, block, len + 7);
    assert_int_equal(b->server.streams[0].heads, 1);
    send(b, H2_DATA, PADDED, 1, "\3abc\0\0\0", 7);
    assert_int_equal(b->server.streams[0].body_len, 3);
    block[0] = 200;
    send(b, H2_HEADERS, END_HEADERS | PADDED | PRIORITY, 3, block, len + 7);
    h2_bed_expect_goaway(&b->server, H2_PROTOCOL_ERROR);
}

/* The same, however the bytes come: the padding may be all that does. */
static void padding_comes_by_itself(void **state)
{
    uint8_t frame[300] = {0, 0, 0, H2_HEADERS, END_HEADERS | END_STREAM | PADDED, 0, 0, 0, 1, 7};
    struct h2_bed *b = greeted(state);
    size_t len = 10 + h2_bed_block(frame + 10, FIELDS(GET)) + 7;
    frame[2] = (uint8_t)(len - 9);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(b->server.count ? b->server.streams[0].heads : 0, 0);
        assert_true(h2_feed(b->server.h2, b->now_ms, NULL, frame + i, 1));
    }
    assert_int_equal(b->server.streams[0].heads, 1);
    assert_int_equal(b->server.streams[0].ends, 1);
}

static void heads_too_short_for_their_flags(void **state)
{
    struct h2_bed *b = greeted(state);
    send(b, H2_HEADERS, END_HEADERS | PADDED | PRIORITY, 1, "\0\0\0\0\0", 5);
    h2_bed_expect_goaway(&b->server, H2_FRAME_SIZE_ERROR);
}

static void heads_that_depend_on_themselves(void **state)
{
    uint8_t block[256] = {0, 0, 0, 1, 16};
    struct h2_bed *b = greeted(state);
    send(b, H2_HEADERS, END_HEADERS | PRIORITY, 1, block, 5 + h2_bed_block(block + 5, FIELDS(GET)));
    h2_bed_expect_goaway(&b->server, H2_PROTOCOL_ERROR);
}

static void blocks_in_many_frames(void **state)
{
    uint8_t block[256];
    struct h2_bed *b = greeted(state);
    size_t len = h2_bed_block(block, FIELDS(GET, "x-thing", "value"));
    for (size_t first = 0; first <= len; first++) {
        uint32_t id = (uint32_t)(1 + 2 * first);
        size_t second = (len - first) / 2;
        send(b, H2_HEADERS, END_STREAM, id, block, first);
        assert_true(h2_mid_head(b->server.h2));
        send(b, H2_CONTINUATION, 0, id, block + first, second);
        send(b, H2_CONTINUATION, END_HEADERS, id, block + first + second, len - first - second);
        struct h2_bed_stream *s = &b->server.streams[first];
        assert_int_equal(s->ends, 1);
        assert_true(slice_eq_cstr(s->head->headers.items[0].value, "value"));
        h2_stream_reset(s->hs, ERR_CANCELED);
    }
}

static void continuation_on_another_stream(void **state)
{
    struct h2_bed *b = greeted(state);
    send(b, H2_HEADERS, 0, 1, NULL, 0);
    send(b, H2_CONTINUATION, END_HEADERS, 3, NULL, 0);
    h2_bed_expect_goaway(&b->server, H2_PROTOCOL_ERROR);
}

static void blocks_that_end_in_a_field(void **state)
{
    struct h2_bed *b = greeted(state);
    send(b, H2_HEADERS, END_HEADERS, 1,
         "\x82\x40\x05"
         "a",
         4);
    h2_bed_expect_goaway(&b->server, H2_COMPRESSION_ERROR);
    assert_int_equal(b->server.count, 0);
}

/* One entry of the dynamic table, referred to again and again. */
static void blocks_that_swell(void **state)
{
    uint8_t block[16384];
    struct h2_bed *b = greeted(state);
    size_t len = 0;
    memcpy(block,
           "\x40\x01"
           "a\x7f\xa9\x1e",
           6); /* a value of 4008 bytes */
    memset(block + 6, 'v', 4008);
    len = 4014;
    memset(block + len, 0xbe, 40);
    send(b, H2_HEADERS, END_HEADERS | END_STREAM, 1, block, len + 40);
    assert_int_equal(b->server.bad_status, 431);
    assert_false(b->server.failed);
    memset(block, 0xbe, sizeof(block));
    send(b, H2_HEADERS, END_HEADERS | END_STREAM, 3, block, sizeof(block));
    h2_bed_expect_goaway(&b->server, H2_ENHANCE_YOUR_CALM);
}

static void flow_control_is_enforced(void **state)
{
    static char data[16384];
    struct h2_bed *b = *state;
    b->server.consume = false;
    greeted(state);
    b->server.consume = false;
    request(b, 1, 0, FIELDS(POST));
    for (unsigned i = 0; i < 4; i++)
        send(b, H2_DATA, 0, 1, data, sizeof(data));
    assert_false(b->server.failed);
    send(b, H2_DATA, 0, 1, data, 1);
    h2_bed_expect_error(&b->server, 1, H2_FLOW_CONTROL_ERROR);
    assert_in_range(b->server.streams[0].body_len, 4 * sizeof(data), 4 * sizeof(data) + 1);
}

static void window_overflow(void **state)
{
    struct h2_bed *b = greeted(state);
    request(b, 1, END_STREAM, FIELDS(GET));
    send(b, H2_WINDOW_UPDATE, 0, 1, "\x7f\xff\xff\xff", 4);
    h2_bed_expect_error(&b->server, 1, H2_FLOW_CONTROL_ERROR);
}

/* An answer to a stream that is about to be reset is lost, and nothing but it. */
static void answer_to_a_broken_stream(void **state)
{
    static const uint8_t overflow[] = "\0\0\4\x8\0\0\0\0\1\x7f\xff\xff\xff";
    for (int end = 0; end < 2; end++) {
        struct h2_bed *b = greeted(state);
        request(b, 1, END_STREAM, FIELDS(GET));
        assert_true(h2_feed(b->server.h2, b->now_ms, NULL, overflow, sizeof(overflow) - 1));
        if (b->server.streams[0].hs)
            h2_bed_respond(&b->server.streams[0], 200, end, NULL);
        assert_true(h2_drain(b->server.h2, 0));
        h2_bed_expect_reset(&b->server, 1, H2_FLOW_CONTROL_ERROR);
        request(b, 3, END_STREAM, FIELDS(GET));
        assert_int_equal(b->server.count, 2);
        assert_false(b->server.failed);
        h2_bed_close(b);
        memset(b, 0, sizeof(*b));
    }
    greeted(state);
}

static void window_overflow_of_the_connection(void **state)
{
    struct h2_bed *b = greeted(state);
    send(b, H2_WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff", 4);
    h2_bed_expect_goaway(&b->server, H2_FLOW_CONTROL_ERROR);
}

static void peers_reset(void **state)
{
    struct h2_bed *b = greeted(state);
    static const struct {
        uint8_t code;
        enum err why;
    } cases[] = {
        {0, ERR_RESET}, {7, ERR_RESET}, {8, ERR_CANCELED}, {11, ERR_OVERLOAD}, {2, ERR_RESET}};
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t payload[4] = {0, 0, 0, cases[i].code};
        request(b, 1 + 2 * i, 0, FIELDS(POST));
        send(b, H2_RST_STREAM, 0, 1 + 2 * i, payload, 4);
        assert_int_equal(b->server.streams[i].aborts, 1);
        assert_int_equal(b->server.streams[i].why, cases[i].why);
    }
}

static void settings_shrink_the_encoders_table(void **state)
{
    struct h2_bed *b = greeted(state);
    struct h2_bed_frame f;
    send(b, H2_SETTINGS, 0, 0, "\0\1\0\0\0\0", 6); /* HEADER_TABLE_SIZE 0 */
    request(b, 1, END_STREAM, FIELDS(GET));
    h2_bed_respond(&b->server.streams[0], 200, true, FIELDS("x-thing", "value"));
    h2_bed_expect(&b->server, H2_HEADERS, &f);
    assert_int_equal(f.payload[0], 0x20);
    assert_int_equal(f.payload[1], 0x88);
}

static void too_many_settings_in_one_frame(void **state)
{
    uint8_t payload[6 * 40] = {0};
    struct h2_bed *b = greeted(state);
    send(b, H2_SETTINGS, 0, 0, payload, sizeof(payload));
    h2_bed_expect_goaway(&b->server, H2_ENHANCE_YOUR_CALM);
}

static void nothing_is_read_after_the_end(void **state)
{
    struct h2_bed *b = greeted(state);
    send(b, H2_PUSH_PROMISE, END_HEADERS, 1, "\0\0\0\2", 4);
    assert_true(b->server.failed);
    h2_bed_expect_goaway(&b->server, H2_PROTOCOL_ERROR);
    assert_false(h2_feed(b->server.h2, 0, NULL, (const uint8_t *)"more", 4));
    assert_true(h2_bed_is_quiet(&b->server));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(hello_is_said_at_once),
        TEST(wrong_preface),
        TEST(malformed_heads_are_reset),
        TEST(connect_gets_501),
        TEST(bodies_keep_their_promise),
        TEST(trailers_must_end),
        TEST(frames_for_closed_streams),
        TEST(frames_after_the_end),
        TEST(lower_ids),
        TEST(frames_under_way_after_our_reset),
        TEST(padding_and_priority_are_taken_off),
        TEST(padding_comes_by_itself),
        TEST(heads_too_short_for_their_flags),
        TEST(heads_that_depend_on_themselves),
        TEST(blocks_in_many_frames),
        TEST(continuation_on_another_stream),
        TEST(blocks_that_end_in_a_field),
        TEST(blocks_that_swell),
        TEST(flow_control_is_enforced),
        TEST(window_overflow),
        TEST(answer_to_a_broken_stream),
        TEST(window_overflow_of_the_connection),
        TEST(peers_reset),
        TEST(settings_shrink_the_encoders_table),
        TEST(too_many_settings_in_one_frame),
        TEST(nothing_is_read_after_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
