/* A client and a server of struct h2 against each other: how streams and connections end, and what
 * is over a limit.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/h2/h2_priv.h"

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

static void rest_for_long(void)
{
    for (int round = 0; round < 4; round++) {
        while (h2_rest_idle(1))
            ;
    }
}

/* Connections rest while they have no stream, and never while they have one; what comes after is
 * as before. */
static void rest(void **state)
{
    struct h2_bed *b = open_pair(state);
    for (int i = 0; i < 20; i++) {
        struct h2_bed_stream *c = h2_bed_request(b, "POST", false, NULL);
        h2_bed_run(b);
        rest_for_long();
        assert_true(b->client.h2->awake.next != &b->client.h2->awake);
        h2_bed_body(c, "question", 8, true);
        h2_bed_run(b);
        struct h2_bed_stream *s = &b->server.streams[i];
        expect_body(s, "question");
        rest_for_long();
        h2_bed_respond(s, 200, false, NULL);
        h2_bed_body(s, "answer", 6, true);
        h2_bed_run(b);
        expect_body(c, "answer");
        assert_int_equal(c->dones, 1);
        /* Not at once: there may be another in a moment. */
        (void)h2_rest_idle(100);
        assert_true(list_is_linked(&b->server.h2->awake));
        rest_for_long();
        assert_false(list_is_linked(&b->server.h2->awake));
        assert_false(list_is_linked(&b->client.h2->awake));
        const char *table = b->server.h2->span;
        assert_true(!table || (table[0] == 0 && !memcmp(table, table + 1, MEM_PAGE - 1)));
    }
}

static void resets_both_ways(void **state)
{
    static const struct {
        enum err why, heard;
    } cases[] = {
        {ERR_CANCELED, ERR_CANCELED},
        {ERR_LIMIT, ERR_OVERLOAD},
        {ERR_PROTOCOL, ERR_RESET},
        {ERR_TIMEOUT, ERR_RESET},
    };
    struct h2_bed *b = open_pair(state);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct h2_bed_stream *c = h2_bed_request(b, "GET", true, NULL);
        h2_bed_run(b);
        h2_stream_reset(b->server.streams[2 * i].hs, cases[i].why);
        h2_bed_run(b);
        assert_int_equal(c->aborts, 1);
        assert_int_equal(c->why, cases[i].heard);
        c = h2_bed_request(b, "POST", false, NULL);
        h2_bed_run(b);
        h2_stream_reset(c->hs, cases[i].why);
        h2_bed_run(b);
        assert_int_equal(b->server.streams[2 * i + 1].aborts, 1);
        assert_int_equal(b->server.streams[2 * i + 1].why, cases[i].heard);
    }
    assert_int_equal(h2_open_streams(b->client.h2), 0);
    assert_int_equal(h2_open_streams(b->server.h2), 0);
}

static void reset_from_inside_an_event(void **state)
{
    struct h2_bed *b = open_pair(state);
    b->server.reset_on_head = true;
    struct h2_bed_stream *c = h2_bed_request(b, "POST", false, NULL);
    h2_bed_body(c, "body", 4, true);
    h2_bed_run(b);
    assert_int_equal(b->server.streams[0].heads, 1);
    assert_int_equal(b->server.streams[0].ends, 0);
    assert_int_equal(c->aborts, 1);
    assert_false(b->server.failed || b->client.failed);
}

static void refusal_is_undelivered(void **state)
{
    struct h2_bed *b = open_pair(state);
    b->server.refuse = true;
    struct h2_bed_stream *c = h2_bed_request(b, "GET", true, NULL);
    h2_bed_run(b);
    assert_int_equal(c->aborts, 1);
    assert_int_equal(c->why, ERR_UNDELIVERED);
}

/* A complete answer before the request has ended, and the server lets go: not a failure. */
static void early_answer(void **state)
{
    struct h2_bed *b = open_pair(state);
    struct h2_bed_stream *c = h2_bed_request(b, "POST", false, NULL);
    h2_bed_body(c, "part", 4, false);
    h2_bed_run(b);
    struct h2_bed_stream *s = &b->server.streams[0];
    h2_bed_respond(s, 403, false, NULL);
    h2_bed_body(s, "no", 2, true);
    h2_stream_reset(s->hs, ERR_OK); /* before anything was drained */
    h2_bed_run(b);
    expect_body(c, "no");
    assert_int_equal(c->dones, 1);
    assert_int_equal(c->aborts, 0);
    assert_int_equal(h2_open_streams(b->server.h2), 0);
}

static void early_answer_with_trailers(void **state)
{
    struct h2_bed *b = open_pair(state);
    struct h2_bed_stream *c = h2_bed_request(b, "POST", false, NULL);
    h2_bed_run(b);
    struct h2_bed_stream *s = &b->server.streams[0];
    h2_bed_respond(s, 200, false, NULL);
    h2_bed_body(s, "body", 4, false);
    h2_bed_trailers(s, "grpc-status", "8");
    h2_stream_reset(s->hs, ERR_OK);
    arena_reset(&s->arena); /* the user's memory is gone as well */
    h2_bed_run(b);
    expect_body(c, "body");
    assert_true(slice_eq_cstr(c->trailers->items[0].value, "8"));
    assert_int_equal(c->dones, 1);
}

static void capacity_follows_the_peer(void **state)
{
    struct h2_bed *b = *state;
    b->server_config.max_streams = 3;
    b->client.consume = true;
    h2_bed_open(b, "cs");
    assert_int_equal(h2_capacity(b->client.h2), 100); /* until it says so */
    h2_bed_run(b);
    assert_int_equal(h2_capacity(b->client.h2), 3);
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(h2_bed_request(b, "GET", true, NULL)->hs);
    assert_int_equal(h2_capacity(b->client.h2), 0);
    assert_null(h2_bed_request(b, "GET", true, NULL)->hs);
    h2_bed_run(b);
    h2_bed_respond(&b->server.streams[0], 200, true, NULL);
    h2_bed_run(b);
    assert_int_equal(h2_capacity(b->client.h2), 1);
}

/* More streams than the server takes, before its SETTINGS are known. */
static void streams_beyond_the_limit_are_refused(void **state)
{
    struct h2_bed *b = *state;
    b->server_config.max_streams = 2;
    h2_bed_open(b, "cs");
    for (unsigned i = 0; i < 5; i++)
        h2_bed_request(b, "GET", true, NULL);
    h2_bed_run(b);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(b->client.streams[i].aborts, i < 2 ? 0 : 1);
    assert_int_equal(b->client.streams[4].why, ERR_UNDELIVERED);
    assert_int_equal(b->server.count, 2);
    assert_false(b->server.failed);
}

static void graceful_end_in_two_steps(void **state)
{
    struct h2_bed *b = open_pair(state);
    struct h2_bed_stream *before = h2_bed_request(b, "GET", true, NULL);
    h2_bed_run(b);
    struct h2_bed_stream *crossing = h2_bed_request(b, "GET", true, NULL); /* under way … */
    h2_notice(b->server.h2);
    h2_bed_carry(b, &b->server, &b->client); /* … when the notice comes */
    assert_int_equal(b->client.goaways, 1);
    assert_int_equal(h2_capacity(b->client.h2), 0);
    h2_bed_run(b);
    assert_int_equal(b->server.pongs, 1);
    assert_int_equal(b->server.count, 2);
    h2_goaway(b->server.h2);
    h2_bed_run(b);
    assert_int_equal(b->client.goaways, 2);
    assert_false(h2_is_over(b->server.h2));
    h2_bed_respond(&b->server.streams[0], 200, true, NULL);
    h2_bed_respond(&b->server.streams[1], 200, true, NULL);
    h2_bed_run(b);
    assert_int_equal(before->dones + crossing->dones, 2);
    assert_true(h2_is_over(b->server.h2));
    assert_true(h2_is_over(b->client.h2));
    assert_int_equal(h2_error(b->server.h2, NULL), ERR_OK);
}

/* A stream that the server's last GOAWAY does not cover was provably not processed. */
static void streams_above_the_last_id(void **state)
{
    static char data[1000];
    struct h2_bed *b = open_pair(state);
    struct h2_bed_stream *in = h2_bed_request(b, "GET", true, NULL);
    h2_bed_run(b);
    h2_goaway(b->server.h2);
    struct h2_bed_stream *late = h2_bed_request(b, "POST", false, NULL);
    h2_bed_body(late, data, sizeof(data), true);
    h2_bed_run(b);
    assert_int_equal(late->aborts, 1);
    assert_int_equal(late->why, ERR_UNDELIVERED);
    assert_int_equal(b->server.count, 1);
    assert_false(b->server.failed);
    h2_bed_respond(&b->server.streams[0], 200, true, NULL);
    h2_bed_run(b);
    assert_int_equal(in->dones, 1);
    assert_true(h2_is_over(b->client.h2));
}

static void client_says_goodbye(void **state)
{
    struct h2_bed *b = open_pair(state);
    h2_goaway(b->client.h2);
    h2_bed_run(b);
    assert_int_equal(b->server.goaways, 1);
    assert_true(h2_is_over(b->client.h2));
}

static void pings_are_answered(void **state)
{
    struct h2_bed *b = open_pair(state);
    h2_ping(b->client.h2);
    h2_ping(b->server.h2);
    h2_bed_run(b);
    assert_int_equal(b->client.pongs, 1);
    assert_int_equal(b->server.pongs, 1);
}

static void giving_up_says_why(void **state)
{
    struct h2_bed *b = open_pair(state);
    struct h2_bed_stream *c = h2_bed_request(b, "GET", true, NULL);
    const char *detail;
    h2_bed_run(b);
    h2_abandon(b->server.h2, 11, "too much");
    h2_bed_carry(b, &b->server, &b->client);
    assert_int_equal(h2_error(b->server.h2, &detail), ERR_OVERLOAD);
    assert_string_equal(detail, "too much");
    assert_true(h2_is_over(b->server.h2));
    assert_int_equal(b->client.goaway_code, 11);
    assert_int_equal(c->aborts, 0); /* the stream may still be answered, for all the client knows */
}

/* A head of many frames: HEADERS and CONTINUATION, both ways. */
static void heads_of_many_frames(void **state)
{
    static char value[60000];
    struct h2_bed *b = *state;
    b->client_config.max_header_bytes = b->server_config.max_header_bytes = 200000;
    memset(value, 'v', sizeof(value) - 1);
    open_pair(state);
    for (unsigned round = 0; round < 2; round++) {
        struct h2_bed_stream *c =
            h2_bed_request(b, "GET", true, FIELDS("x-a", value, "x-b", value));
        h2_bed_run(b);
        struct h2_bed_stream *s = &b->server.streams[round];
        assert_int_equal(s->head->headers.items[1].value.len, sizeof(value) - 1);
        h2_bed_respond(s, 200, true, FIELDS("x-c", value));
        h2_bed_run(b);
        assert_memory_equal(c->head->headers.items[0].value.ptr, value, sizeof(value) - 1);
        assert_int_equal(c->dones, 1);
    }
}

static void too_large_requests_get_431(void **state)
{
    static char value[3000];
    struct h2_bed *b = *state;
    b->server_config.max_header_bytes = 2000;
    memset(value, 'v', sizeof(value) - 1);
    open_pair(state);
    for (unsigned i = 0; i < 2; i++) {
        struct h2_bed_stream *c = h2_bed_request(b, "POST", i, FIELDS("x-big", value));
        h2_bed_run(b);
        assert_int_equal(c->head->status, 431);
        assert_int_equal(c->dones, 1); /* RST_STREAM(NO_ERROR) after the answer if it must be */
    }
    assert_int_equal(b->server.bad_heads, 2);
    assert_int_equal(b->server.bad_status, 431);
    assert_int_equal(b->server.count, 0);
    assert_int_equal(h2_open_streams(b->server.h2), 0);
    assert_false(b->server.failed);
}

static void too_long_targets_get_414(void **state)
{
    struct h2_bed *b = *state;
    b->server_config.max_target_bytes = 5;
    open_pair(state);
    struct h2_bed_stream *c = h2_bed_request(b, "POST", false, NULL);
    h2_bed_body(c, "body", 4, true);
    h2_bed_run(b);
    assert_int_equal(c->head->status, 414);
    assert_int_equal(c->dones, 1);
    assert_int_equal(b->server.bad_status, 414);
}

static void too_large_answers_fail(void **state)
{
    static char value[3000];
    struct h2_bed *b = *state;
    b->client_config.max_header_bytes = 2000;
    memset(value, 'v', sizeof(value) - 1);
    open_pair(state);
    struct h2_bed_stream *c = h2_bed_request(b, "GET", true, NULL);
    h2_bed_run(b);
    h2_bed_respond(&b->server.streams[0], 200, true, FIELDS("x-big", value));
    h2_bed_run(b);
    assert_int_equal(c->aborts, 1);
    assert_int_equal(c->why, ERR_LARGE_FIELDS);
}

static void destroying_with_streams_open(void **state)
{
    struct h2_bed *b = open_pair(state);
    for (unsigned i = 0; i < 10; i++) {
        struct h2_bed_stream *c = h2_bed_request(b, "POST", false, NULL);
        h2_bed_body(c, "some", 4, false);
        h2_bed_trailers(c, "a", "b");
    }
    h2_bed_carry(b, &b->client, &b->server);
    for (unsigned i = 0; i < 5; i++) {
        h2_bed_respond(&b->server.streams[i], 200, false, NULL);
        h2_stream_reset(b->server.streams[i].hs, i % 2 ? ERR_OK : ERR_CANCELED);
    }
    assert_int_equal(h2_open_streams(b->client.h2), 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(rest),
        TEST(resets_both_ways),
        TEST(reset_from_inside_an_event),
        TEST(refusal_is_undelivered),
        TEST(early_answer),
        TEST(early_answer_with_trailers),
        TEST(capacity_follows_the_peer),
        TEST(streams_beyond_the_limit_are_refused),
        TEST(graceful_end_in_two_steps),
        TEST(streams_above_the_last_id),
        TEST(client_says_goodbye),
        TEST(pings_are_answered),
        TEST(giving_up_says_why),
        TEST(heads_of_many_frames),
        TEST(too_large_requests_get_431),
        TEST(too_long_targets_get_414),
        TEST(too_large_answers_fail),
        TEST(destroying_with_streams_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
