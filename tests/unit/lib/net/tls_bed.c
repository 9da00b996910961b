/* The bed of the TLS stream tests: one PKI for a group of tests, one loop for each test.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lib/net/tls_bed.h"

#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"

static struct pki pki, other;
static struct pki_leaf client_leaf, server_leaf, foreign_leaf;
static struct tls_ctx *server_ctx;
struct tls_ctx *tls_bed_client, *tls_bed_foreign;

int tls_bed_set_up(void **state)
{
    pki_init(&pki);
    pki_init(&other);
    client_leaf = pki_svid(&pki, PKI_CLIENT_ID);
    server_leaf = pki_svid(&pki, PKI_SERVER_ID);
    foreign_leaf = pki_svid(&other, PKI_CLIENT_ID);
    tls_bed_client = pki_client(&pki, &client_leaf);
    server_ctx = pki_server(&pki, &server_leaf);
    tls_bed_foreign = pki_client(&other, &foreign_leaf);
    return 0;
}

int tls_bed_tear_down(void **state)
{
    tls_ctx_unref(tls_bed_client);
    tls_ctx_unref(server_ctx);
    tls_ctx_unref(tls_bed_foreign);
    pki_leaf_dispose(&client_leaf);
    pki_leaf_dispose(&server_leaf);
    pki_leaf_dispose(&foreign_leaf);
    pki_dispose(&pki);
    pki_dispose(&other);
    return 0;
}

void tls_bed_open_lower(struct tls_bed *b, const struct memstream_options *options)
{
    b->loop = loop_sim_create(1000);
    memstream_pair(b->loop, options, &b->low_client, &b->low_server);
    probe_init(&b->client, b->loop);
    probe_init(&b->server, b->loop);
}

void tls_bed_add_client(struct tls_bed *b, struct tls_ctx *ctx, const char *expect)
{
    struct tls_stream_options options = {
        .server_name = SLICE("reviews.shop"),
        .expect_spiffe_id = slice_from_cstr(expect),
    };
    b->client.stream =
        tls_stream_create(b->low_client, ctx, &options, NULL, &probe_events, &b->client);
}

void tls_bed_add_server(struct tls_bed *b, struct buf *early)
{
    b->server.stream =
        tls_stream_create(b->low_server, server_ctx, NULL, early, &probe_events, &b->server);
}

void tls_bed_open(struct tls_bed *b, const struct memstream_options *options)
{
    tls_bed_open_lower(b, options);
    tls_bed_add_client(b, tls_bed_client, NULL);
    tls_bed_add_server(b, NULL);
    probe_read(&b->client, true);
    probe_read(&b->server, true);
    assert_true(loop_sim_turn(b->loop));
    assert_int_equal(b->client.count[EVENT_OPEN], 1);
    assert_int_equal(b->server.count[EVENT_OPEN], 1);
}

void tls_bed_close(struct tls_bed *b)
{
    probe_dispose(&b->client);
    probe_dispose(&b->server);
    assert_true(loop_sim_turn(b->loop));
    loop_destroy(b->loop);
}

void tls_bed_say(struct tls_bed *b, struct probe *from, const char *text)
{
    probe_write(from, text, strlen(text));
    assert_true(loop_sim_turn(b->loop));
}

void tls_bed_check_bytes(const struct probe *p, size_t size)
{
    assert_int_equal(p->got.len, size);
    uint8_t *bytes = mem_alloc(size);
    buf_copy_out(&p->got, bytes, size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(bytes[i], (uint8_t)(i * 7));
    mem_free(bytes);
}

void tls_bed_write_bytes(struct probe *p, size_t size)
{
    uint8_t *bytes = mem_alloc(size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 7);
    probe_write(p, bytes, size);
    mem_free(bytes);
}
