/* Tests of what is set so that a vanished peer is found out, on every kind of socket, and that a
 * peer that only does not read is left alone. One thread. (Packets that get lost: see
 * tests/e2e/test_vanished.py.) SPDX-License-Identifier: GPL-3.0-or-later */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/io/loop_priv.h"
#include "lib/io/tcp_priv.h"
#include "tests/unit/lib/io/cmocka_io.h"
#include "tests/unit/lib/io/probe.h"

static int option(struct stream *s, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(tcp_fd(tcp_of(s)), level, name, &value, &len), 0);
    return value;
}

static void expect(struct stream *s, int time_s, int interval_s, int probes)
{
    assert_int_equal(option(s, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(s, IPPROTO_TCP, TCP_KEEPIDLE), time_s);
    assert_int_equal(option(s, IPPROTO_TCP, TCP_KEEPINTVL), interval_s);
    assert_int_equal(option(s, IPPROTO_TCP, TCP_KEEPCNT), probes);
    assert_int_equal(tcp_of(s)->patience_ms, (time_s + interval_s * probes) * 1000);
}

/* Stops when both ends are there. */
static void stop_when_accepted(struct probe *p, enum event what)
{
    (void)what;
    if (p->more && ((struct probe *)p->more)->stream)
        loop_stop(p->loop);
}

struct pair {
    struct loop *l;
    struct probe client, server;
    struct listener *listener;
};

static void connect_pair(struct pair *p, const struct tcp_dial_options *options)
{
    struct addr at;
    p->l = loop_create();
    probe_init(&p->client, p->l);
    probe_init(&p->server, p->l);
    p->listener = probe_listen(p->l, &p->server, &at);
    p->server.hook = stop_when_accepted;
    p->server.more = &p->server;
    probe_dial(&p->client, &at, options);
    probe_write(&p->client, "x", 1);
    loop_run(p->l);
    assert_non_null(p->server.stream);
}

static void close_pair(struct pair *p)
{
    probe_dispose(&p->client);
    probe_dispose(&p->server);
    listener_close(p->listener);
    loop_destroy(p->l);
}

static void test_defaults(void **state)
{
    struct pair p;
    connect_pair(&p, NULL);
    expect(p.client.stream, 30, 10, 3);
    expect(p.server.stream, 30, 10, 3);
    close_pair(&p);
}

static void test_settings(void **state)
{
    static const struct tcp_keepalive some = {.time_s = 5, .interval_s = 2, .probes = 4},
                                      part = {.probes = 7};
    struct tcp_dial_options options = {.keepalive = some};
    struct pair p;
    connect_pair(&p, &options);
    expect(p.client.stream, 5, 2, 4);
    tcp_set_keepalive(p.server.stream, &part);
    expect(p.server.stream, 30, 10, 7);
    close_pair(&p);
}

/* Who has sent and heard nothing since is looked at. */
static void test_who_is_looked_at(void **state)
{
    struct pair p;
    connect_pair(&p, NULL);
    assert_true(tcp_of(p.client.stream)->owes_ack);
    assert_false(tcp_of(p.server.stream)->owes_ack);
    assert_false(list_is_empty(&p.l->tcps));
    close_pair(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_who_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
