/* http_client and http_server over HTTP/2, joined in memory: exchanges, capacity, back-pressure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/codec/h2/h2_guard.h"
#include "tests/unit/lib/net/h2_net_bed.h"

#include <cmocka.h>

static int set_up(void **state)
{
    *state = mem_zalloc(sizeof(struct h2_net_bed));
    return 0;
}

static int tear_down(void **state)
{
    h2_net_close(*state);
    mem_free(*state);
    return 0;
}

static void exchange(struct h2_net_bed *b)
{
    struct h2_net_stream *c = h2_net_request(b, "POST", false);
    assert_true(http_stream_is_live(&c->st));
    h2_net_body(c, 100, false);
    h2_net_run(b);
    struct h2_net_stream *s = b->requests[b->request_count - 1];
    assert_int_equal(s->heads, 1);
    assert_int_equal(s->st.id, c->st.id);
    assert_int_equal(s->body_len, 100);
    h2_net_trailers(c);
    h2_net_run(b);
    assert_int_equal(s->ends, 1);
    assert_non_null(s->trailers);
    h2_net_respond(s, 103, false);
    h2_net_run(b);
    assert_int_equal(c->head->status, 103);
    assert_true(http_client_answer_began(b->client, &c->st));
    h2_net_respond(s, 200, false);
    h2_net_body(s, 10, true);
    h2_net_run(b);
    assert_int_equal(c->head->status, 200);
    assert_int_equal(c->body_len, 10);
    assert_memory_equal(c->body, "0123456789", 10);
    assert_int_equal(c->dones, 1);
    assert_int_equal(s->dones, 1);
    assert_int_equal(http_client_active(b->client), 0);
    assert_int_equal(http_server_active(b->server), 0);
}

static void exchanges_in_pieces(void **state)
{
    static const size_t pieces[] = {0, 1, 2, 3, 7, 9, 64};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct h2_net_bed b = {0};
        h2_net_open(&b, &(struct memstream_options){.piece = pieces[i]});
        h2_net_run(&b);
        exchange(&b);
        exchange(&b);
        h2_net_close(&b);
    }
    (void)state;
}

static void requests_before_the_first_turn(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open(b, NULL);
    struct h2_net_stream *c = h2_net_request(b, "GET", true);
    assert_false(http_client_was_reused(b->client));
    h2_net_run(b);
    h2_net_respond(b->requests[0], 200, true);
    h2_net_run(b);
    assert_int_equal(c->dones, 1);
    h2_net_request(b, "GET", true);
    assert_true(http_client_was_reused(b->client));
    assert_false(http_client_is_stale(b->client));
    assert_int_equal(http_client_keep_alive_ms(b->client), 0);
}

static void capacity(void **state)
{
    struct h2_net_bed *b = *state;
    b->server_config.max_streams = 2;
    h2_net_open(b, NULL);
    assert_int_equal(http_client_capacity(b->client), 100);
    h2_net_run(b);
    assert_int_equal(b->capacities, 1);
    assert_int_equal(http_client_capacity(b->client), 2);
    h2_net_request(b, "GET", true);
    h2_net_request(b, "GET", true);
    assert_int_equal(http_client_capacity(b->client), 0);
    assert_int_equal(http_client_active(b->client), 2);
    h2_net_run(b);
    assert_int_equal(http_server_active(b->server), 2);
    h2_net_respond(b->requests[1], 204, true);
    h2_net_run(b);
    assert_int_equal(b->capacities, 2);
    assert_int_equal(http_client_capacity(b->client), 1);
}

static void refusal(void **state)
{
    struct h2_net_bed *b = *state;
    b->refuse = true;
    h2_net_open(b, NULL);
    struct h2_net_stream *c = h2_net_request(b, "GET", true);
    h2_net_run(b);
    assert_int_equal(c->why, ERR_UNDELIVERED);
    assert_int_equal(http_client_active(b->client), 0);
}

static void resets(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open(b, NULL);
    struct h2_net_stream *c = h2_net_request(b, "POST", false);
    h2_net_run(b);
    http_stream_reset(&b->requests[0]->st, ERR_CANCELED);
    assert_false(http_stream_is_live(&b->requests[0]->st));
    assert_int_equal(http_server_active(b->server), 0);
    h2_net_run(b);
    assert_int_equal(c->aborts, 1);
    assert_int_equal(c->why, ERR_CANCELED);
    assert_false(http_client_answer_began(b->client, &c->st));
    c = h2_net_request(b, "POST", false);
    http_stream_reset(&c->st, ERR_TIMEOUT); /* before it has left */
    h2_net_run(b);
    assert_int_equal(http_client_active(b->client), 0);
    assert_int_equal(http_server_active(b->server), 0);
}

/* The answer is complete, the request is not, and the server lets go in the same turn. */
static void answer_then_let_go(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open(b, NULL);
    struct h2_net_stream *c = h2_net_request(b, "POST", false);
    h2_net_run(b);
    struct h2_net_stream *s = b->requests[0];
    h2_net_respond(s, 403, false);
    h2_net_body(s, 100, true);
    http_stream_reset(&s->st, ERR_OK);
    h2_net_run(b);
    assert_int_equal(c->body_len, 100);
    assert_int_equal(c->dones, 1);
    assert_int_equal(c->aborts, 0);
}

static void inbound_waits_for_consumption(void **state)
{
    struct h2_net_bed *b = *state;
    b->hold = true;
    h2_net_open(b, NULL);
    struct h2_net_stream *c = h2_net_request(b, "POST", false);
    h2_net_run(b);
    h2_net_body(c, 300000, true);
    h2_net_run(b);
    struct h2_net_stream *s = b->requests[0];
    assert_in_range(s->body_len, 65535, 65536);
    assert_int_equal(s->st.unconsumed, s->body_len);
    assert_int_equal(http_stream_unsent(&c->st), 300000 - s->body_len);
    assert_int_equal(c->writables, 0);
    for (unsigned i = 0; i < 100 && !s->ends; i++) {
        http_stream_consume(&s->st, s->st.unconsumed);
        assert_int_equal(s->st.unconsumed, 0);
        h2_net_run(b);
    }
    assert_int_equal(s->body_len, 300000);
    assert_int_equal(c->writables, 1);
}

/* A peer that does not read gets no more than the queue may hold, and is not read itself. */
static void outbound_waits_for_the_transport(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open_server(b, &(struct memstream_options){.capacity = 10000});
    h2_net_greet(b, true);
    h2_net_write(b, "\0\0\6\4\0\0\0\0\0\0\4\x7f\xff\xff\xff", 15); /* windows without end */
    h2_net_write(b, "\0\0\4\x8\0\0\0\0\0\x7f\xff\0\0", 13);
    h2_net_write(b, "\0\0\x6\1\5\0\0\0\1\x82\x86\x84\x41\1a", 15);
    h2_net_run(b);
    struct h2_net_stream *s = b->requests[0];
    stream_read_stop(b->theirs);
    h2_net_respond(s, 200, false);
    h2_net_body(s, 1000000, true);
    h2_net_run(b);
    assert_in_range(stream_queued(b->ours), 100000, 140000);
    assert_true(http_stream_unsent(&s->st) > 800000);
    assert_int_equal(s->writables, 0);
    for (unsigned i = 0; i < 30000; i++)
        h2_net_write(b, "\0\0\x8\6\0\0\0\0\0ping-it!", 17);
    h2_net_run(b);
    assert_true(stream_queued(b->ours) < 600000);
    stream_read_start(b->theirs);
    h2_net_run(b);
    assert_int_equal(b->server_why, ERR_OVERLOAD); /* the flood of PINGs was too much in the end */
}

static void large_bodies_both_ways(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open(b, &(struct memstream_options){.capacity = 5000, .piece = 3000});
    struct h2_net_stream *c = h2_net_request(b, "POST", false);
    h2_net_body(c, 500000, true);
    h2_net_run(b);
    struct h2_net_stream *s = b->requests[0];
    assert_int_equal(s->body_len, 500000);
    assert_int_equal(s->ends, 1);
    assert_int_equal(c->writables, 1);
    h2_net_respond(s, 200, false);
    h2_net_body(s, 500000, true);
    h2_net_run(b);
    assert_int_equal(c->body_len, 500000);
    assert_int_equal(c->dones, 1);
    assert_int_equal(s->dones, 1);
}

static void early_bytes_are_fed_first(void **state)
{
    struct h2_net_bed *b = *state;
    buf_init(&b->early);
    buf_append(&b->early, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0", 27);
    h2_net_open_server(b, NULL);
    h2_net_write(b, "\4\0\0\0\0\0\0\0\x6\1\5\0\0\0\1\x82\x86\x84\x41\1a", 21);
    h2_net_run(b);
    assert_int_equal(b->request_count, 1);
    assert_int_equal(b->requests[0]->ends, 1);
}

static void bad_requests_are_reported(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open_server(b, NULL);
    h2_net_greet(b, true);
    h2_net_write(b, "\0\0\3\1\5\0\0\0\1\x82\x86\x84", 12);
    h2_net_run(b);
    assert_int_equal(b->bad_requests, 1);
    assert_int_equal(b->bad_status, 400);
    assert_int_equal(h2_net_count(b, H2_RST_STREAM), 1);
    assert_int_equal(b->server_closed, 0);
}

/* A connection on which no body moves any more is no place for other requests; once the peer has
 * read on, it is. */
static void blocked_connections_take_no_requests(void **state)
{
    struct h2_net_bed *b = *state;
    h2_net_open_client(b, NULL);
    h2_net_greet(b, false);
    struct h2_net_stream *c = h2_net_request(b, "POST", false);
    h2_net_body(c, 65534, false);
    h2_net_run(b);
    h2_net_advance(b, 1000);
    assert_int_not_equal(http_client_capacity(b->client), 0);
    h2_net_body(c, 10000, false);
    h2_net_run(b);
    h2_net_advance(b, 499);
    assert_int_not_equal(http_client_capacity(b->client), 0);
    h2_net_advance(b, 1);
    assert_int_equal(http_client_capacity(b->client), 0);
    unsigned before = b->capacities;
    h2_net_write(b, "\0\0\4\x8\0\0\0\0\0\0\0\x4e\x20", 13);
    h2_net_write(b, "\0\0\4\x8\0\0\0\0\1\0\0\x4e\x20", 13);
    h2_net_run(b);
    assert_int_not_equal(http_client_capacity(b->client), 0);
    assert_int_equal(b->capacities, before + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchanges_in_pieces),
        TEST(requests_before_the_first_turn),
        TEST(capacity),
        TEST(refusal),
        TEST(resets),
        TEST(answer_then_let_go),
        TEST(inbound_waits_for_consumption),
        TEST(outbound_waits_for_the_transport),
        TEST(large_bodies_both_ways),
        TEST(early_bytes_are_fed_first),
        TEST(bad_requests_are_reported),
        TEST(blocked_connections_take_no_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
