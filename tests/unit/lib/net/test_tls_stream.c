/* Tests of TLS over a memory stream on a simulated loop: open, data both ways, pauses, endings,
 * failures, early bytes, time. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/tls_stream.h"

#include <stdlib.h>
#include <string.h>

#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "lib/io/memstream.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/io/probe.h"
#include "tests/unit/lib/tls/pki.h"

static struct pki pki, other;
static struct pki_leaf client_leaf, server_leaf, foreign_leaf;
static struct tls_ctx *client_ctx, *server_ctx, *foreign_ctx;

static int set_up(void **state)
{
    pki_init(&pki);
    pki_init(&other);
    client_leaf = pki_svid(&pki, PKI_CLIENT_ID);
    server_leaf = pki_svid(&pki, PKI_SERVER_ID);
    foreign_leaf = pki_svid(&other, PKI_CLIENT_ID);
    client_ctx = pki_client(&pki, &client_leaf);
    server_ctx = pki_server(&pki, &server_leaf);
    foreign_ctx = pki_client(&other, &foreign_leaf);
    return 0;
}

static int tear_down(void **state)
{
    tls_ctx_unref(client_ctx);
    tls_ctx_unref(server_ctx);
    tls_ctx_unref(foreign_ctx);
    pki_leaf_dispose(&client_leaf);
    pki_leaf_dispose(&server_leaf);
    pki_leaf_dispose(&foreign_leaf);
    pki_dispose(&pki);
    pki_dispose(&other);
    return 0;
}

/* Two probes with TLS between them. */
struct bed {
    struct loop *loop;
    struct stream *low_client, *low_server;
    struct probe client, server;
};

static void open_lower(struct bed *b, const struct memstream_options *options)
{
    b->loop = loop_sim_create(1000);
    memstream_pair(b->loop, options, &b->low_client, &b->low_server);
    probe_init(&b->client, b->loop);
    probe_init(&b->server, b->loop);
}

static void add_client(struct bed *b, struct tls_ctx *ctx, const char *expect)
{
    struct tls_stream_options options = {
        .server_name = SLICE("reviews.shop"),
        .expect_spiffe_id = slice_from_cstr(expect),
    };
    b->client.stream =
        tls_stream_create(b->low_client, ctx, &options, NULL, &probe_events, &b->client);
}

static void add_server(struct bed *b, struct buf *early)
{
    b->server.stream =
        tls_stream_create(b->low_server, server_ctx, NULL, early, &probe_events, &b->server);
}

static void open_bed(struct bed *b, const struct memstream_options *options)
{
    open_lower(b, options);
    add_client(b, client_ctx, NULL);
    add_server(b, NULL);
    probe_read(&b->client, true);
    probe_read(&b->server, true);
    assert_true(loop_sim_turn(b->loop));
    assert_int_equal(b->client.count[EVENT_OPEN], 1);
    assert_int_equal(b->server.count[EVENT_OPEN], 1);
}

static void close_bed(struct bed *b)
{
    probe_dispose(&b->client);
    probe_dispose(&b->server);
    assert_true(loop_sim_turn(b->loop));
    loop_destroy(b->loop);
}

static void say(struct bed *b, struct probe *from, const char *text)
{
    probe_write(from, text, strlen(text));
    assert_true(loop_sim_turn(b->loop));
}

static void test_both_ways(void **state)
{
    struct bed b;
    struct stream_info info;
    open_bed(&b, NULL);
    say(&b, &b.client, "hello");
    say(&b, &b.server, "and back");
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
    assert_true(info.tls_peer->not_after_ms > pki.now_ms);
    assert_ptr_equal(tls_stream_lower(b.client.stream), b.low_client);
    assert_null(tls_stream_lower(b.low_client));
    close_bed(&b);
}

static void test_pieces(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 5, 6, 21, 100, 1000, 5000};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct bed b;
        struct memstream_options options = {.piece = pieces[i]};
        open_bed(&b, &options);
        say(&b, &b.client, "in small pieces");
        say(&b, &b.server, "both ways");
        assert_true(probe_got(&b.server, "in small pieces"));
        assert_true(probe_got(&b.client, "both ways"));
        close_bed(&b);
    }
}

/* Written before the handshake is done: kept, counted, sent, and drained. */
static void test_written_early(void **state)
{
    struct bed b;
    open_lower(&b, NULL);
    add_client(&b, client_ctx, NULL);
    probe_write(&b.client, "first words", 11);
    assert_int_equal(stream_queued(b.client.stream), 11);
    add_server(&b, NULL);
    probe_read(&b.server, true);
    assert_true(loop_sim_turn(b.loop));
    assert_true(probe_got(&b.server, "first words"));
    assert_int_equal(b.client.count[EVENT_DRAIN], 1);
    close_bed(&b);
}

static void check_bytes(const struct probe *p, size_t size)
{
    assert_int_equal(p->got.len, size);
    uint8_t *bytes = malloc(size);
    buf_copy_out(&p->got, bytes, size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(bytes[i], (uint8_t)(i * 7));
    free(bytes);
}

static void write_bytes(struct probe *p, size_t size)
{
    uint8_t *bytes = malloc(size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 7);
    probe_write(p, bytes, size);
    free(bytes);
}

static void test_back_pressure(void **state)
{
    enum { SIZE = 700000 };
    struct bed b;
    struct memstream_options options = {.capacity = 65536};
    open_bed(&b, &options);
    probe_read(&b.server, false);
    write_bytes(&b.client, SIZE);
    assert_true(loop_sim_turn(b.loop));
    assert_true(stream_queued(b.client.stream) > SIZE / 2);
    assert_int_equal(b.client.count[EVENT_DRAIN], 0);
    assert_int_equal(b.server.got.len, 0);
    probe_read(&b.server, true);
    assert_true(loop_sim_turn(b.loop));
    check_bytes(&b.server, SIZE);
    assert_int_equal(b.client.count[EVENT_DRAIN], 1);
    assert_int_equal(stream_queued(b.client.stream), 0);
    close_bed(&b);
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
    struct bed b;
    struct memstream_options options = {.piece = 30000};
    open_bed(&b, &options);
    b.server.hook = pause_each_time;
    write_bytes(&b.client, SIZE);
    unsigned rounds = 0;
    while (b.server.got.len < SIZE && rounds < 1000) {
        unsigned before = b.server.count[EVENT_DATA];
        assert_true(loop_sim_turn(b.loop));
        assert_true(b.server.count[EVENT_DATA] <= before + 1);
        probe_read(&b.server, true);
        assert_true(loop_sim_turn(b.loop));
        rounds++;
    }
    check_bytes(&b.server, SIZE);
    probe_shutdown(&b.client);
    assert_true(loop_sim_turn(b.loop));
    probe_read(&b.server, true);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    close_bed(&b);
}

static void test_half_close(void **state)
{
    struct bed b;
    open_bed(&b, NULL);
    probe_write(&b.client, "last words", 10);
    probe_shutdown(&b.client);
    assert_true(loop_sim_turn(b.loop));
    assert_true(probe_got(&b.server, "last words"));
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    say(&b, &b.server, "an answer, after the end");
    assert_true(probe_got(&b.client, "an answer, after the end"));
    probe_shutdown(&b.server);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.client.count[EVENT_EOF], 1);
    assert_int_equal(b.client.count[EVENT_FAIL] + b.server.count[EVENT_FAIL], 0);
    close_bed(&b);
}

static void test_shutdown_before_open(void **state)
{
    struct bed b;
    open_lower(&b, NULL);
    add_client(&b, client_ctx, NULL);
    probe_write(&b.client, "all", 3);
    probe_shutdown(&b.client);
    add_server(&b, NULL);
    probe_read(&b.server, true);
    assert_true(loop_sim_turn(b.loop));
    assert_true(probe_got(&b.server, "all"));
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    close_bed(&b);
}

/* The end that a paused reader has not seen yet comes when it reads on. */
static void test_eof_while_paused(void **state)
{
    struct bed b;
    open_bed(&b, NULL);
    probe_read(&b.server, false);
    probe_write(&b.client, "kept", 4);
    probe_shutdown(&b.client);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.server.count[EVENT_EOF], 0);
    probe_read(&b.server, true);
    assert_true(loop_sim_turn(b.loop));
    assert_true(probe_got(&b.server, "kept"));
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    close_bed(&b);
}

static void test_truncation(void **state)
{
    struct bed b;
    open_bed(&b, NULL);
    say(&b, &b.client, "half a mess");
    stream_shutdown(b.low_client); /* FIN without close_notify */
    assert_true(loop_sim_turn(b.loop));
    assert_true(probe_got(&b.server, "half a mess"));
    assert_int_equal(b.server.count[EVENT_EOF], 0);
    assert_int_equal(b.server.why, ERR_CLOSED);
    assert_non_null(strstr(b.server.detail, "close_notify"));
    close_bed(&b);
}

static void test_cut(void **state)
{
    struct bed b;
    open_bed(&b, NULL);
    memstream_cut(b.low_client, ERR_RESET);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.server.why, ERR_RESET);
    assert_int_equal(b.client.why, ERR_RESET);
    say(&b, &b.client, "into the void");
    close_bed(&b);
}

static void test_flushed_close(void **state)
{
    enum { SIZE = 200000 };
    struct bed b;
    struct memstream_options options = {.capacity = 20000};
    open_bed(&b, &options);
    write_bytes(&b.client, SIZE);
    probe_close(&b.client, true);
    assert_true(loop_sim_turn(b.loop));
    check_bytes(&b.server, SIZE);
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    close_bed(&b);
}

static void test_flushed_close_before_open(void **state)
{
    struct bed b;
    open_lower(&b, NULL);
    add_client(&b, client_ctx, NULL);
    probe_write(&b.client, "sent all the same", 17);
    probe_close(&b.client, true);
    add_server(&b, NULL);
    probe_read(&b.server, true);
    assert_true(loop_sim_turn(b.loop));
    assert_true(probe_got(&b.server, "sent all the same"));
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    close_bed(&b);
}

static void test_flushed_close_is_bounded(void **state)
{
    struct bed b;
    open_lower(&b, NULL);
    add_client(&b, client_ctx, NULL);
    probe_write(&b.client, "nobody answers", 14);
    probe_close(&b.client, true);
    probe_use(&b.server, b.low_server);
    probe_read(&b.server, true);
    loop_sim_advance(b.loop, 1900);
    assert_int_equal(b.server.count[EVENT_EOF], 0);
    loop_sim_advance(b.loop, 200);
    assert_int_equal(b.server.count[EVENT_EOF], 1);
    close_bed(&b);
}

static void test_handshake_timeout(void **state)
{
    struct bed b;
    open_lower(&b, NULL);
    add_server(&b, NULL);
    loop_sim_advance(b.loop, 9900);
    assert_int_equal(b.server.count[EVENT_FAIL], 0);
    loop_sim_advance(b.loop, 200);
    assert_int_equal(b.server.why, ERR_TIMEOUT);
    assert_non_null(strstr(b.server.detail, "too long"));
    probe_use(&b.client, b.low_client);
    close_bed(&b);
}

static void test_no_timeout_once_open(void **state)
{
    struct bed b;
    open_bed(&b, NULL);
    loop_sim_advance(b.loop, 100000);
    say(&b, &b.client, "still here");
    assert_true(probe_got(&b.server, "still here"));
    close_bed(&b);
}

/* Both ends learn why: one from its own check, the other by the alert. */
static void test_untrusted_peer(void **state)
{
    struct bed b;
    open_lower(&b, NULL);
    add_client(&b, foreign_ctx, NULL);
    add_server(&b, NULL);
    probe_read(&b.client, true);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.client.why, ERR_UNTRUSTED);
    assert_non_null(strstr(b.client.detail, "server certificate"));
    assert_int_equal(b.server.count[EVENT_OPEN], 0);
    assert_non_null(strstr(b.server.detail, "alert"));
    close_bed(&b);
}

static void test_unexpected_peer(void **state)
{
    struct bed b;
    open_lower(&b, NULL);
    add_client(&b, client_ctx, "spiffe://cluster.local/ns/shop/sa/ratings");
    add_server(&b, NULL);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.client.why, ERR_UNTRUSTED);
    assert_non_null(
        strstr(b.client.detail, "expected 'spiffe://cluster.local/ns/shop/sa/ratings'"));
    assert_int_equal(b.server.count[EVENT_OPEN], 0);
    close_bed(&b);
}

static void test_garbage(void **state)
{
    struct bed b;
    open_lower(&b, NULL);
    add_server(&b, NULL);
    probe_use(&b.client, b.low_client);
    say(&b, &b.client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(b.server.why, ERR_PROTOCOL);
    assert_non_null(strstr(b.server.detail, "not TLS"));
    close_bed(&b);
}

static void test_hangs_up_while_shaking(void **state)
{
    struct bed b;
    open_lower(&b, NULL);
    add_server(&b, NULL);
    probe_use(&b.client, b.low_client);
    probe_close(&b.client, false);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.server.why, ERR_CLOSED);
    assert_non_null(strstr(b.server.detail, "during the TLS handshake"));
    close_bed(&b);
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
        struct bed b;
        struct memstream_options options = {.piece = pieces[i]};
        open_lower(&b, &options);
        add_client(&b, client_ctx, NULL);
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
        add_server(&b, &early);
        assert_true(buf_is_empty(&early));
        probe_read(&b.server, true);
        assert_true(loop_sim_turn(b.loop));
        assert_true(probe_got(&b.server, "right behind"));
        close_bed(&b);
    }
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
        struct bed b;
        close_at = events[i];
        open_lower(&b, NULL);
        add_client(&b, client_ctx, NULL);
        add_server(&b, NULL);
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
        close_bed(&b);
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
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_flushed_close),
        cmocka_unit_test(test_flushed_close_before_open),
        cmocka_unit_test(test_flushed_close_is_bounded),
        cmocka_unit_test(test_handshake_timeout),
        cmocka_unit_test(test_no_timeout_once_open),
        cmocka_unit_test(test_untrusted_peer),
        cmocka_unit_test(test_unexpected_peer),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_hangs_up_while_shaking),
        cmocka_unit_test(test_early_bytes),
        cmocka_unit_test(test_close_inside_events),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
