/* A server of struct h2 against floods: every frame that costs us and gains the peer nothing has a
 * price, and who cannot pay it is sent away.
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

/* ---- what is reset as soon as it was opened, before anybody could clear away ---- */

enum { DEAD_MAX = 100, IN_ONE_GO = 1000 };

/* Requests first, first + 2, …, each followed by `then`, with its id where that wants one. */
static size_t write_burst(uint8_t *to, uint32_t first, unsigned count, const uint8_t *then,
                          size_t then_len)
{
    static const uint8_t block[] = {0x82, 0x87, 0x84, 0x41, 1, 'a'};
    size_t at = 0;
    for (uint32_t id = first; id < first + 2 * count; id += 2) {
        const uint8_t head[9] = {0, 0, sizeof(block),      1,          END_STREAM | END_HEADERS,
                                 0, 0, (uint8_t)(id >> 8), (uint8_t)id};
        memcpy(to + at, head, sizeof(head));
        memcpy(to + at + sizeof(head), block, sizeof(block));
        at += sizeof(head) + sizeof(block);
        memcpy(to + at, then, then_len);
        to[at + 7] = (uint8_t)(id >> 8);
        to[at + 8] = (uint8_t)id;
        at += then_len;
    }
    return at;
}

static void resets_in_one_go(void **state)
{
    static const struct {
        uint8_t bytes[14];
        size_t len;
    } ways[] = {
        {{0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 8}, 13}, /* CANCEL */
        {{0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 13}, /* NO_ERROR */
    };
    static uint8_t bytes[IN_ONE_GO * 28];
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct h2_bed *b = *state;
        b->server.count = 0;
        b->server_config.max_resets = 3 * IN_ONE_GO;
        b->server_config.max_streams = IN_ONE_GO;
        b->server.consume = true;
        greeted(state);
        size_t len = write_burst(bytes, 1, IN_ONE_GO, ways[i].bytes, ways[i].len);
        h2_bed_feed(b, &b->server, bytes, len);
        const char *why = "";
        if (h2_error(b->server.h2, &why))
            fail_msg("%zu: %s", i, why);
        assert_int_equal(b->server.count, DEAD_MAX);
        /* Once they are cleared away, others come in. */
        len = write_burst(bytes, 1 + 2 * IN_ONE_GO, 20, ways[i].bytes, ways[i].len);
        h2_bed_feed(b, &b->server, bytes, len);
        assert_int_equal(b->server.count, DEAD_MAX + 20);
        h2_bed_close(b);
        *b = (struct h2_bed){0};
    }
    h2_bed_open(*state, "s");
}

/* ---- floods: each ends in GOAWAY, and after not much more than the budget ---- */

enum { BURST = 50 };

static struct h2_bed *flooded(void **state)
{
    struct h2_bed *b = *state;
    b->server_config.max_resets = BURST;
    b->server_config.max_streams = 1000;
    return greeted(state);
}

/* How often `act` is done before the server gives up. */
static unsigned flood(struct h2_bed *b, void (*act)(struct h2_bed *b, uint32_t n), uint32_t code)
{
    unsigned n = 0;
    while (!b->server.failed && n < 100000) {
        act(b, n++);
        if (b->server.failed || h2_output(b->server.h2)->len < 60000)
            continue;
        h2_bed_is_quiet(&b->server); /* makes room */
    }
    h2_bed_expect_goaway(&b->server, code);
    return n;
}

static void act_rapid_reset(struct h2_bed *b, uint32_t n)
{
    request(b, 1 + 2 * n, END_STREAM, FIELDS(GET));
    send(b, H2_RST_STREAM, 0, 1 + 2 * n, "\0\0\0\x8", 4);
    b->server.count = 0;
}

static void act_malformed(struct h2_bed *b, uint32_t n)
{
    request(b, 1 + 2 * n, END_STREAM, FIELDS("accept", "*/*"));
}

static void act_broken_promise(struct h2_bed *b, uint32_t n)
{
    request(b, 1 + 2 * n, 0, FIELDS(POST, "content-length", "1"));
    send(b, H2_DATA, 0, 1 + 2 * n, "xx", 2);
    b->server.count = 0;
}

static void act_empty_data(struct h2_bed *b, uint32_t n)
{
    if (n == 0)
        request(b, 1, 0, FIELDS(POST));
    send(b, H2_DATA, 0, 1, NULL, 0);
}

static void act_padding_only(struct h2_bed *b, uint32_t n)
{
    if (n == 0)
        request(b, 1, 0, FIELDS(POST));
    send(b, H2_DATA, PADDED, 1, "\5\0\0\0\0\0", 6);
}

static void act_priority(struct h2_bed *b, uint32_t n)
{
    send(b, H2_PRIORITY, 0, 1 + 2 * n, "\0\0\0\0\1", 5);
}

static void act_settings(struct h2_bed *b, uint32_t n)
{
    send(b, H2_SETTINGS, 0, 0, NULL, 0);
    (void)n;
}

static void act_ping(struct h2_bed *b, uint32_t n)
{
    send(b, H2_PING, 0, 0, "12345678", 8);
    (void)n;
}

static void act_window_update(struct h2_bed *b, uint32_t n)
{
    send(b, H2_WINDOW_UPDATE, 0, 0, "\0\0\0\1", 4);
    (void)n;
}

static void act_unknown(struct h2_bed *b, uint32_t n)
{
    send(b, 0xee, 0, 0, "unknown", 7);
    (void)n;
}

static void act_too_many_streams(struct h2_bed *b, uint32_t n)
{
    request(b, 1 + 2 * n, 0, FIELDS(POST));
}

static void act_large_head(struct h2_bed *b, uint32_t n)
{
    uint8_t block[8192];
    size_t len = 0;
    for (unsigned i = 0; i < 60; i++)
        len += h2_bed_block(block + len, FIELDS("x-a", "b"));
    request(b, 1 + 4 * n, END_STREAM, FIELDS("x", "y"));
    send(b, H2_HEADERS, END_HEADERS | END_STREAM, 3 + 4 * n, block, len);
}

static void floods_end(void **state)
{
    static const struct {
        void (*act)(struct h2_bed *b, uint32_t n);
        unsigned least, most;
    } floods[] = {
        {act_rapid_reset, BURST, BURST + 2},    {act_malformed, BURST, BURST + 2},
        {act_broken_promise, BURST, BURST + 2}, {act_empty_data, BURST, BURST + 2},
        {act_padding_only, BURST, BURST + 2},   {act_priority, BURST, BURST + 2},
        {act_settings, BURST, BURST + 2},       {act_ping, BURST, BURST + 2},
        {act_window_update, BURST, BURST + 40}, {act_unknown, BURST, BURST + 2},
    };
    for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
        struct h2_bed b = {0};
        void *each = &b;
        flooded(&each);
        unsigned n = flood(&b, floods[i].act, H2_ENHANCE_YOUR_CALM);
        if (n < floods[i].least || n > floods[i].most)
            fail_msg("flood %zu ended after %u", i, n);
        h2_bed_close(&b);
    }
    (void)state;
}

/* The server has to reset streams for windows that overflow; some versions of nghttp2 end the
 * connection over the first. */
static void overflows_cost(void **state)
{
    struct h2_bed *b = flooded(state);
    uint32_t id = 1;
    for (; !b->server.failed && id < 4 * BURST; id += 2) {
        request(b, id, END_STREAM, FIELDS(GET));
        send(b, H2_WINDOW_UPDATE, 0, id, "\x7f\xff\xff\xff", 4);
        b->server.count = 0;
    }
    assert_true(b->server.failed);
    assert_true(id / 2 <= BURST + 2);
}

static void streams_beyond_the_limit_cost(void **state)
{
    struct h2_bed *b = *state;
    b->server_config.max_resets = BURST;
    b->server_config.max_streams = 10;
    greeted(state);
    unsigned n = flood(b, act_too_many_streams, H2_ENHANCE_YOUR_CALM);
    assert_true(n >= BURST + 10 && n <= BURST + 12);
    assert_int_equal(b->server.count, 10);
}

struct pile {
    uint8_t bytes[65536];
    size_t len;
};

static void pile_frame(struct pile *p, uint8_t type, uint8_t flags, uint32_t id,
                       const char *const *fields)
{
    uint8_t *to = p->bytes + p->len;
    size_t len = fields ? h2_bed_block(to + H2_FRAME_HEAD, fields) : 1;
    const uint8_t head[H2_FRAME_HEAD] = {0, (uint8_t)(len >> 8), (uint8_t)len, type, flags, 0, 0,
                                         0, (uint8_t)id};
    memcpy(to, head, sizeof(head));
    p->len += H2_FRAME_HEAD + len;
}

/* What comes behind the frame that broke a stream, before our RST_STREAM is out, is not for free
 * either. */
static void frames_behind_a_fault_cost(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct h2_bed *b = flooded(state);
        struct pile pile = {.len = 0};
        pile_frame(&pile, H2_HEADERS, END_HEADERS, 1, FIELDS(POST, "content-length", "0"));
        for (unsigned n = 0; n < BURST + 2; n++)
            pile_frame(&pile, i ? H2_DATA : H2_HEADERS, i ? 0 : END_HEADERS, 1,
                       i ? NULL : FIELDS("x", "y"));
        h2_bed_feed(b, &b->server, pile.bytes, pile.len);
        assert_true(b->server.failed);
        h2_bed_expect_goaway(&b->server, H2_ENHANCE_YOUR_CALM);
        h2_bed_close(b);
        *b = (struct h2_bed){0};
    }
    h2_bed_open(*state, "s");
}

static void continuation_flood(void **state)
{
    struct h2_bed *b = greeted(state);
    send(b, H2_HEADERS, 0, 1, NULL, 0);
    unsigned n = 0;
    while (!b->server.failed && n++ < 100)
        send(b, H2_CONTINUATION, 0, 1, NULL, 0);
    assert_int_equal(n, H2_MAX_CONTINUATIONS + 1);
    h2_bed_expect_goaway(&b->server, H2_ENHANCE_YOUR_CALM);
}

static void budget_comes_back(void **state)
{
    struct h2_bed *b = flooded(state);
    for (unsigned i = 0; i < 500; i++) {
        b->now_ms += 200; /* a tenth of the burst a second: one every 200 ms */
        act_ping(b, i);
    }
    assert_false(b->server.failed);
}

static void large_heads_cost(void **state)
{
    struct h2_bed *b = *state;
    b->server_config.max_header_count = 10;
    flooded(state);
    unsigned n = 0;
    while (!b->server.failed && n < 1000)
        act_large_head(b, n++);
    assert_true(n <= BURST);
    h2_bed_expect_goaway(&b->server, H2_ENHANCE_YOUR_CALM);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(resets_in_one_go),
        cmocka_unit_test(floods_end),
        TEST(streams_beyond_the_limit_cost),
        TEST(continuation_flood),
        TEST(budget_comes_back),
        TEST(large_heads_cost),
        TEST(frames_behind_a_fault_cost),
        TEST(overflows_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
