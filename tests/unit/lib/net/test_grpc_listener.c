/* grpc_listener.c over loopback: probes in the clear, one connection too many, strangers where
 * mutual TLS is wanted, and a port that somebody else has.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/grpc_listener.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/tcp.h"
#include "lib/net/tls_stream.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"

#define PROBE "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"

struct bed {
    struct loop *loop;
    struct grpc_service service;
    struct grpc_listener *listener;
    struct addr at;
    struct tls_ctx *ctx;
    unsigned probes;
};

struct client {
    struct bed *bed;
    struct stream *stream;
    char got[2000];
    size_t len;
    bool is_over;
};

static unsigned plain(void *owner, struct slice method, struct slice path, struct slice *body)
{
    struct bed *b = owner;
    b->probes++;
    *body = slice_eq_cstr(path, "/healthz") ? SLICE("all is well") : SLICE("what?");
    return slice_eq_cstr(method, "GET") ? 200 : 405;
}

static struct tls_ctx *current(void *owner)
{
    return ((struct bed *)owner)->ctx;
}

static void open_bed(struct bed *b, unsigned max, bool is_secret)
{
    *b = (struct bed){.loop = loop_create()};
    b->service = (struct grpc_service){.owner = b, .plain = plain, .http = {.max_streams = 8}};
    struct grpc_listener_config config = {.at = {.family = 4, .ip = {127, 0, 0, 1}},
                                      .service = &b->service,
                                      .protocol = is_secret ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1,
                                      .tls = is_secret ? current : NULL,
                                      .owner = b,
                                      .max_connections = max};
    assert_int_equal(grpc_listener_open(b->loop, &config, &b->listener), ERR_OK);
    grpc_listener_addr(b->listener, &b->at);
    assert_int_not_equal(b->at.port, 0);
}

static void close_bed(struct bed *b)
{
    if (b->listener)
        grpc_listener_close(b->listener);
    loop_destroy(b->loop);
}

static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct client *c = s->owner;
    assert_true(c->len + len < sizeof(c->got));
    memcpy(c->got + c->len, data, len);
    c->len += len;
    if (strstr(c->got, "all is well"))
        loop_stop(c->bed->loop);
}

static void on_eof(struct stream *s)
{
    struct client *c = s->owner;
    c->is_over = true;
    loop_stop(c->bed->loop);
}

static void on_fail(struct stream *s, enum err why)
{
    on_eof(s);
}

static void on_open(struct stream *s)
{
    stream_read_start(s);
}

static void call(struct bed *b, struct client *c, const char *text)
{
    static const struct stream_events events = {
        .on_open = on_open, .on_data = on_data, .on_eof = on_eof, .on_fail = on_fail};
    struct buf data;
    if (!c->stream) {
        *c = (struct client){.bed = b};
        c->stream = tcp_dial(b->loop, &b->at, NULL, &events, c);
    }
    buf_init(&data);
    buf_append(&data, text, strlen(text));
    stream_write(c->stream, &data);
    loop_run(b->loop);
}

static void test_probes(void **state)
{
    struct bed b;
    struct client c = {0};
    open_bed(&b, 2, false);
    call(&b, &c, PROBE);
    assert_non_null(strstr(c.got, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(c.got, "content-length: 11\r\n"));
    assert_int_equal(b.probes, 1);
    stream_close(c.stream);
    close_bed(&b);
}

/* Who is there keeps being served; who goes makes room. */
static void test_one_too_many(void **state)
{
    struct bed b;
    struct client first = {0}, second = {0};
    open_bed(&b, 1, false);
    call(&b, &first, PROBE);
    call(&b, &second, PROBE);
    assert_true(second.is_over);
    assert_int_equal(second.len, 0);
    stream_close(second.stream);
    memset(first.got, 0, sizeof first.got);
    first.len = 0;
    call(&b, &first, PROBE);
    assert_int_equal(b.probes, 2);
    stream_close(first.stream);
    do { /* until the listener has seen that it went */
        memset(&second, 0, sizeof second);
        call(&b, &second, PROBE);
        stream_close(second.stream);
    } while (second.is_over);
    assert_int_equal(b.probes, 3);
    close_bed(&b);
}

static void test_the_listener_closes(void **state)
{
    struct bed b;
    struct client c = {0};
    open_bed(&b, 1, false);
    call(&b, &c, PROBE);
    grpc_listener_close(b.listener);
    b.listener = NULL;
    loop_run(b.loop);
    assert_true(c.is_over);
    stream_close(c.stream);
    close_bed(&b);
}

static void test_strangers(void **state)
{
    struct bed b;
    struct client c = {0};
    struct pki pki;
    char why[TLS_DETAIL_MAX];
    pki_init(&pki);
    struct pki_leaf leaf = pki_svid(&pki, PKI_SERVER_ID);
    struct tls_mesh_config config = {.is_server = true,
                                     .cert_chain_pem = slice_from_cstr(leaf.chain),
                                     .key_pem = slice_from_cstr(leaf.key),
                                     .roots_pem = slice_from_cstr(pki.root),
                                     .trust_domain = SLICE(PKI_DOMAIN)};
    open_bed(&b, 1, true);
    assert_int_equal(tls_ctx_create_mesh(&config, &b.ctx, why), ERR_OK);
    for (int i = 0; i < 3; i++) { /* each leaves the place that it had */
        memset(&c, 0, sizeof c);
        call(&b, &c, PROBE);
        assert_true(c.is_over);
        assert_int_equal(b.probes, 0);
        stream_close(c.stream);
    }
    pki_leaf_dispose(&leaf);
    pki_dispose(&pki);
    grpc_listener_close(b.listener);
    b.listener = NULL;
    tls_ctx_unref(b.ctx);
    close_bed(&b);
}

static void test_the_port_is_taken(void **state)
{
    struct bed b;
    struct grpc_listener *other = NULL;
    open_bed(&b, 1, false);
    struct grpc_listener_config config = {.at = b.at, .service = &b.service, .max_connections = 1};
    assert_int_not_equal(grpc_listener_open(b.loop, &config, &other), ERR_OK);
    assert_null(other);
    close_bed(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probes),          cmocka_unit_test(test_one_too_many),
        cmocka_unit_test(test_the_listener_closes), cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_the_port_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
