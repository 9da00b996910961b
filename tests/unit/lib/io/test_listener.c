/* Tests of listeners: shared ports, address families, running out of descriptors, closing. One
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/io/timer.h"
#include "tests/unit/lib/io/cmocka_io.h"
#include "tests/unit/lib/io/probe.h"

enum { CLIENTS = 40 };

struct stream_listener {
    struct loop *loop;
    struct stream *in[CLIENTS];
    unsigned count, expected;
    bool close_listener;
};

static void take(struct listener *l, struct stream *accepted)
{
    struct stream_listener *d = listener_owner(l);
    d->in[d->count++] = accepted;
    if (d->close_listener)
        listener_close(l);
    if (d->count == d->expected)
        loop_stop(d->loop);
}

static void close_all(struct stream_listener *d)
{
    while (d->count)
        stream_close(d->in[--d->count]);
}

static void test_shared_port(void **state)
{
    struct stream_listener d = {.loop = loop_create(), .expected = CLIENTS};
    struct addr at = {.family = 4, .ip = {127, 0, 0, 1}};
    struct listener_options shared = {.reuse_port = true};
    struct listener *one, *two, *three;
    int fds[CLIENTS];
    assert_int_equal(listener_open(d.loop, &at, &shared, take, &d, &one), ERR_OK);
    listener_addr(one, &at);
    assert_int_equal(listener_open(d.loop, &at, &shared, take, &d, &two), ERR_OK);
    assert_int_equal(listener_open(d.loop, &at, NULL, take, &d, &three), ERR_ADDR_IN_USE);
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = raw_connect(&at);
    loop_run(d.loop);
    assert_int_equal(d.count, CLIENTS);
    close_all(&d);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    listener_close(one);
    listener_close(two);
    loop_destroy(d.loop);
}

/* A v6 listener that is open to both shows a v4 caller as v4; one that is not leaves v4 alone. */
static void test_families(void **state)
{
    struct stream_listener d = {.loop = loop_create(), .expected = 2};
    struct addr at = {.family = 6};
    struct listener *l, *v4;
    struct stream_info info;
    int trial = socket(AF_INET6, SOCK_STREAM, 0);
    if (trial < 0) {
        loop_destroy(d.loop);
        skip();
    }
    close(trial);
    assert_int_equal(listener_open(d.loop, &at, NULL, take, &d, &l), ERR_OK);
    listener_addr(l, &at);
    struct addr as_v4 = {.family = 4, .port = at.port, .ip = {127, 0, 0, 1}};
    struct addr as_v6 = {.family = 6, .port = at.port, .ip = {[15] = 1}};
    int a = raw_connect(&as_v4);
    int b = raw_connect(&as_v6);
    loop_run(d.loop);
    bool v4_seen = false, v6_seen = false;
    for (unsigned i = 0; i < 2; i++) {
        stream_info(d.in[i], &info);
        assert_true(addr_is_loopback(&info.peer));
        assert_int_equal(info.peer.family, info.local.family);
        v4_seen |= info.peer.family == 4;
        v6_seen |= info.peer.family == 6;
    }
    assert_true(v4_seen && v6_seen);
    close_all(&d);
    close(a);
    close(b);
    listener_close(l);

    /* The other family's port may belong to another program: then another one is tried. */
    struct listener_options only = {.ipv6_only = true};
    enum err e = ERR_ADDR_IN_USE;
    for (int tries = 0; e == ERR_ADDR_IN_USE && tries < 20; tries++) {
        at = (struct addr){.family = 6};
        assert_int_equal(listener_open(d.loop, &at, &only, take, &d, &l), ERR_OK);
        listener_addr(l, &at);
        as_v4 = (struct addr){.family = 4, .port = at.port};
        e = listener_open(d.loop, &as_v4, NULL, take, &d, &v4);
        if (e != ERR_OK)
            listener_close(l);
    }
    assert_int_equal(e, ERR_OK);
    listener_close(l);
    listener_close(v4);
    loop_destroy(d.loop);
}

static void test_no_delay(void **state)
{
    struct stream_listener d = {.loop = loop_create(), .expected = 1};
    struct addr at = {.family = 4, .ip = {127, 0, 0, 1}};
    struct listener *l;
    assert_int_equal(listener_open(d.loop, &at, NULL, take, &d, &l), ERR_OK);
    listener_addr(l, &at);
    int fd = raw_connect(&at);
    loop_run(d.loop);
    /* The only socket of this process whose peer is the client's own end. */
    struct sockaddr_storage mine, other;
    socklen_t len = sizeof(mine);
    getsockname(fd, (struct sockaddr *)&mine, &len);
    int on = 0, found = 0;
    for (int i = 3; i < 256; i++) {
        socklen_t n = sizeof(other);
        if (i == fd || getpeername(i, (struct sockaddr *)&other, &n) < 0 || n != len ||
            memcmp(&mine, &other, len) != 0)
            continue;
        n = sizeof(on);
        assert_int_equal(getsockopt(i, IPPROTO_TCP, TCP_NODELAY, &on, &n), 0);
        found++;
    }
    assert_int_equal(found, 1);
    assert_true(on);
    close_all(&d);
    close(fd);
    listener_close(l);
    loop_destroy(d.loop);
}

struct shortage {
    struct stream_listener listener;
    struct timer timer;
    struct rlimit normal;
};

static void relax(struct timer *t)
{
    struct shortage *s = container_of(t, struct shortage, timer);
    assert_int_equal(s->listener.count, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &s->normal), 0);
}

/* Without a free descriptor nothing is accepted and nobody is dropped; once there is one, all are.
 */
static void test_out_of_descriptors(void **state)
{
    struct shortage s = {.listener = {.loop = loop_create(), .expected = 5}};
    struct addr at = {.family = 4, .ip = {127, 0, 0, 1}};
    struct listener *l;
    int fds[5];
    assert_int_equal(listener_open(s.listener.loop, &at, NULL, take, &s.listener, &l), ERR_OK);
    listener_addr(l, &at);
    for (int i = 0; i < 5; i++)
        fds[i] = raw_connect(&at);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &s.normal), 0);
    int lowest_free = dup(fds[0]);
    close(lowest_free);
    struct rlimit tight = {(rlim_t)lowest_free, s.normal.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    timer_init(&s.timer, s.listener.loop, relax);
    timer_start(&s.timer, 30);
    log_threshold = LOG_ERROR;
    loop_run(s.listener.loop);
    log_threshold = LOG_INFO;
    assert_int_equal(s.listener.count, 5);
    close_all(&s.listener);
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    listener_close(l);
    loop_destroy(s.listener.loop);
}

/* As many times as `what` is in the text. */
static unsigned times(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        n++;
    return n;
}

static void shortage_begin(struct shortage *s, uint32_t ms)
{
    int lowest_free = dup(0);
    close(lowest_free);
    struct rlimit tight = {(rlim_t)lowest_free, s->normal.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    timer_start(&s->timer, ms);
}

/* However often it is tried in vain, it is said once, with what helps; after a connection that was
 * accepted the next shortage is news. */
static void test_a_shortage_is_told_once(void **state)
{
    struct shortage s = {.listener = {.loop = loop_create()}};
    struct addr at = {.family = 4, .ip = {127, 0, 0, 1}};
    struct listener *l;
    char text[4096];
    int told[2], saved = dup(2), fds[2];
    assert_int_equal(pipe(told), 0);
    assert_int_equal(listener_open(s.listener.loop, &at, NULL, take, &s.listener, &l), ERR_OK);
    listener_addr(l, &at);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &s.normal), 0);
    timer_init(&s.timer, s.listener.loop, relax);
    dup2(told[1], 2);
    for (int i = 0; i < 2; i++) {
        s.listener.count = 0;
        s.listener.expected = 1;
        fds[i] = raw_connect(&at);
        shortage_begin(&s, 450); /* a few tries, one every 100 ms */
        loop_run(s.listener.loop);
        assert_int_equal(s.listener.count, 1);
        close_all(&s.listener);
        close(fds[i]);
    }
    dup2(saved, 2);
    close(told[1]);
    ssize_t len = read(told[0], text, sizeof(text) - 1);
    text[len > 0 ? len : 0] = '\0';
    assert_int_equal(times(text, "cannot accept"), 2);
    assert_int_equal(times(text, "ulimit -n"), 2);
    close(saved);
    close(told[0]);
    listener_close(l);
    loop_destroy(s.listener.loop);
}

static void test_close_inside_accept(void **state)
{
    struct stream_listener d = {.loop = loop_create(), .expected = 1, .close_listener = true};
    struct addr at = {.family = 4, .ip = {127, 0, 0, 1}};
    struct listener *l;
    assert_int_equal(listener_open(d.loop, &at, NULL, take, &d, &l), ERR_OK);
    listener_addr(l, &at);
    int a = raw_connect(&at), b = raw_connect(&at);
    loop_run(d.loop);
    assert_int_equal(d.count, 1);
    close_all(&d);
    close(a);
    close(b);
    loop_destroy(d.loop);
}

static void test_refused_addresses(void **state)
{
    struct stream_listener d = {.loop = loop_create()};
    struct addr foreign = {.family = 4, .ip = {192, 0, 2, 1}};
    struct listener *l;
    assert_int_equal(listener_open(d.loop, &foreign, NULL, take, &d, &l), ERR_UNREACHABLE);
    loop_destroy(d.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared_port),
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_no_delay),
        cmocka_unit_test(test_out_of_descriptors),
        cmocka_unit_test(test_a_shortage_is_told_once),
        cmocka_unit_test(test_close_inside_accept),
        cmocka_unit_test(test_refused_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
