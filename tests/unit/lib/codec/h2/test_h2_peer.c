/* A client of struct h2 against a server whose frames are written by hand: bad answers fail their
 * request and nothing else, and a server cannot flood its client.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/h2/h2_guard.h"

#include "tests/unit/lib/codec/cmocka_codec.h"
#include "tests/unit/lib/codec/h2/h2_bed.h"

enum { END_STREAM = 1, END_HEADERS = 4 };

#define FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static int set_up(void **state)
{
    struct h2_bed *b = mem_zalloc(sizeof(*b));
    b->client.consume = true;
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
    h2_bed_open(b, "c");
    buf_drain(h2_output(b->client.h2), 24); /* the preface */
    h2_bed_greet(b, &b->client);
    return b;
}

static void send(struct h2_bed *b, uint8_t type, uint8_t flags, uint32_t id, const void *payload,
                 size_t len)
{
    h2_bed_send_frame(b, &b->client, type, flags, id, payload, len);
}

static void answer(struct h2_bed *b, uint32_t id, uint8_t flags, const char *const *fields)
{
    h2_bed_send_headers(b, &b->client, (uint8_t)(flags | END_HEADERS), id, fields);
}

static void preface_comes_first(void **state)
{
    struct h2_bed *b = *state;
    char magic[24];
    struct h2_bed_frame f;
    h2_bed_open(b, "c");
    buf_copy_out(h2_output(b->client.h2), magic, 24);
    buf_drain(h2_output(b->client.h2), 24);
    assert_memory_equal(magic, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    assert_true(h2_bed_next(&b->client, &f));
    assert_int_equal(f.type, H2_SETTINGS);
    const uint8_t push_off[] = {0, 2, 0, 0, 0, 0};
    assert_memory_equal(f.payload + 18, push_off, 6);
}

static void good_answers(void **state)
{
    struct h2_bed *b = greeted(state);
    struct h2_bed_stream *c = h2_bed_request(b, "GET", true, NULL);
    assert_int_equal(c->hs->id, 1);
    answer(b, 1, 0, FIELDS(":status", "100"));
    answer(b, 1, 0, FIELDS(":status", "103", "link", "</a>"));
    answer(b, 1, 0, FIELDS(":status", "200", "content-length", "4"));
    send(b, H2_DATA, 0, 1, "body", 4);
    answer(b, 1, END_STREAM, FIELDS("x-trailer", "x"));
    assert_int_equal(c->heads, 3);
    assert_int_equal(c->dones, 1);
    assert_non_null(c->trailers);
}

static void bad_answers_fail_their_request(void **state)
{
    static const struct {
        const char *method;
        uint8_t flags;
        const char *fields[6];
    } cases[] = {
        {"GET", 0, {"server", "x"}},
        {"GET", END_STREAM, {":status", "100"}},
        {"GET", 0, {":status", "101"}},
        {"GET", 0, {":status", "20"}},
        {"GET", 0, {":status", "200", "Server", "x"}},
        {"GET", 0, {":status", "200", "x", "a\rb"}},
        {"GET", 0, {":status", "200", "connection", "close"}},
        {"GET", 0, {":status", "200", "content-length", "x"}},
        {"GET", END_STREAM, {":status", "200", "content-length", "5"}},
        {"GET", 0, {":path", "/"}},
    };
    struct h2_bed *b = greeted(state);
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct h2_bed_stream *c = h2_bed_request(b, cases[i].method, true, NULL);
        answer(b, 1 + 2 * i, cases[i].flags, cases[i].fields);
        if (!cases[i].flags) /* else both directions have ended already */
            h2_bed_expect_reset(&b->client, 1 + 2 * i, H2_PROTOCOL_ERROR);
        h2_bed_is_quiet(&b->client);
        assert_int_equal(c->aborts, 1);
        assert_int_equal(c->why, ERR_PROTOCOL);
        assert_int_equal(c->heads, 0);
    }
    assert_false(b->client.failed);
}

static void bodies_where_none_belong(void **state)
{
    struct h2_bed *b = greeted(state);
    struct h2_bed_stream *early = h2_bed_request(b, "GET", true, NULL);
    answer(b, 1, 0, FIELDS(":status", "103"));
    send(b, H2_DATA, 0, 1, "early", 5); /* before the final head */
    h2_bed_expect_reset(&b->client, 1, H2_PROTOCOL_ERROR);
    assert_int_equal(early->why, ERR_PROTOCOL);
    struct h2_bed_stream *head = h2_bed_request(b, "HEAD", true, NULL);
    answer(b, 3, 0, FIELDS(":status", "200", "content-length", "5"));
    send(b, H2_DATA, END_STREAM, 3, "body!", 5);
    h2_bed_expect_reset(&b->client, 3, H2_PROTOCOL_ERROR);
    assert_int_equal(head->why, ERR_PROTOCOL);
    struct h2_bed_stream *none = h2_bed_request(b, "GET", true, NULL);
    answer(b, 5, 0, FIELDS(":status", "204"));
    send(b, H2_DATA, 0, 5, "x", 1);
    h2_bed_expect_reset(&b->client, 5, H2_PROTOCOL_ERROR);
    assert_int_equal(none->why, ERR_PROTOCOL);
    struct h2_bed_stream *empty = h2_bed_request(b, "HEAD", true, NULL);
    answer(b, 7, 0, FIELDS(":status", "200", "content-length", "5"));
    send(b, H2_DATA, END_STREAM, 7, NULL, 0); /* an empty one is fine */
    assert_int_equal(empty->dones, 1);
}

static void interim_heads_are_bounded(void **state)
{
    struct h2_bed *b = greeted(state);
    struct h2_bed_stream *c = h2_bed_request(b, "GET", true, NULL);
    for (unsigned i = 0; i < 200 && !c->aborts; i++)
        answer(b, 1, 0, FIELDS(":status", "103"));
    assert_int_equal(c->aborts, 1);
    assert_true(c->heads <= 32);
}

static void data_before_any_head(void **state)
{
    struct h2_bed *b = greeted(state);
    h2_bed_request(b, "GET", true, NULL);
    send(b, H2_DATA, 0, 1, "early", 5);
    h2_bed_expect_goaway(&b->client, H2_PROTOCOL_ERROR);
}

static void frames_for_streams_never_opened(void **state)
{
    struct h2_bed *b = greeted(state);
    answer(b, 1, 0, FIELDS(":status", "200"));
    h2_bed_expect_goaway(&b->client, H2_PROTOCOL_ERROR);
}

static void push_is_refused(void **state)
{
    struct h2_bed *b = greeted(state);
    h2_bed_request(b, "GET", true, NULL);
    send(b, H2_PUSH_PROMISE, END_HEADERS, 1, "\0\0\0\2\x82\x84\x87", 7);
    h2_bed_expect_goaway(&b->client, H2_PROTOCOL_ERROR);
}

static void resets_are_told_apart(void **state)
{
    static const struct {
        uint8_t code;
        enum err why;
    } cases[] = {{7, ERR_UNDELIVERED}, {8, ERR_CANCELED}, {11, ERR_OVERLOAD},
                 {2, ERR_RESET},       {0, ERR_RESET},    {13, ERR_RESET}};
    struct h2_bed *b = greeted(state);
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint8_t payload[4] = {0, 0, 0, cases[i].code};
        struct h2_bed_stream *c = h2_bed_request(b, "GET", true, NULL);
        send(b, H2_RST_STREAM, 0, 1 + 2 * i, payload, 4);
        assert_int_equal(c->aborts, 1);
        assert_int_equal(c->why, cases[i].why);
    }
}

static void no_error_after_the_answer_is_a_good_end(void **state)
{
    struct h2_bed *b = greeted(state);
    struct h2_bed_stream *c = h2_bed_request(b, "POST", false, NULL);
    answer(b, 1, END_STREAM, FIELDS(":status", "413"));
    assert_int_equal(c->dones, 0);
    send(b, H2_RST_STREAM, 0, 1, "\0\0\0\0", 4);
    assert_int_equal(c->dones, 1);
    assert_int_equal(c->aborts, 0);
    c = h2_bed_request(b, "POST", false, NULL);
    answer(b, 3, END_STREAM, FIELDS(":status", "413"));
    send(b, H2_RST_STREAM, 0, 3, "\0\0\0\2", 4);
    assert_int_equal(c->aborts, 1);
}

static void goaway_splits_the_streams(void **state)
{
    struct h2_bed *b = greeted(state);
    struct h2_bed_stream *kept = h2_bed_request(b, "GET", true, NULL);
    struct h2_bed_stream *lost = h2_bed_request(b, "GET", true, NULL);
    send(b, H2_GOAWAY, 0, 0, "\0\0\0\1\0\0\0\0", 8);
    assert_int_equal(b->client.goaways, 1);
    assert_int_equal(lost->why, ERR_UNDELIVERED);
    assert_int_equal(kept->aborts, 0);
    assert_int_equal(h2_capacity(b->client.h2), 0);
    assert_null(h2_bed_request(b, "GET", true, NULL)->hs);
    answer(b, 1, END_STREAM, FIELDS(":status", "200"));
    assert_int_equal(kept->dones, 1);
    assert_true(h2_is_over(b->client.h2));
}

static void answers_after_our_reset_are_ignored(void **state)
{
    struct h2_bed *b = greeted(state);
    struct h2_bed_stream *c = h2_bed_request(b, "GET", true, NULL);
    h2_stream_reset(c->hs, ERR_CANCELED);
    h2_bed_expect_reset(&b->client, 1, H2_CANCEL);
    answer(b, 1, 0, FIELDS(":status", "200", "x-thing", "value"));
    send(b, H2_DATA, END_STREAM, 1, "a body that is long enough to be under way", 42);
    assert_int_equal(c->heads, 0);
    assert_false(b->client.failed);
}

static void a_second_answer_is_an_error(void **state)
{
    struct h2_bed *b = greeted(state);
    h2_bed_request(b, "GET", true, NULL);
    answer(b, 1, END_STREAM, FIELDS(":status", "200"));
    answer(b, 1, END_STREAM, FIELDS(":status", "200"));
    h2_bed_expect_goaway(&b->client, H2_STREAM_CLOSED);
}

static void servers_cannot_flood(void **state)
{
    static const struct {
        uint8_t type;
        uint32_t id;
        size_t len;
    } floods[] = {{H2_PING, 0, 8}, {H2_SETTINGS, 0, 0}, {H2_PRIORITY, 1, 5},
                  {0xee, 0, 8},    {H2_DATA, 1, 0},     {H2_GOAWAY, 0, 8}};
    for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
        struct h2_bed b = {.client_config.max_resets = 30};
        void *each = &b;
        greeted(&each);
        h2_bed_request(&b, "GET", true, NULL);
        answer(&b, 1, 0, FIELDS(":status", "200"));
        unsigned n = 0;
        while (!b.client.failed && n++ < 1000)
            send(&b, floods[i].type, 0, floods[i].id, "\0\0\0\3\0\0\0\0", floods[i].len);
        assert_in_range(n, 30, 32);
        h2_bed_expect_goaway(&b.client, H2_ENHANCE_YOUR_CALM);
        h2_bed_close(&b);
    }
    (void)state;
}

static void tiny_windows_are_respected(void **state)
{
    struct h2_bed *b = greeted(state);
    struct h2_bed_frame f;
    send(b, H2_SETTINGS, 0, 0, "\0\4\0\0\0\1", 6); /* INITIAL_WINDOW_SIZE 1 */
    struct h2_bed_stream *c = h2_bed_request(b, "POST", false, NULL);
    h2_bed_body(c, "abc", 3, true);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(h2_drain(b->client.h2, 1000));
        h2_bed_expect(&b->client, H2_DATA, &f);
        assert_int_equal(f.length, 1);
        assert_int_equal(f.payload[0], 'a' + i);
        assert_int_equal(f.flags, i == 2 ? END_STREAM : 0);
        assert_true(h2_bed_is_quiet(&b->client));
        send(b, H2_WINDOW_UPDATE, 0, 1, "\0\0\0\1", 4);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(preface_comes_first),
        TEST(good_answers),
        TEST(bad_answers_fail_their_request),
        TEST(bodies_where_none_belong),
        TEST(interim_heads_are_bounded),
        TEST(data_before_any_head),
        TEST(frames_for_streams_never_opened),
        TEST(push_is_refused),
        TEST(resets_are_told_apart),
        TEST(no_error_after_the_answer_is_a_good_end),
        TEST(goaway_splits_the_streams),
        TEST(answers_after_our_reset_are_ignored),
        TEST(a_second_answer_is_an_error),
        cmocka_unit_test(servers_cannot_flood),
        TEST(tiny_windows_are_respected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
