/* Tests of the end of TCP streams: closing from inside every callback, and closes that flush
 * first. One thread; raw sockets of the same thread play the peer where order matters.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/loop_priv.h"
#include "lib/io/tcp_priv.h"
#include "lib/io/thread.h"
#include "lib/io/timer.h"
#include "tests/unit/lib/io/cmocka_io.h"
#include "tests/unit/lib/io/probe.h"

enum { BIG = 8 * 1024 * 1024 };

static char big[BIG];

struct closing {
    struct probe client, server;
    enum event at;
    bool flush;
    bool done;
};

/* The server's behaviour that brings the client to the wanted event. */
static void provoke(struct probe *p, enum event what)
{
    struct closing *c = p->more;
    if (what != EVENT_OPEN)
        return;
    if (c->at == EVENT_DATA) {
        probe_write(p, "data", 4);
    } else if (c->at == EVENT_EOF) {
        probe_shutdown(p);
    } else if (c->at == EVENT_FAIL) {
        stream_close_reset(p->stream);
        p->stream = NULL;
    }
}

static void close_there(struct probe *p, enum event what)
{
    struct closing *c = p->more;
    if (what == EVENT_OPEN && c->at != EVENT_OPEN) {
        probe_read(p, true);
        if (c->at == EVENT_DRAIN)
            probe_write(p, big, sizeof(big));
    }
    if (what != c->at)
        return;
    probe_close(p, c->flush);
    c->done = true;
    loop_stop(p->loop);
}

static void test_close_in_each_callback(void **state)
{
    static const enum event all[] = {EVENT_OPEN, EVENT_DATA, EVENT_EOF, EVENT_DRAIN, EVENT_FAIL};
    for (size_t i = 0; i < 2 * sizeof(all) / sizeof(all[0]); i++) {
        struct loop *l = loop_create();
        struct addr at;
        struct closing c = {.at = all[i / 2], .flush = i % 2};
        probe_init(&c.client, l);
        probe_init(&c.server, l);
        c.client.more = c.server.more = &c;
        c.client.hook = close_there;
        c.server.hook = provoke;
        struct listener *listener = probe_listen(l, &c.server, &at);
        probe_dial(&c.client, &at, NULL);
        loop_run(l);
        assert_true(c.done);
        listener_close(listener);
        probe_dispose(&c.client);
        probe_dispose(&c.server);
        loop_destroy(l);
    }
}

static void test_close_right_after_dial(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    struct addr at;
    int listener = raw_listen(&at, 5);
    for (int i = 0; i < 2; i++) {
        probe_init(&p, l);
        probe_dial(&p, &at, NULL);
        probe_close(&p, i == 1);
        probe_dispose(&p);
    }
    loop_stop(l);
    loop_run(l);
    close(listener);
    loop_destroy(l);
}

static int connect_pair(struct loop *l, struct probe *p)
{
    struct addr at;
    int listener = raw_listen(&at, 5);
    probe_init(p, l);
    p->hook = probe_stop_on_open;
    probe_dial(p, &at, NULL);
    loop_run(l);
    p->hook = NULL;
    int fd = raw_accept(listener);
    close(listener);
    return fd;
}

struct reader {
    int fd;
    long got;
    char *data;
};

static void read_slowly(void *arg)
{
    struct reader *r = arg;
    r->data = mem_alloc(BIG + 1);
    r->got = raw_receive_all(r->fd, r->data, BIG + 1);
    close(r->fd);
}

/* What is queued outlives the user's pointer, and loop_run does not return before it is out. */
static void test_flush_delivers_everything(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    struct reader r = {.fd = connect_pair(l, &p)};
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)(i % 251);
    probe_write(&p, big, BIG);
    assert_true(stream_queued(p.stream) > 0);
    probe_close(&p, true);
    struct thread *t = thread_start("reader", read_slowly, &r);
    loop_stop(l);
    loop_run(l);
    thread_join(t);
    assert_int_equal(r.got, BIG);
    assert_memory_equal(r.data, big, BIG);
    mem_free(r.data);
    probe_dispose(&p);
    loop_destroy(l);
}

static void test_flush_while_dialling(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    struct addr at;
    char got[16];
    int listener = raw_listen(&at, 5);
    probe_init(&p, l);
    probe_dial(&p, &at, NULL);
    probe_write(&p, "late", 4);
    probe_close(&p, true);
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, -1), 1);
    int fd = raw_accept(listener);
    /* Our end must be seen closing only after the bytes. */
    shutdown(fd, SHUT_WR);
    loop_stop(l);
    loop_run(l);
    assert_int_equal(raw_receive_all(fd, got, sizeof(got)), 4);
    assert_memory_equal(got, "late", 4);
    close(fd);
    close(listener);
    probe_dispose(&p);
    loop_destroy(l);
}

static void send_all(void *arg)
{
    struct reader *r = arg;
    char reply[64] = "";
    size_t sent = 0;
    while (sent < BIG) {
        ssize_t n = send(r->fd, big + sent, BIG - sent, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    shutdown(r->fd, SHUT_WR);
    r->got = raw_receive_all(r->fd, reply, sizeof(reply));
    r->data = mem_strndup(reply, 5);
    close(r->fd);
}

static void refuse(struct probe *p, enum event what)
{
    if (what != EVENT_DATA)
        return;
    probe_write(p, "limit", 5);
    probe_close(p, true);
    loop_stop(p->loop);
}

/* An early refusal reaches a peer that is still sending: its bytes are read and dropped, because a
 * reset could overtake the reply. */
static void test_refusal_is_not_lost_to_a_reset(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    struct reader r = {.fd = connect_pair(l, &p)};
    p.hook = refuse;
    probe_read(&p, true);
    struct thread *t = thread_start("sender", send_all, &r);
    loop_run(l);
    thread_join(t);
    assert_int_equal(r.got, 5);
    assert_string_equal(r.data, "limit");
    mem_free(r.data);
    probe_dispose(&p);
    loop_destroy(l);
}

static void read_after_a_while(void *arg)
{
    struct reader *r = arg;
    static char piece[262144];
    ssize_t n;
    do {
        n = recv(r->fd, piece, sizeof(piece), 0);
        r->got += n > 0 ? n : 0;
        if (r->got < BIG / 2)
            poll(NULL, 0, 180);
    } while (n > 0);
    if (n < 0)
        r->got = -errno;
    close(r->fd);
}

struct slow_reader {
    struct reader reader;
    struct loop *loop;
    struct timer timer;
    struct thread *thread;
};

static void stop_when_read(struct timer *timer)
{
    struct slow_reader *s = container_of(timer, struct slow_reader, timer);
    if (s->loop->lingering)
        timer_start(timer, 10);
    else
        loop_stop(s->loop);
}

/* Longer than an idle peer is waited for, but it always takes something. */
static void test_flush_waits_for_a_slow_reader(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    struct slow_reader s = {.loop = l, .reader = {.fd = connect_pair(l, &p)}};
    probe_write(&p, big, BIG);
    probe_close(&p, true);
    timer_init(&s.timer, l, stop_when_read);
    timer_start(&s.timer, 10);
    s.thread = thread_start("reader", read_after_a_while, &s.reader);
    loop_run(l);
    thread_join(s.thread);
    assert_int_equal(s.reader.got, BIG);
    probe_dispose(&p);
    loop_destroy(l);
}

/* What was not sent by the end of the loop is not passed off as a regular end. */
static void test_cut_flush_is_a_reset(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    struct reader r = {.fd = connect_pair(l, &p)};
    probe_write(&p, big, BIG);
    probe_close(&p, true);
    loop_stop(l);
    loop_run(l);
    r.data = mem_alloc(BIG + 1);
    assert_int_equal(raw_receive_all(r.fd, r.data, BIG + 1), -ECONNRESET);
    mem_free(r.data);
    close(r.fd);
    probe_dispose(&p);
    loop_destroy(l);
}

/* A peer that never reads and never closes cannot hold a flushing close for ever. */
static void test_flush_is_bounded(void **state)
{
    struct loop *l = loop_create();
    struct probe p, idle;
    int fd = connect_pair(l, &p);
    int idle_fd = connect_pair(l, &idle);
    probe_write(&p, big, BIG);
    probe_close(&p, true);
    probe_close(&idle, true);
    loop_stop(l);
    loop_run(l);
    close(fd);
    close(idle_fd);
    probe_dispose(&p);
    probe_dispose(&idle);
    loop_destroy(l);
}

static void test_flush_after_shutdown_and_eof(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    char got[8];
    int fd = connect_pair(l, &p);
    probe_read(&p, true);
    p.hook = probe_stop_on_eof_or_fail;
    shutdown(fd, SHUT_WR);
    loop_run(l);
    probe_write(&p, "bye", 3);
    probe_shutdown(&p);
    probe_close(&p, true);
    loop_stop(l);
    loop_run(l);
    assert_int_equal(raw_receive_all(fd, got, sizeof(got)), 3);
    close(fd);
    probe_dispose(&p);
    loop_destroy(l);
}

/* What is no socket is closed, not lost: whoever accepted it has given it away. */
static void test_what_cannot_be_accepted(void **state)
{
    struct loop *l = loop_create();
    int fd = open("/", O_PATH | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_null(tcp_accept(l, fd, NULL));
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    loop_stop(l);
    loop_run(l);
    loop_destroy(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close_in_each_callback),
        cmocka_unit_test(test_close_right_after_dial),
        cmocka_unit_test(test_flush_delivers_everything),
        cmocka_unit_test(test_flush_while_dialling),
        cmocka_unit_test(test_refusal_is_not_lost_to_a_reset),
        cmocka_unit_test(test_flush_waits_for_a_slow_reader),
        cmocka_unit_test(test_cut_flush_is_a_reset),
        cmocka_unit_test(test_flush_is_bounded),
        cmocka_unit_test(test_flush_after_shutdown_and_eof),
        cmocka_unit_test(test_what_cannot_be_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
