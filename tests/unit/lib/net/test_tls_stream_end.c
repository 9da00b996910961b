/* Tests of how TLS streams end: truncation, closes, timeouts, refused peers, garbage.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/tls_stream.h"

#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/net/tls_bed.h"

static void test_truncation(void **state)
{
    struct tls_bed b;
    tls_bed_open(&b, NULL);
    tls_bed_say(&b, &b.client, "half a mess");
    stream_shutdown(b.low_client); /* FIN without close_notify */
    assert_true(loop_sim_turn(b.loop));
    assert_true(probe_got(&b.server, "half a mess"));
    assert_int_equal(b.server.count[EVENT_EOF], 0);
    assert_int_equal(b.server.why, ERR_CLOSED);
    assert_non_null(strstr(b.server.detail, "close_notify"));
    tls_bed_close(&b);
}

static unsigned bare;

static void on_bare(struct stream *s)
{
    bare++;
}

/* Whoever can tell whether what came is all is not failed: it may still answer. */
static void test_truncation_for_who_knows_where_messages_end(void **state)
{
    struct stream_events events = probe_events;
    struct tls_bed b;
    events.on_bare_eof = on_bare;
    bare = 0;
    tls_bed_open(&b, NULL);
    b.server.stream->events = &events;
    tls_bed_say(&b, &b.client, "a whole message");
    stream_shutdown(b.low_client);
    assert_true(loop_sim_turn(b.loop));
    assert_true(probe_got(&b.server, "a whole message"));
    assert_int_equal(bare, 1);
    assert_int_equal(b.server.count[EVENT_EOF] + b.server.count[EVENT_FAIL], 0);
    tls_bed_say(&b, &b.server, "the answer");
    assert_true(probe_got(&b.client, "the answer"));
    /* A close_notify is what it was. */
    tls_bed_close(&b);
    tls_bed_open(&b, NULL);
    b.server.stream->events = &events;
    probe_shutdown(&b.client);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(bare, 1);
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    tls_bed_close(&b);
}

/* While its user does not read, the end waits behind what came before it. */
static void test_truncation_waits_for_the_reader(void **state)
{
    struct stream_events events = probe_events;
    struct tls_bed b;
    events.on_bare_eof = on_bare;
    bare = 0;
    tls_bed_open(&b, NULL);
    b.server.stream->events = &events;
    probe_read(&b.server, false);
    tls_bed_say(&b, &b.client, "a whole message");
    stream_shutdown(b.low_client);
    loop_sim_turn(b.loop);
    assert_int_equal(bare, 0);
    probe_read(&b.server, true);
    assert_true(loop_sim_turn(b.loop));
    assert_true(probe_got(&b.server, "a whole message"));
    assert_int_equal(bare, 1);
    tls_bed_close(&b);
}

/* Who gives up what it sends must not seem to have sent it: not a FIN, which could be an end. */
static void test_closed_with_a_reset(void **state)
{
    struct stream_events events = probe_events;
    struct tls_bed b;
    events.on_bare_eof = on_bare;
    bare = 0;
    tls_bed_open(&b, NULL);
    b.server.stream->events = &events;
    tls_bed_say(&b, &b.client, "half a mess");
    stream_close_reset(b.client.stream);
    b.client.stream = NULL;
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(bare, 0);
    assert_int_equal(b.server.count[EVENT_EOF], 0);
    assert_int_equal(b.server.why, ERR_RESET);
    tls_bed_close(&b);
}

static void test_cut(void **state)
{
    struct tls_bed b;
    tls_bed_open(&b, NULL);
    memstream_cut(b.low_client, ERR_RESET);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.server.why, ERR_RESET);
    assert_int_equal(b.client.why, ERR_RESET);
    tls_bed_say(&b, &b.client, "into the void");
    tls_bed_close(&b);
}

static void test_flushed_close(void **state)
{
    enum { SIZE = 200000 };
    struct tls_bed b;
    struct memstream_options options = {.capacity = 20000};
    tls_bed_open(&b, &options);
    tls_bed_write_bytes(&b.client, SIZE);
    probe_close(&b.client, true);
    assert_true(loop_sim_turn(b.loop));
    tls_bed_check_bytes(&b.server, SIZE);
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    tls_bed_close(&b);
}

static void test_flushed_close_before_open(void **state)
{
    struct tls_bed b;
    tls_bed_open_lower(&b, NULL);
    tls_bed_add_client(&b, tls_bed_client, NULL);
    probe_write(&b.client, "sent all the same", 17);
    probe_close(&b.client, true);
    tls_bed_add_server(&b, NULL);
    probe_read(&b.server, true);
    assert_true(loop_sim_turn(b.loop));
    assert_true(probe_got(&b.server, "sent all the same"));
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    tls_bed_close(&b);
}

static void test_flushed_close_is_bounded(void **state)
{
    struct tls_bed b;
    tls_bed_open_lower(&b, NULL);
    tls_bed_add_client(&b, tls_bed_client, NULL);
    probe_write(&b.client, "nobody answers", 14);
    probe_close(&b.client, true);
    probe_use(&b.server, b.low_server);
    probe_read(&b.server, true);
    loop_sim_advance(b.loop, 1900);
    assert_int_equal(b.server.count[EVENT_EOF], 0);
    loop_sim_advance(b.loop, 200);
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    tls_bed_close(&b);
}

/* What cannot be sent any more is not waited for: where the handshake fails, that is the end. */
static void test_flushed_close_that_fails(void **state)
{
    struct tls_bed b;
    tls_bed_open_lower(&b, NULL);
    tls_bed_add_client(&b, tls_bed_client, NULL);
    probe_write(&b.client, "never sent", 10);
    probe_close(&b.client, true);
    probe_use(&b.server, b.low_server);
    probe_read(&b.server, true);
    probe_write(&b.server, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    tls_bed_close(&b);
}

static void test_handshake_timeout(void **state)
{
    struct tls_bed b;
    tls_bed_open_lower(&b, NULL);
    tls_bed_add_server(&b, NULL);
    loop_sim_advance(b.loop, 9900);
    assert_int_equal(b.server.count[EVENT_FAIL], 0);
    loop_sim_advance(b.loop, 200);
    assert_int_equal(b.server.why, ERR_TIMEOUT);
    assert_non_null(strstr(b.server.detail, "too long"));
    probe_use(&b.client, b.low_client);
    tls_bed_close(&b);
}

static void test_no_timeout_once_open(void **state)
{
    struct tls_bed b;
    tls_bed_open(&b, NULL);
    loop_sim_advance(b.loop, 100000);
    tls_bed_say(&b, &b.client, "still here");
    assert_true(probe_got(&b.server, "still here"));
    tls_bed_close(&b);
}

/* Both ends learn why: one from its own check, the other by the alert. */
static void test_untrusted_peer(void **state)
{
    struct tls_bed b;
    tls_bed_open_lower(&b, NULL);
    tls_bed_add_client(&b, tls_bed_foreign, NULL);
    tls_bed_add_server(&b, NULL);
    probe_read(&b.client, true);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.client.why, ERR_UNTRUSTED);
    assert_non_null(strstr(b.client.detail, "server certificate"));
    assert_int_equal(b.server.count[EVENT_OPEN], 0);
    assert_non_null(strstr(b.server.detail, "alert"));
    tls_bed_close(&b);
}

static void test_unexpected_peer(void **state)
{
    struct tls_bed b;
    tls_bed_open_lower(&b, NULL);
    tls_bed_add_client(&b, tls_bed_client, "spiffe://mesh.example.com/ns/shop/sa/ratings");
    tls_bed_add_server(&b, NULL);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.client.why, ERR_UNTRUSTED);
    assert_non_null(
        strstr(b.client.detail, "expected 'spiffe://mesh.example.com/ns/shop/sa/ratings'"));
    assert_int_equal(b.server.count[EVENT_OPEN], 0);
    tls_bed_close(&b);
}

static void test_garbage(void **state)
{
    struct tls_bed b;
    tls_bed_open_lower(&b, NULL);
    tls_bed_add_server(&b, NULL);
    probe_use(&b.client, b.low_client);
    tls_bed_say(&b, &b.client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(b.server.why, ERR_PROTOCOL);
    assert_non_null(strstr(b.server.detail, "not TLS"));
    tls_bed_close(&b);
}

static void test_hangs_up_while_shaking(void **state)
{
    struct tls_bed b;
    tls_bed_open_lower(&b, NULL);
    tls_bed_add_server(&b, NULL);
    probe_use(&b.client, b.low_client);
    probe_close(&b.client, false);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.server.why, ERR_CLOSED);
    assert_non_null(strstr(b.server.detail, "during the TLS handshake"));
    tls_bed_close(&b);
}

/* Closing inside any event is fine. */
static enum event close_at;

static void close_inside(struct probe *p, enum event what)
{
    if (what == close_at && p->stream)
        probe_close(p, false);
}

static void test_close_inside_events(void **state)
{
    static const enum event events[] = {EVENT_OPEN, EVENT_DATA, EVENT_EOF, EVENT_FAIL};
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        struct tls_bed b;
        close_at = events[i];
        tls_bed_open_lower(&b, NULL);
        tls_bed_add_client(&b, tls_bed_client, NULL);
        tls_bed_add_server(&b, NULL);
        b.server.hook = close_inside;
        probe_read(&b.server, true);
        probe_read(&b.client, true);
        probe_write(&b.client, "x", 1);
        assert_true(loop_sim_turn(b.loop));
        probe_write(&b.client, "y", 1);
        if (close_at == EVENT_FAIL)
            memstream_cut(b.low_client, ERR_RESET);
        else
            probe_shutdown(&b.client);
        assert_true(loop_sim_turn(b.loop));
        assert_null(b.server.stream);
        tls_bed_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_truncation_for_who_knows_where_messages_end),
        cmocka_unit_test(test_truncation_waits_for_the_reader),
        cmocka_unit_test(test_closed_with_a_reset),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_flushed_close),
        cmocka_unit_test(test_flushed_close_before_open),
        cmocka_unit_test(test_flushed_close_is_bounded),
        cmocka_unit_test(test_flushed_close_that_fails),
        cmocka_unit_test(test_handshake_timeout),
        cmocka_unit_test(test_no_timeout_once_open),
        cmocka_unit_test(test_untrusted_peer),
        cmocka_unit_test(test_unexpected_peer),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_hangs_up_while_shaking),
        cmocka_unit_test(test_close_inside_events),
    };
    return cmocka_run_group_tests(tests, tls_bed_set_up, tls_bed_tear_down);
}
