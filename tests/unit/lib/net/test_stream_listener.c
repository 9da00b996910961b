/* A listener whose roots change: connections that the new ones do not vouch for are closed, the
 * others are not. Over loopback. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/stream_listener.h"

#include <stdio.h>
#include <string.h>

#include "lib/io/loop.h"
#include "lib/io/tcp.h"
#include "lib/net/tls_stream.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"

enum { CLIENTS = 3 };

struct bed;

/* What serves a connection: nothing, but that it is known by its peer's identity. */
struct served {
    struct bed *bed;
    struct stream *stream;
    struct accepted *visit;
    char id[128];
};

struct bed {
    struct loop *loop;
    struct stream_listener *listener;
    struct tls_ctx *now, *later, *clients[CLIENTS];
    struct stream *dialled[CLIENTS];
    struct served served[CLIENTS];
    unsigned count, closed;
    struct loop_task task;
};

static struct pki pki, other;

static struct tls_ctx *current(void *owner)
{
    return ((struct bed *)owner)->now;
}

static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)s, (void)owner, (void)data, (void)len;
}

static void on_end(struct stream *s)
{
    (void)s;
}

static void on_fail(struct stream *s, enum err why)
{
    (void)s, (void)why;
}

static const struct stream_events quiet = {
    .on_open = on_end, .on_data = on_data, .on_eof = on_end, .on_fail = on_fail};

static void *serve(void *owner, struct stream *s, struct accepted *visit)
{
    struct bed *b = owner;
    struct served *to = &b->served[b->count++];
    struct stream_info info = {0};
    stream_info(s, &info);
    *to = (struct served){.bed = b, .stream = s, .visit = visit};
    snprintf(to->id, sizeof(to->id), "%.*s", SLICE_ARG(info.tls_peer->spiffe_id));
    stream_use(s, &quiet, to);
    if (b->count == CLIENTS)
        loop_run_soon(b->loop, &b->task);
    return to;
}

static void close_served(void *server)
{
    struct served *s = server;
    stream_close(s->stream);
    s->stream = NULL;
    s->bed->closed++;
    stream_listener_over(s->visit, ERR_OK, NULL);
}

/* Everybody is here. */
static void on_all_served(struct loop_task *task)
{
    struct bed *b = container_of(task, struct bed, task);
    stream_listener_review(b->listener);
    assert_int_equal(b->closed, 0);
    struct tls_ctx *before = b->now;
    b->now = b->later;
    stream_listener_review(b->listener);
    assert_int_equal(b->closed, 1);
    for (unsigned i = 0; i < CLIENTS; i++)
        assert_int_equal(b->served[i].stream == NULL, strcmp(b->served[i].id, PKI_SERVER_ID) == 0);
    tls_ctx_unref(before);
    stream_listener_close(b->listener);
    assert_int_equal(b->closed, CLIENTS);
    for (unsigned i = 0; i < CLIENTS; i++)
        stream_close(b->dialled[i]);
    loop_stop(b->loop);
}

static struct tls_ctx *make(const struct pki *p, const char *id, const char *roots, bool is_server)
{
    struct pki_leaf leaf = pki_svid(p, id);
    char why[TLS_DETAIL_MAX];
    struct tls_ctx *c;
    struct tls_mesh_config config = {.is_server = is_server,
                                     .cert_chain_pem = slice_from_cstr(leaf.chain),
                                     .key_pem = slice_from_cstr(leaf.key),
                                     .roots_pem = slice_from_cstr(roots),
                                     .trust_domain = SLICE(PKI_DOMAIN)};
    if (tls_ctx_create_mesh(&config, &c, why))
        fail_msg("%s", why);
    pki_leaf_dispose(&leaf);
    return c;
}

static void test_roots_change(void **state)
{
    struct bed b = {.loop = loop_create()};
    struct addr at;
    char *both = mem_printf("%s%s", pki.root, other.root);
    struct stream_listener_config config = {.at = {.family = 4, .ip = {127, 0, 0, 1}},
                                            .area = "test",
                                            .max_connections = CLIENTS,
                                            .tls = current,
                                            .serve = serve,
                                            .close = close_served,
                                            .owner = &b};
    loop_task_init(&b.task, on_all_served);
    b.now = make(&pki, PKI_SERVER_ID, both, true);
    b.later = make(&pki, PKI_SERVER_ID, pki.root, true);
    assert_int_equal(stream_listener_open(b.loop, &config, &b.listener), ERR_OK);
    stream_listener_addr(b.listener, &at);
    for (unsigned i = 0; i < CLIENTS; i++) {
        /* The odd one is of the other root. */
        b.clients[i] =
            make(i == 1 ? &other : &pki, i == 1 ? PKI_SERVER_ID : PKI_CLIENT_ID, pki.root, false);
        struct stream *s = tcp_dial(b.loop, &at, NULL, NULL, NULL);
        b.dialled[i] = tls_stream_create(s, b.clients[i], NULL, NULL, &quiet, &b);
    }
    loop_run(b.loop);
    for (unsigned i = 0; i < CLIENTS; i++)
        tls_ctx_unref(b.clients[i]);
    tls_ctx_unref(b.later);
    loop_destroy(b.loop);
    mem_free(both);
}

static int set_up(void **state)
{
    pki_init(&pki);
    pki_init(&other);
    return 0;
}

static int tear_down(void **state)
{
    pki_dispose(&pki);
    pki_dispose(&other);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_roots_change)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
