/* Tests of TLS over a memory stream on a simulated loop: opening, data both ways, pauses, early
 * bytes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/tls_stream.h"

#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/net/tls_bed.h"

static void test_both_ways(void **state)
{
    struct tls_bed b;
    struct stream_info info;
    tls_bed_open(&b, NULL);
    tls_bed_say(&b, &b.client, "hello");
    tls_bed_say(&b, &b.server, "and back");
    assert_true(probe_got(&b.server, "hello"));
    assert_true(probe_got(&b.client, "and back"));
    stream_info(b.server.stream, &info);
    assert_true(info.is_tls);
    assert_true(slice_eq_cstr(info.alpn, "weft-h2"));
    assert_true(slice_eq_cstr(info.sni, "reviews.shop"));
    assert_true(slice_eq_cstr(info.tls_peer->spiffe_id, PKI_CLIENT_ID));
    assert_int_equal(info.peer.port, 1);
    assert_null(info.fail_detail);
    stream_info(b.client.stream, &info);
    assert_true(slice_eq_cstr(info.tls_peer->spiffe_id, PKI_SERVER_ID));
    assert_true(info.tls_peer->not_after_ms > 1);
    assert_ptr_equal(tls_stream_lower(b.client.stream), b.low_client);
    assert_null(tls_stream_lower(b.low_client));
    tls_bed_close(&b);
}

static void test_pieces(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 5, 6, 21, 100, 1000, 5000};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct tls_bed b;
        struct memstream_options options = {.piece = pieces[i]};
        tls_bed_open(&b, &options);
        tls_bed_say(&b, &b.client, "in small pieces");
        tls_bed_say(&b, &b.server, "both ways");
        assert_true(probe_got(&b.server, "in small pieces"));
        assert_true(probe_got(&b.client, "both ways"));
        tls_bed_close(&b);
    }
}

/* Written before the handshake is done: kept, counted, sent, and drained. */
static void test_written_early(void **state)
{
    struct tls_bed b;
    tls_bed_open_lower(&b, NULL);
    tls_bed_add_client(&b, tls_bed_client, NULL);
    probe_write(&b.client, "first words", 11);
    assert_int_equal(stream_queued(b.client.stream), 11);
    tls_bed_add_server(&b, NULL);
    probe_read(&b.server, true);
    assert_true(loop_sim_turn(b.loop));
    assert_true(probe_got(&b.server, "first words"));
    assert_int_equal(b.client.count[EVENT_DRAIN], 1);
    tls_bed_close(&b);
}

static void test_back_pressure(void **state)
{
    enum { SIZE = 700000 };
    struct tls_bed b;
    struct memstream_options options = {.capacity = 65536};
    tls_bed_open(&b, &options);
    probe_read(&b.server, false);
    tls_bed_write_bytes(&b.client, SIZE);
    assert_true(loop_sim_turn(b.loop));
    assert_true(stream_queued(b.client.stream) > SIZE / 2);
    assert_int_equal(b.client.count[EVENT_DRAIN], 0);
    assert_int_equal(b.server.got.len, 0);
    probe_read(&b.server, true);
    assert_true(loop_sim_turn(b.loop));
    tls_bed_check_bytes(&b.server, SIZE);
    assert_int_equal(b.client.count[EVENT_DRAIN], 1);
    assert_int_equal(stream_queued(b.client.stream), 0);
    tls_bed_close(&b);
}

/* The user pauses inside on_data, with ciphertext and plaintext left over in every layer. */
static void pause_each_time(struct probe *p, enum event what)
{
    if (what == EVENT_DATA)
        probe_read(p, false);
}

static void test_pausing_reader(void **state)
{
    enum { SIZE = 300000 };
    struct tls_bed b;
    struct memstream_options options = {.piece = 30000};
    tls_bed_open(&b, &options);
    b.server.hook = pause_each_time;
    tls_bed_write_bytes(&b.client, SIZE);
    unsigned rounds = 0;
    while (b.server.got.len < SIZE && rounds < 1000) {
        unsigned before = b.server.count[EVENT_DATA];
        assert_true(loop_sim_turn(b.loop));
        assert_true(b.server.count[EVENT_DATA] <= before + 1);
        probe_read(&b.server, true);
        assert_true(loop_sim_turn(b.loop));
        rounds++;
    }
    tls_bed_check_bytes(&b.server, SIZE);
    probe_shutdown(&b.client);
    assert_true(loop_sim_turn(b.loop));
    probe_read(&b.server, true);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    tls_bed_close(&b);
}

static void test_half_close(void **state)
{
    struct tls_bed b;
    tls_bed_open(&b, NULL);
    probe_write(&b.client, "last words", 10);
    probe_shutdown(&b.client);
    assert_true(loop_sim_turn(b.loop));
    assert_true(probe_got(&b.server, "last words"));
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    tls_bed_say(&b, &b.server, "an answer, after the end");
    assert_true(probe_got(&b.client, "an answer, after the end"));
    probe_shutdown(&b.server);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.client.count[EVENT_EOF], 1);
    assert_int_equal(b.client.count[EVENT_FAIL] + b.server.count[EVENT_FAIL], 0);
    tls_bed_close(&b);
}

static void test_shutdown_before_open(void **state)
{
    struct tls_bed b;
    tls_bed_open_lower(&b, NULL);
    tls_bed_add_client(&b, tls_bed_client, NULL);
    probe_write(&b.client, "all", 3);
    probe_shutdown(&b.client);
    tls_bed_add_server(&b, NULL);
    probe_read(&b.server, true);
    assert_true(loop_sim_turn(b.loop));
    assert_true(probe_got(&b.server, "all"));
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    tls_bed_close(&b);
}

/* The end that a paused reader has not seen yet comes when it reads on. */
static void test_eof_while_paused(void **state)
{
    struct tls_bed b;
    tls_bed_open(&b, NULL);
    probe_read(&b.server, false);
    probe_write(&b.client, "kept", 4);
    probe_shutdown(&b.client);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.server.count[EVENT_EOF], 0);
    probe_read(&b.server, true);
    assert_true(loop_sim_turn(b.loop));
    assert_true(probe_got(&b.server, "kept"));
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    tls_bed_close(&b);
}

/* A sniffer has read some of the hello, or all of it and more, before TLS began. */
static void steal(struct probe *p, enum event what)
{
    (void)what;
    probe_read(p, false);
}

static void test_early_bytes(void **state)
{
    static const size_t pieces[] = {1, 4, 100, 600, 0};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct tls_bed b;
        struct memstream_options options = {.piece = pieces[i]};
        tls_bed_open_lower(&b, &options);
        tls_bed_add_client(&b, tls_bed_client, NULL);
        probe_write(&b.client, "right behind", 12);
        probe_use(&b.server, b.low_server);
        b.server.hook = steal;
        probe_read(&b.server, true);
        assert_true(loop_sim_turn(b.loop));
        assert_true(b.server.got.len > 0);
        struct buf early;
        buf_init(&early);
        buf_move_all(&early, &b.server.got);
        probe_init(&b.server, b.loop);
        tls_bed_add_server(&b, &early);
        assert_true(buf_is_empty(&early));
        probe_read(&b.server, true);
        assert_true(loop_sim_turn(b.loop));
        assert_true(probe_got(&b.server, "right behind"));
        tls_bed_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_written_early),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_pausing_reader),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_shutdown_before_open),
        cmocka_unit_test(test_eof_while_paused),
        cmocka_unit_test(test_early_bytes),
    };
    return cmocka_run_group_tests(tests, tls_bed_set_up, tls_bed_tear_down);
}
