/* Tests of TLS connections in memory: both ways, every cut, endings, memory, versions.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_conn.h"

#include <string.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/lib/tls/tls_pair.h"

static struct pki pki;
static struct pki_leaf client_leaf, server_leaf;
static struct tls_ctx *client_ctx, *server_ctx;

static int set_up(void **state)
{
    pki_init(&pki);
    client_leaf = pki_svid(&pki, PKI_CLIENT_ID);
    server_leaf = pki_svid(&pki, PKI_SERVER_ID);
    client_ctx = pki_client(&pki, &client_leaf);
    server_ctx = pki_server(&pki, &server_leaf);
    return 0;
}

static int tear_down(void **state)
{
    tls_ctx_unref(client_ctx);
    tls_ctx_unref(server_ctx);
    pki_leaf_dispose(&client_leaf);
    pki_leaf_dispose(&server_leaf);
    pki_dispose(&pki);
    return 0;
}

static void open_pair(struct tls_pair *t, size_t piece, const struct tls_conn_options *options)
{
    tls_pair_init(t, client_ctx, server_ctx, options);
    t->piece = piece;
    tls_pair_handshake(t);
    assert_int_equal(t->client_result, ERR_OK);
    assert_int_equal(t->server_result, ERR_OK);
}

static void test_both_ways(void **state)
{
    struct tls_pair t;
    struct tls_conn_options options = {SLICE("Reviews.shop"), SLICE(PKI_SERVER_ID)};
    open_pair(&t, 0, &options);
    assert_true(tls_pair_echo(&t, t.client, t.server, "hello"));
    assert_true(tls_pair_echo(&t, t.server, t.client, "and back"));
    assert_true(slice_eq_cstr(tls_conn_peer(t.client)->spiffe_id, PKI_SERVER_ID));
    assert_true(slice_eq_cstr(tls_conn_peer(t.server)->spiffe_id, PKI_CLIENT_ID));
    assert_int_equal(tls_conn_peer(t.server)->not_after_ms / 1000, pki.now_ms / 1000 + 3600);
    assert_true(slice_eq_cstr(tls_conn_alpn(t.client), "weft-h2"));
    assert_true(slice_eq_cstr(tls_conn_alpn(t.server), "weft-h2"));
    assert_true(slice_eq_cstr(tls_conn_sni(t.server), "reviews.shop"));
    assert_true(tls_conn_is_tls13(t.client));
    assert_string_equal(tls_conn_cipher(t.client), "TLS_AES_128_GCM_SHA256");
    assert_non_null(strstr(tls_conn_group(t.client), "MLKEM768"));
    tls_pair_dispose(&t);
}

static void test_every_cut(void **state)
{
    for (size_t piece = 1; piece < 700; piece += piece < 20 ? 1 : 97) {
        struct tls_pair t;
        open_pair(&t, piece, NULL);
        assert_true(tls_pair_echo(&t, t.client, t.server, "cut into pieces"));
        assert_true(tls_pair_echo(&t, t.server, t.client, "and again"));
        tls_pair_dispose(&t);
    }
}

/* Bodies of all sizes around the record limit, as many small and as few large segments. */
static void test_sizes(void **state)
{
    static const size_t sizes[] = {1, 16383, 16384, 16385, 32768, 100000, 1000000};
    struct tls_pair t;
    open_pair(&t, 0, NULL);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct buf plain, got;
        buf_init(&plain);
        buf_init(&got);
        uint8_t *bytes = mem_alloc(sizes[i]), *back = mem_alloc(sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            bytes[k] = (uint8_t)(k * 31 + i);
        buf_append(&plain, bytes, sizes[i]);
        assert_int_equal(tls_conn_write(t.client, &plain), ERR_OK);
        assert_true(buf_is_empty(&plain));
        assert_int_equal(tls_pair_move(&t, t.client, t.server, &got), ERR_AGAIN);
        assert_int_equal(got.len, sizes[i]);
        buf_copy_out(&got, back, sizes[i]);
        assert_memory_equal(bytes, back, sizes[i]);
        buf_dispose(&got);
        mem_free(bytes);
        mem_free(back);
    }
    tls_pair_dispose(&t);
}

static void test_small_pieces_share_a_record(void **state)
{
    struct tls_pair t;
    struct buf plain;
    open_pair(&t, 0, NULL);
    buf_init(&plain);
    for (int i = 0; i < 40; i++) {
        struct chunk *c = chunk_create(600);
        memset(c->data, i, 600);
        c->used = 600;
        buf_append_shared(&plain, c, c->data, 600);
        chunk_unref(c);
    }
    assert_int_equal(tls_conn_write(t.client, &plain), ERR_OK);
    /* 24,000 bytes in two records of at most 16 KiB: header, content type and tag each. */
    assert_int_equal(tls_conn_out(t.client)->len, 24000 + 2 * 22);
    tls_pair_dispose(&t);
}

static void test_half_close(void **state)
{
    struct tls_pair t;
    open_pair(&t, 0, NULL);
    tls_conn_shutdown(t.client);
    assert_int_equal(tls_pair_move(&t, t.client, t.server, NULL), ERR_EOF);
    /* The other direction goes on. */
    assert_true(tls_pair_echo(&t, t.server, t.client, "still talking"));
    assert_true(tls_pair_echo(&t, t.server, t.client, "and more"));
    tls_conn_shutdown(t.server);
    assert_int_equal(tls_pair_move(&t, t.server, t.client, NULL), ERR_EOF);
    assert_int_equal(tls_conn_transport_eof(t.client), ERR_EOF);
    assert_int_equal(tls_conn_transport_eof(t.server), ERR_EOF);
    struct buf plain;
    buf_init(&plain);
    buf_append(&plain, "x", 1);
    assert_int_equal(tls_conn_write(t.client, &plain), ERR_BROKEN_PIPE);
    assert_true(buf_is_empty(&plain));
    tls_pair_dispose(&t);
}

static void test_truncation(void **state)
{
    struct tls_pair t;
    open_pair(&t, 0, NULL);
    assert_true(tls_pair_echo(&t, t.client, t.server, "half a message"));
    assert_int_equal(tls_conn_transport_eof(t.server), ERR_CLOSED);
    assert_non_null(strstr(tls_conn_detail(t.server), "close_notify"));
    tls_pair_dispose(&t);
    tls_pair_init(&t, client_ctx, server_ctx, NULL);
    assert_int_equal(tls_conn_transport_eof(t.server), ERR_CLOSED);
    assert_non_null(strstr(tls_conn_detail(t.server), "during the TLS handshake"));
    tls_pair_dispose(&t);
}

static void test_altered_record(void **state)
{
    struct tls_pair t;
    struct buf plain;
    uint8_t wire[200];
    size_t n;
    open_pair(&t, 0, NULL);
    buf_init(&plain);
    buf_append(&plain, "secret", 6);
    assert_int_equal(tls_conn_write(t.client, &plain), ERR_OK);
    size_t len = tls_conn_out(t.client)->len;
    buf_copy_out(tls_conn_out(t.client), wire, len);
    wire[len - 1] ^= 1;
    tls_conn_feed(t.server, wire, len);
    assert_int_equal(tls_conn_read(t.server, wire, sizeof(wire), &n), ERR_PROTOCOL);
    assert_non_null(tls_conn_detail(t.server));
    assert_int_equal(tls_conn_read(t.server, wire, sizeof(wire), &n), ERR_PROTOCOL);
    tls_pair_dispose(&t);
}

/* False in builds whose allocator goes to libc every time. */
static bool memory_is_pooled(void)
{
    mem_free(mem_alloc(100));
    uint64_t before = mem_fresh_count();
    mem_free(mem_alloc(100));
    return mem_fresh_count() == before;
}

static void test_no_fresh_memory_per_record(void **state)
{
    struct tls_pair t;
    open_pair(&t, 0, NULL);
    for (int i = 0; i < 50; i++) {
        assert_true(tls_pair_echo(&t, t.client, t.server, "warm"));
        assert_true(tls_pair_echo(&t, t.server, t.client, "warm"));
    }
    uint64_t before = mem_fresh_count();
    for (int i = 0; i < 500; i++) {
        assert_true(tls_pair_echo(&t, t.client, t.server, "steady"));
        assert_true(tls_pair_echo(&t, t.server, t.client, "steady"));
    }
    if (memory_is_pooled())
        assert_int_equal(mem_fresh_count() - before, 0);
    tls_pair_dispose(&t);
}

static void test_alpn_mismatch(void **state)
{
    static const char *const other[] = {"h3", NULL};
    char why[TLS_DETAIL_MAX];
    struct tls_ctx *ctx;
    struct tls_pair t;
    struct tls_mesh_config config = {
        .cert_chain_pem = slice_from_cstr(client_leaf.chain),
        .key_pem = slice_from_cstr(client_leaf.key),
        .roots_pem = slice_from_cstr(pki.root),
        .trust_domain = SLICE(PKI_DOMAIN),
        .alpn = other,
    };
    assert_int_equal(tls_ctx_create_mesh(&config, &ctx, why), ERR_OK);
    tls_pair_init(&t, ctx, server_ctx, NULL);
    tls_pair_handshake(&t);
    assert_int_equal(t.server_result, ERR_PROTOCOL);
    assert_non_null(strstr(tls_conn_detail(t.server), "ALPN"));
    assert_int_equal(t.client_result, ERR_PROTOCOL);
    assert_non_null(strstr(tls_conn_detail(t.client), "no_application_protocol"));
    tls_pair_dispose(&t);
    tls_ctx_unref(ctx);
}

/* The right certificate, but no protocol chosen. */
static void test_alpn_passed_over(void **state)
{
    char why[TLS_DETAIL_MAX];
    struct tls_ctx *ctx;
    struct tls_pair t;
    struct tls_mesh_config config = {
        .is_server = true,
        .cert_chain_pem = slice_from_cstr(server_leaf.chain),
        .key_pem = slice_from_cstr(server_leaf.key),
        .roots_pem = slice_from_cstr(pki.root),
        .trust_domain = SLICE(PKI_DOMAIN),
    };
    assert_int_equal(tls_ctx_create_mesh(&config, &ctx, why), ERR_OK);
    tls_pair_init(&t, client_ctx, ctx, NULL);
    tls_pair_handshake(&t);
    assert_int_equal(t.client_result, ERR_PROTOCOL);
    assert_non_null(strstr(tls_conn_detail(t.client), "ALPN"));
    tls_pair_dispose(&t);
    tls_ctx_unref(ctx);
}

static void test_alpn_follows_the_client(void **state)
{
    static const char *const turned[] = {"weft-h1", "weft-h2", NULL};
    char why[TLS_DETAIL_MAX];
    struct tls_ctx *ctx;
    struct tls_pair t;
    struct tls_mesh_config config = {
        .cert_chain_pem = slice_from_cstr(client_leaf.chain),
        .key_pem = slice_from_cstr(client_leaf.key),
        .roots_pem = slice_from_cstr(pki.root),
        .trust_domain = SLICE(PKI_DOMAIN),
        .alpn = turned,
    };
    assert_int_equal(tls_ctx_create_mesh(&config, &ctx, why), ERR_OK);
    tls_pair_init(&t, ctx, server_ctx, NULL);
    tls_pair_handshake(&t);
    assert_int_equal(t.server_result, ERR_OK);
    assert_true(slice_eq_cstr(tls_conn_alpn(t.server), "weft-h1"));
    assert_true(slice_eq(tls_conn_alpn(t.server), tls_conn_alpn(t.client)));
    tls_pair_dispose(&t);
    tls_ctx_unref(ctx);
}

static void test_garbage(void **state)
{
    static const struct {
        struct slice bytes;
        const char *why;
    } cases[] = {
        {{"GET / HTTP/1.1\r\n\r\n", 18}, "not TLS"},
        {{"\x16\x02\x01\x00\x05hello", 10}, "not TLS"},
        {{"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9}, "another handshake message"},
        {{"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03", 10}, "cut short"},
        {{"\x16\x03\x01\x00\x00", 5}, "mixed with other records"},
        {{"\x17\x03\x03\x00\x01x", 6}, "not TLS"},
        {{"\x00", 1}, "not TLS"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_conn *c = tls_conn_create(server_ctx, NULL);
        tls_conn_feed(c, (const uint8_t *)cases[i].bytes.ptr, cases[i].bytes.len);
        assert_int_equal(tls_conn_handshake(c), ERR_PROTOCOL);
        assert_non_null(strstr(tls_conn_detail(c), cases[i].why));
        assert_null(tls_conn_peer(c));
        tls_conn_destroy(c);
    }
}

/* Every byte of a real first flight turned over, one at a time: never a crash, never a peer. */
static void test_flipped_client_hello(void **state)
{
    struct tls_conn *client = tls_conn_create(client_ctx, NULL);
    assert_int_equal(tls_conn_handshake(client), ERR_AGAIN);
    size_t len = tls_conn_out(client)->len;
    uint8_t *hello = mem_alloc(len);
    buf_copy_out(tls_conn_out(client), hello, len);
    size_t step = len / 200 ? len / 200 : 1;
    for (size_t i = 0; i < len; i += i < 150 ? 1 : step) {
        struct tls_conn *server = tls_conn_create(server_ctx, NULL);
        hello[i] ^= 0xff;
        tls_conn_feed(server, hello, len);
        enum err e = tls_conn_handshake(server);
        assert_int_not_equal(e, ERR_OK);
        if (e != ERR_AGAIN)
            assert_non_null(tls_conn_detail(server));
        tls_conn_feed(server, NULL, 0);
        assert_null(tls_conn_peer(server));
        tls_conn_destroy(server);
        hello[i] ^= 0xff;
    }
    mem_free(hello);
    tls_conn_destroy(client);
}

/* RFC 6066, 3: a server name is a host name, never an address. */
static void test_which_names_are_sent(void **state)
{
    static const struct {
        const char *name;
        bool is_sent;
    } cases[] = {
        {"90.0.9.0", false},   {"203.0.113.9", false},    {"::1", false},
        {"2001:db8::9", false}, {"fd00::a:9", false},      {"9.example", true},
        {"90gag.example", true}, {"0.0.0.0.example", true}, {"a", true},
        {"x-1.2.3.4", true},    {"1.2.3.4-x", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_pair t;
        struct tls_conn_options options = {.server_name = slice_from_cstr(cases[i].name)};
        open_pair(&t, 0, &options);
        if (!slice_eq_cstr(tls_conn_sni(t.server), cases[i].is_sent ? cases[i].name : ""))
            fail_msg("%s: the server hears '%.*s'", cases[i].name,
                     SLICE_ARG(tls_conn_sni(t.server)));
        tls_pair_dispose(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_which_names_are_sent),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_small_pieces_share_a_record),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_altered_record),
        cmocka_unit_test(test_no_fresh_memory_per_record),
        cmocka_unit_test(test_alpn_mismatch),
        cmocka_unit_test(test_alpn_follows_the_client),
        cmocka_unit_test(test_alpn_passed_over),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_flipped_client_hello),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
