/* Tests of UDP sockets: both families, batches, the address that an answer comes from, sizes,
 * refusals, closing from inside. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/udp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "tests/unit/lib/io/cmocka_io.h"

enum { MANY = 40 };

/* What a socket received. */
struct inbox {
    struct loop *loop;
    struct udp *socket;
    unsigned count, expected, calls, largest;
    struct udp_datagram last;
    size_t lens[MANY];
    enum err failed;
    bool closes, echoes;
};

static void finish(struct inbox *in)
{
    if (in->closes)
        udp_close(in->socket);
    if (in->count >= in->expected || in->failed)
        loop_stop(in->loop);
}

static void on_datagrams(struct udp *u, struct udp_datagram *d, size_t count)
{
    struct inbox *in = udp_owner(u);
    enum err why;
    in->calls++;
    in->largest = count > in->largest ? (unsigned)count : in->largest;
    for (size_t i = 0; i < count && in->count < MANY; i++)
        in->lens[in->count++] = d[i].len;
    in->last = d[count - 1];
    if (in->echoes)
        assert_int_equal(udp_send(u, d, count, &why), count);
    finish(in);
}

static void on_fail(struct udp *u, enum err why)
{
    struct inbox *in = udp_owner(u);
    in->failed = why;
    finish(in);
}

static const struct udp_events events = {.on_datagrams = on_datagrams, .on_fail = on_fail};

static struct addr bind_at(struct inbox *in, const char *ip)
{
    struct addr at;
    struct udp_options options = {.reuse_port = true};
    assert_int_equal(addr_parse(slice_from_cstr(ip), &at), ERR_OK);
    assert_int_equal(udp_bind(in->loop, &at, &options, &events, in, &in->socket), ERR_OK);
    udp_addr(in->socket, &at);
    assert_int_not_equal(at.port, 0);
    return at;
}

static void connect_to(struct inbox *in, const struct addr *to)
{
    assert_int_equal(udp_connect(in->loop, to, &events, in, &in->socket), ERR_OK);
}

static void send_text(struct inbox *from, const char *text)
{
    enum err why;
    struct udp_datagram d = {.data = (const uint8_t *)text, .len = strlen(text)};
    assert_int_equal(udp_send(from->socket, &d, 1, &why), 1);
    assert_int_equal(why, ERR_OK);
}

static void close_both(struct inbox *a, struct inbox *b)
{
    udp_close(a->socket);
    udp_close(b->socket);
    loop_destroy(a->loop);
}

/* A server at all addresses answers from the one that was written to: the client's socket is
 * connected to it and hears nobody else. For IPv4 over a socket of both families too. */
static void test_answers_come_from_where_they_were_asked(void **state)
{
    static const char *const cases[][2] = {{"0.0.0.0", "127.0.0.1"},   {"0.0.0.0", "127.7.7.7"},
                                           {"::", "127.7.7.7"},        {"::", "::1"},
                                           {"127.0.0.9", "127.0.0.9"}, {"::1", "::1"}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct loop *loop = loop_create();
        struct inbox server = {.loop = loop, .echoes = true, .expected = MANY};
        struct inbox client = {.loop = loop, .expected = 1};
        struct addr at = bind_at(&server, cases[i][0]), to, own;
        assert_int_equal(addr_parse(slice_from_cstr(cases[i][1]), &to), ERR_OK);
        to.port = at.port;
        connect_to(&client, &to);
        send_text(&client, "hello");
        loop_run(loop);
        assert_int_equal(client.count, 1);
        assert_int_equal(client.lens[0], 5);
        udp_addr(client.socket, &own);
        assert_true(addr_eq(&server.last.peer, &own));
        if (addr_is_any(&at))
            assert_true(addr_eq_ip(&server.last.local, &to));
        close_both(&server, &client);
    }
}

/* More than a batch, in one call; what was sent together is received together. */
static void test_batches(void **state)
{
    struct loop *loop = loop_create();
    struct inbox server = {.loop = loop, .expected = MANY}, client = {.loop = loop};
    struct addr at = bind_at(&server, "127.0.0.1");
    struct udp_datagram d[MANY];
    enum err why;
    connect_to(&client, &at);
    for (unsigned i = 0; i < MANY; i++)
        d[i] = (struct udp_datagram){.data = (const uint8_t *)"0123456789", .len = i % 11};
    assert_int_equal(udp_send(client.socket, d, MANY, &why), MANY);
    loop_run(loop);
    assert_int_equal(server.count, MANY);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(server.lens[i], i % 11);
    assert_int_equal(server.largest, UDP_BATCH);
    close_both(&server, &client);
}

/* The largest of IPv4 (65535 without the headers), and what is too large, which leaves the others
 * alone. */
static void test_sizes(void **state)
{
    enum { LARGEST = 65507 };
    struct loop *loop = loop_create();
    struct inbox server = {.loop = loop, .expected = 2}, client = {.loop = loop};
    struct addr at = bind_at(&server, "127.0.0.1");
    uint8_t *data = mem_zalloc(UDP_DATAGRAM_MAX);
    struct udp_datagram d[] = {
        {.data = data, .len = LARGEST}, {.data = data, .len = LARGEST + 1}, {.data = data}};
    enum err why;
    connect_to(&client, &at);
    assert_int_equal(udp_send(client.socket, d, 3, &why), 2);
    assert_int_equal(why, ERR_LIMIT);
    loop_run(loop);
    assert_int_equal(server.count, 2);
    assert_int_equal(server.lens[0], LARGEST);
    assert_int_equal(server.lens[1], 0);
    mem_free(data);
    close_both(&server, &client);
}

/* Nobody listens at the port: its system says so, and the socket goes on. */
static void test_refused(void **state)
{
    struct loop *loop = loop_create();
    struct inbox server = {.loop = loop, .expected = MANY, .echoes = true};
    struct inbox client = {.loop = loop, .expected = 1};
    struct addr at = bind_at(&server, "127.0.0.1");
    udp_close(server.socket);
    connect_to(&client, &at);
    send_text(&client, "x");
    loop_run(loop);
    assert_int_equal(client.failed, ERR_REFUSED);
    client.failed = ERR_OK;
    struct udp_options shared = {.reuse_port = true};
    assert_int_equal(udp_bind(loop, &at, &shared, &events, &server, &server.socket), ERR_OK);
    send_text(&client, "y");
    loop_run(loop);
    assert_int_equal(client.count, 1);
    close_both(&server, &client);
}

/* Told while sending: the datagram is sent all the same. */
static void test_refused_while_sending(void **state)
{
    struct loop *loop = loop_create();
    struct inbox server = {.loop = loop}, client = {.loop = loop};
    struct addr at = bind_at(&server, "127.0.0.1");
    struct udp_datagram d = {.data = (const uint8_t *)"x", .len = 1};
    enum err why;
    udp_close(server.socket);
    connect_to(&client, &at);
    send_text(&client, "x");
    assert_int_equal(udp_send(client.socket, &d, 1, &why), 1);
    assert_int_equal(why, ERR_REFUSED);
    close_both(&client, &client);
}

/* Whoever is connected hears its peer alone. */
static void test_strangers_are_not_heard(void **state)
{
    struct loop *loop = loop_create();
    struct inbox server = {.loop = loop, .expected = MANY, .echoes = true};
    struct inbox client = {.loop = loop, .expected = 1}, stranger = {.loop = loop};
    struct addr at = bind_at(&server, "127.0.0.1"), own;
    connect_to(&client, &at);
    udp_addr(client.socket, &own);
    connect_to(&stranger, &own);
    send_text(&stranger, "from a stranger");
    loop_run(loop);
    assert_int_equal(stranger.failed, ERR_REFUSED);
    send_text(&client, "x");
    loop_run(loop);
    assert_int_equal(client.count, 1);
    assert_int_equal(client.lens[0], 1);
    udp_close(stranger.socket);
    close_both(&server, &client);
}

/* Several sockets for one port, as each worker has one; without the option nobody else gets it. */
static void test_shared_port(void **state)
{
    struct loop *loop = loop_create();
    struct inbox one = {.loop = loop}, two = {.loop = loop}, three = {.loop = loop};
    struct addr at = bind_at(&one, "127.0.0.1");
    struct udp_options shared = {.reuse_port = true};
    assert_int_equal(udp_bind(loop, &at, &shared, &events, &two, &two.socket), ERR_OK);
    assert_int_equal(udp_bind(loop, &at, NULL, &events, &three, &three.socket), ERR_ADDR_IN_USE);
    close_both(&one, &two);
}

/* In its own callback, with more to come: nothing more does. */
static void test_closing_inside(void **state)
{
    struct loop *loop = loop_create();
    struct inbox server = {.loop = loop, .expected = 1, .closes = true}, client = {.loop = loop};
    struct addr at = bind_at(&server, "127.0.0.1");
    connect_to(&client, &at);
    for (unsigned i = 0; i < MANY; i++)
        send_text(&client, "x");
    loop_run(loop);
    assert_int_equal(server.calls, 1);
    assert_int_equal(server.failed, ERR_OK);
    udp_close(client.socket); /* the server's is gone */
    loop_destroy(loop);
}

static void test_addresses_that_are_none(void **state)
{
    struct loop *loop = loop_create();
    struct inbox in = {.loop = loop};
    struct addr none = {0};
    assert_int_equal(udp_bind(loop, &none, NULL, &events, &in, &in.socket), ERR_INVALID);
    assert_int_equal(udp_connect(loop, &none, &events, &in, &in.socket), ERR_INVALID);
    loop_destroy(loop);
}

/* Once it is warm, receiving and sending takes nothing from the system's allocator. */
static void test_steady(void **state)
{
    struct loop *loop = loop_create();
    struct inbox server = {.loop = loop, .echoes = true, .expected = MANY};
    struct inbox client = {.loop = loop, .expected = 1};
    struct addr at = bind_at(&server, "127.0.0.1");
    uint64_t before = 0;
    connect_to(&client, &at);
    for (unsigned i = 0; i < 100; i++) {
        before = i == 10 ? mem_fresh_count() : before;
        client.count = server.count = 0;
        send_text(&client, "x");
        loop_run(loop);
    }
    assert_int_equal(mem_fresh_count(), before);
    close_both(&server, &client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_come_from_where_they_were_asked),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_refused_while_sending),
        cmocka_unit_test(test_strangers_are_not_heard),
        cmocka_unit_test(test_shared_port),
        cmocka_unit_test(test_closing_inside),
        cmocka_unit_test(test_addresses_that_are_none),
        cmocka_unit_test(test_steady),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
