/* A client and a server of struct h2 against each other: whole exchanges in every piece size, flow
 * control, trailers.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"

#include "tests/unit/lib/codec/cmocka_codec.h"
#include "tests/unit/lib/codec/h2/h2_bed.h"

#define FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct h2_bed *open_pair(void **state)
{
    struct h2_bed *b = *state;
    b->client.consume = b->server.consume = true;
    h2_bed_open(b, "cs");
    h2_bed_run(b);
    assert_int_equal(b->client.settings, 1);
    assert_int_equal(b->server.settings, 1);
    return b;
}

static int set_up(void **state)
{
    *state = mem_zalloc(sizeof(struct h2_bed));
    return 0;
}

static int tear_down(void **state)
{
    h2_bed_close(*state);
    mem_free(*state);
    return 0;
}

static void expect_body(const struct h2_bed_stream *s, const char *text)
{
    assert_int_equal(s->body_len, strlen(text));
    assert_memory_equal(s->body, text, s->body_len);
}

static void one_exchange(void **state)
{
    struct h2_bed *b = open_pair(state);
    struct h2_bed_stream *c =
        h2_bed_request(b, "GET", true, FIELDS("x-one", "1", "te", "trailers"));
    h2_bed_run(b);
    struct h2_bed_stream *s = &b->server.streams[0];
    assert_int_equal(s->heads, 1);
    assert_true(s->head_end);
    assert_int_equal(s->ends, 1);
    assert_true(slice_eq_cstr(s->head->method, "GET"));
    assert_true(slice_eq_cstr(s->head->authority, "example.com"));
    assert_true(slice_eq_cstr(s->head->path, "/path?query"));
    assert_int_equal(s->head->headers.count, 2);
    h2_bed_respond(s, 200, false, FIELDS("content-type", "text/plain"));
    h2_bed_body(s, "hello", 5, true);
    h2_bed_run(b);
    assert_int_equal(c->head->status, 200);
    expect_body(c, "hello");
    assert_int_equal(c->ends, 1);
    assert_int_equal(c->dones, 1);
    assert_int_equal(s->dones, 1);
    assert_int_equal(h2_open_streams(b->client.h2), 0);
    assert_int_equal(h2_open_streams(b->server.h2), 0);
}

/* Everything an exchange can have, in pieces of every size. */
static void full_exchange(struct h2_bed *b)
{
    struct h2_bed_stream *c =
        h2_bed_request(b, "POST", false, FIELDS("cookie", "a=b", "cookie", "c=d", "x", "y"));
    h2_bed_body(c, "request ", 8, false);
    h2_bed_run(b);
    h2_bed_body(c, "body", 4, false);
    h2_bed_trailers(c, "x-checksum", "1234");
    h2_bed_run(b);
    struct h2_bed_stream *s = &b->server.streams[b->server.count - 1];
    expect_body(s, "request body");
    assert_true(slice_eq_cstr(headers_get_id(&s->head->headers, HEADER_COOKIE), "a=b; c=d"));
    assert_int_equal(s->ends, 1);
    assert_true(slice_eq_cstr(s->trailers->items[0].value, "1234"));
    h2_bed_respond(s, 103, false, FIELDS("link", "</style.css>"));
    h2_bed_run(b);
    assert_int_equal(c->heads, 1);
    assert_int_equal(c->head->status, 103);
    assert_false(c->head_end);
    h2_bed_respond(s, 200, false, FIELDS("content-length", "5"));
    h2_bed_body(s, "hello", 5, false);
    h2_bed_trailers(s, "grpc-status", "0");
    h2_bed_run(b);
    assert_int_equal(c->heads, 2);
    expect_body(c, "hello");
    assert_int_equal(c->trailers->items[0].id, HEADER_GRPC_STATUS);
    assert_int_equal(c->dones, 1);
    assert_int_equal(s->dones, 1);
}

static void every_piece_size(void **state)
{
    for (size_t piece = 1; piece < 80; piece++) {
        struct h2_bed b = {.piece = piece};
        b.client.consume = b.server.consume = true;
        h2_bed_open(&b, "cs");
        h2_bed_run(&b);
        full_exchange(&b);
        full_exchange(&b);
        h2_bed_close(&b);
    }
}

static void answers_from_inside_events(void **state)
{
    struct h2_bed *b = open_pair(state);
    b->server.answer = true;
    for (unsigned i = 0; i < 20; i++) {
        struct h2_bed_stream *c = h2_bed_request(b, "PUT", false, NULL);
        h2_bed_body(c, "echo", 4, true);
    }
    h2_bed_run(b);
    for (unsigned i = 0; i < 20; i++) {
        expect_body(&b->client.streams[i], "echo");
        assert_int_equal(b->client.streams[i].dones, 1);
    }
}

static void trailers_from_inside_events(void **state)
{
    struct h2_bed *b = open_pair(state);
    b->server.trail = true;
    for (unsigned i = 0; i < 20; i++)
        h2_bed_request(b, "GET", true, NULL);
    h2_bed_run(b);
    for (unsigned i = 0; i < 20; i++) {
        struct h2_bed_stream *c = &b->client.streams[i];
        assert_int_equal(c->head->status, 200);
        assert_int_equal(c->dones, 1);
        assert_non_null(c->trailers);
        assert_int_equal(c->trailers->count, 1);
        assert_true(slice_eq_cstr(c->trailers->items[0].name, "x-sum"));
        assert_true(slice_eq_cstr(c->trailers->items[0].value, "1"));
    }
}

static void fill(char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (char)(i * 31 + i / 251);
}

static void bodies_in_tiny_windows(void **state)
{
    static char data[100000];
    struct h2_bed *b = *state;
    fill(data, sizeof(data));
    b->client_config.stream_window = b->server_config.stream_window = 1000;
    b->client_config.connection_window = b->server_config.connection_window = 65535;
    open_pair(state);
    struct h2_bed_stream *c = h2_bed_request(b, "POST", false, NULL);
    h2_bed_body(c, data, sizeof(data), true);
    h2_bed_run(b);
    struct h2_bed_stream *s = &b->server.streams[0];
    assert_int_equal(s->body_len, sizeof(data));
    assert_memory_equal(s->body, data, sizeof(data));
    assert_true(c->taken >= 100);
    h2_bed_respond(s, 200, false, NULL);
    h2_bed_body(s, data, sizeof(data), true);
    h2_bed_run(b);
    assert_memory_equal(c->body, data, sizeof(data));
    assert_int_equal(c->dones, 1);
}

/* Nobody consumes: the sender stops at the window; consuming lets it go on. */
static void windows_hold_back(void **state)
{
    static char data[200000];
    struct h2_bed *b = *state;
    b->server_config.stream_window = 10000;
    open_pair(state);
    b->server.consume = false;
    struct h2_bed_stream *c = h2_bed_request(b, "POST", false, NULL);
    h2_bed_body(c, data, sizeof(data), true);
    h2_bed_run(b);
    struct h2_bed_stream *s = &b->server.streams[0];
    assert_int_equal(s->body_len, 10000);
    assert_int_equal(c->out.len, sizeof(data) - 10000);
    h2_bed_run(b);
    assert_int_equal(s->body_len, 10000);
    h2_stream_consume(s->hs, 6000);
    h2_bed_run(b);
    assert_int_equal(s->body_len, 16000);
    h2_stream_consume(s->hs, 1 << 20); /* no more than there is to give back */
    h2_bed_run(b);
    assert_int_equal(s->body_len, 26000);
}

/* One stream that nobody reads must not take the connection's window from the others for good. */
static void reset_gives_connection_window_back(void **state)
{
    static char data[60000];
    struct h2_bed *b = *state;
    b->server_config.connection_window = 70000;
    open_pair(state);
    b->server.consume = false;
    for (unsigned i = 0; i < 20; i++) {
        struct h2_bed_stream *c = h2_bed_request(b, "POST", false, NULL);
        h2_bed_body(c, data, sizeof(data), true);
        h2_bed_run(b);
        struct h2_bed_stream *s = &b->server.streams[i];
        assert_int_equal(s->body_len, sizeof(data));
        h2_stream_reset(s->hs, ERR_CANCELED);
        h2_bed_run(b);
        assert_int_equal(c->aborts, 1);
        assert_int_equal(c->why, ERR_CANCELED);
    }
    assert_int_equal(h2_open_streams(b->server.h2), 0);
}

static size_t held_by(const struct h2_bed_side *side)
{
    size_t held = 0;
    for (unsigned i = 0; i < side->count; i++)
        held += side->streams[i].hs ? side->streams[i].hs->unconsumed : 0;
    return held;
}

enum { STALLED = 150, BIG = 20000, WINDOW = 10000, CONNECTION = 65535 };

/* Each has more to take than its window, and takes nothing. */
static void stall(struct h2_bed *b, bool answers)
{
    static char data[BIG];
    b->client_config.stream_window = b->server_config.stream_window = WINDOW;
    b->client_config.connection_window = b->server_config.connection_window = CONNECTION;
    b->server_config.max_streams = H2_BED_STREAMS;
    h2_bed_open(b, "cs");
    h2_bed_run(b);
    b->client.consume = b->server.consume = false;
    for (unsigned i = 0; i < STALLED; i++) {
        struct h2_bed_stream *c = h2_bed_request(b, "POST", answers, NULL);
        if (!answers)
            h2_bed_body(c, data, BIG, true);
    }
    h2_bed_run(b);
    for (unsigned i = 0; answers && i < STALLED; i++) {
        h2_bed_respond(&b->server.streams[i], 200, false, NULL);
        h2_bed_body(&b->server.streams[i], data, BIG, true);
    }
    h2_bed_run(b);
}

/* However many users take nothing, others go on; and what all of them hold stays bounded. */
static void stalled_streams_cost_only_themselves(void **state)
{
    static char data[BIG];
    struct h2_bed *b = *state;
    for (int answers = 0; answers < 2; answers++) {
        if (answers)
            h2_bed_close(b);
        *b = (struct h2_bed){.piece = answers ? 777 : 0, .data_room = 100000};
        stall(b, answers);
        struct h2_bed_side *side = answers ? &b->client : &b->server;
        assert_in_range(held_by(side), 3 * CONNECTION, 5 * CONNECTION + STALLED * WINDOW / 64);
        struct h2_bed_stream *c = h2_bed_request(b, "POST", false, NULL);
        h2_bed_body(c, data, BIG, true);
        for (unsigned i = 0; i < 2000 && b->server.streams[STALLED].body_len < BIG; i++) {
            h2_bed_run(b);
            h2_stream_consume(b->server.streams[STALLED].hs, BIG);
        }
        assert_int_equal(b->server.streams[STALLED].ends, 1);
        h2_bed_respond(&b->server.streams[STALLED], 200, false, NULL);
        h2_bed_body(&b->server.streams[STALLED], data, BIG, true);
        for (unsigned i = 0; i < 2000 && c->ends == 0; i++) {
            h2_bed_run(b);
            if (c->hs)
                h2_stream_consume(c->hs, BIG);
        }
        assert_int_equal(c->body_len, BIG);
        assert_int_equal(c->dones, 1);
    }
}

/* When they have taken everything, the windows are what they were. */
static void windows_recover(void **state)
{
    static char data[BIG];
    struct h2_bed *b = *state;
    stall(b, false);
    for (unsigned turns = 0; turns < 400; turns++) {
        for (unsigned i = 0; i < STALLED; i++)
            if (b->server.streams[i].hs)
                h2_stream_consume(b->server.streams[i].hs, BIG);
        h2_bed_run(b);
    }
    for (unsigned i = 0; i < STALLED; i++)
        assert_int_equal(b->server.streams[i].ends, 1);
    assert_int_equal(held_by(&b->server), 0);
    struct h2_bed_stream *c = h2_bed_request(b, "POST", false, NULL);
    h2_bed_body(c, data, BIG, true);
    h2_bed_run(b);
    assert_int_equal(b->server.streams[STALLED].body_len, WINDOW);
}

static void data_room_is_kept(void **state)
{
    static char data[50000];
    struct h2_bed *b = open_pair(state);
    struct h2_bed_stream *c = h2_bed_request(b, "POST", false, NULL);
    h2_bed_body(c, data, sizeof(data), true);
    h2_bed_carry(b, &b->client, &b->server); /* until the first head is across */
    assert_true(h2_drain(b->client.h2, 0));
    struct h2_bed_stream *second = h2_bed_request(b, "POST", false, NULL);
    h2_bed_body(second, data, sizeof(data), true);
    assert_true(h2_drain(b->client.h2, 0));
    size_t before = h2_output(b->client.h2)->len;
    assert_true(h2_is_held(b->client.h2));
    assert_true(h2_drain(b->client.h2, 10000));
    assert_int_equal(second->out.len, sizeof(data) - 10000);
    assert_true(h2_output(b->client.h2)->len <= before + 10000 + 9);
    assert_true(h2_is_held(b->client.h2));
    h2_bed_run(b);
    assert_false(h2_is_held(b->client.h2));
    assert_int_equal(b->server.streams[1].body_len, sizeof(data));
}

static void bodies_share_the_connection(void **state)
{
    static char data[100000];
    struct h2_bed *b = open_pair(state);
    b->data_room = 20000;
    for (unsigned i = 0; i < 4; i++)
        h2_bed_body(h2_bed_request(b, "POST", false, NULL), data, sizeof(data), true);
    h2_bed_run(b);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(b->server.streams[i].body_len, sizeof(data));
}

static void empty_bodies_and_late_ends(void **state)
{
    struct h2_bed *b = open_pair(state);
    struct h2_bed_stream *c = h2_bed_request(b, "POST", false, NULL);
    h2_bed_body(c, "", 0, false); /* says nothing */
    h2_bed_run(b);
    struct h2_bed_stream *s = &b->server.streams[0];
    assert_int_equal(s->ends, 0);
    h2_bed_body(c, "", 0, true);
    h2_bed_run(b);
    assert_int_equal(s->ends, 1);
    assert_int_equal(s->body_len, 0);
    h2_bed_respond(s, 200, false, NULL);
    h2_bed_trailers(s, "x-only", "trailers");
    h2_bed_run(b);
    assert_non_null(c->trailers);
    assert_int_equal(c->dones, 1);
}

static void head_and_bodiless_answers(void **state)
{
    struct h2_bed *b = open_pair(state);
    struct h2_bed_stream *head = h2_bed_request(b, "HEAD", true, NULL);
    struct h2_bed_stream *none = h2_bed_request(b, "GET", true, NULL);
    struct h2_bed_stream *same = h2_bed_request(b, "GET", true, NULL);
    h2_bed_run(b);
    h2_bed_respond(&b->server.streams[0], 200, true, FIELDS("content-length", "100"));
    h2_bed_respond(&b->server.streams[1], 204, true, NULL);
    h2_bed_respond(&b->server.streams[2], 304, true, FIELDS("content-length", "100"));
    h2_bed_run(b);
    assert_int_equal(head->dones + none->dones + same->dones, 3);
    assert_int_equal(head->head->content_length, 100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(one_exchange),
        cmocka_unit_test(every_piece_size),
        TEST(answers_from_inside_events),
        TEST(trailers_from_inside_events),
        TEST(bodies_in_tiny_windows),
        TEST(windows_hold_back),
        TEST(reset_gives_connection_window_back),
        TEST(stalled_streams_cost_only_themselves),
        TEST(windows_recover),
        TEST(data_room_is_kept),
        TEST(bodies_share_the_connection),
        TEST(empty_bodies_and_late_ends),
        TEST(head_and_bodiless_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
