/* Tests of TCP streams over loopback: data both ways, back-pressure, half-close, failures, and
 * what is known about a connection. One thread; raw sockets of the same thread play the peer where
 * order matters.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "tests/unit/lib/io/cmocka_io.h"
#include "tests/unit/lib/io/probe.h"

enum { TOTAL = 24 * 1024 * 1024, HIGH = 512 * 1024 };

struct transfer {
    struct probe client, server;
    size_t sent, received;
    size_t high; /* most that was ever queued at the server */
};

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 2654435761u >> 13);
}

static void send_more(struct transfer *t)
{
    uint8_t piece[30000];
    while (t->sent < TOTAL && stream_queued(t->client.stream) < HIGH) {
        size_t n = TOTAL - t->sent < sizeof(piece) ? TOTAL - t->sent : sizeof(piece);
        for (size_t i = 0; i < n; i++)
            piece[i] = byte_at(t->sent + i);
        probe_write(&t->client, piece, n);
        t->sent += n;
        if (t->sent == TOTAL)
            probe_shutdown(&t->client);
    }
}

static void check_received(struct transfer *t)
{
    struct slice s;
    while ((s = buf_front(&t->client.got)).len) {
        for (size_t i = 0; i < s.len; i++) {
            if ((uint8_t)s.ptr[i] != byte_at(t->received + i))
                fail_msg("wrong byte at %zu", t->received + i);
        }
        t->received += s.len;
        buf_drain(&t->client.got, s.len);
    }
}

static void on_client(struct probe *p, enum event what)
{
    struct transfer *t = p->more;
    if (what == EVENT_OPEN) {
        probe_read(p, true);
        send_more(t);
    } else if (what == EVENT_DRAIN) {
        send_more(t);
    } else if (what == EVENT_DATA) {
        check_received(t);
    } else {
        loop_stop(p->loop);
    }
}

static void on_echo(struct probe *p, enum event what)
{
    struct transfer *t = p->more;
    if (what == EVENT_DATA) {
        p->in_call = true;
        stream_write(p->stream, &p->got);
        p->in_call = false;
        size_t queued = stream_queued(p->stream);
        t->high = queued > t->high ? queued : t->high;
        if (queued > HIGH)
            probe_read(p, false);
    } else if (what == EVENT_DRAIN) {
        probe_read(p, true);
    } else if (what == EVENT_EOF) {
        probe_shutdown(p);
    }
}

static void test_echo_with_back_pressure(void **state)
{
    struct loop *l = loop_create();
    struct addr at;
    struct transfer *t = mem_zalloc(sizeof(*t));
    probe_init(&t->client, l);
    probe_init(&t->server, l);
    t->client.more = t->server.more = t;
    t->client.hook = on_client;
    t->server.hook = on_echo;
    struct listener *listener = probe_listen(l, &t->server, &at);
    probe_dial(&t->client, &at, NULL);
    loop_run(l);
    assert_int_equal(t->client.count[EVENT_FAIL], 0);
    assert_int_equal(t->client.count[EVENT_EOF], 1);
    assert_int_equal(t->server.count[EVENT_EOF], 1);
    assert_int_equal(t->received, TOTAL);
    assert_true(t->client.count[EVENT_DRAIN] > 0);
    assert_true(t->high <= HIGH + 65536);
    listener_close(listener);
    probe_dispose(&t->client);
    probe_dispose(&t->server);
    loop_destroy(l);
    mem_free(t);
}

static void answer_at_eof(struct probe *p, enum event what)
{
    if (what != EVENT_EOF)
        return;
    assert_true(probe_got(p, "question"));
    probe_write(p, "answer", 6);
    probe_close(p, true);
}

static void ask(struct probe *p, enum event what)
{
    if (what == EVENT_OPEN) {
        probe_write(p, "question", 8);
        probe_shutdown(p);
        probe_write(p, "dropped", 7);
        probe_read(p, true);
    }
    probe_stop_on_eof_or_fail(p, what);
}

static void test_half_close(void **state)
{
    struct loop *l = loop_create();
    struct probe client, server;
    struct addr at;
    probe_init(&client, l);
    probe_init(&server, l);
    client.hook = ask;
    server.hook = answer_at_eof;
    struct listener *listener = probe_listen(l, &server, &at);
    probe_dial(&client, &at, NULL);
    loop_run(l);
    assert_true(probe_got(&client, "answer"));
    assert_int_equal(client.count[EVENT_EOF], 1);
    listener_close(listener);
    probe_dispose(&client);
    probe_dispose(&server);
    loop_destroy(l);
}

/* A connected stream and the raw socket at its other end. */
static int connect_pair(struct loop *l, struct probe *p)
{
    struct addr at;
    int listener = raw_listen(&at, 5);
    probe_init(p, l);
    p->hook = probe_stop_on_open;
    probe_dial(p, &at, NULL);
    loop_run(l);
    assert_int_equal(p->count[EVENT_OPEN], 1);
    p->hook = NULL;
    int fd = raw_accept(listener);
    close(listener);
    return fd;
}

static void stop_loop(struct timer *t)
{
    loop_stop(t->loop);
}

/* Lets the loop see whatever is there. */
static void run_for(struct loop *l, uint64_t ms)
{
    struct timer t;
    timer_init(&t, l, stop_loop);
    timer_start(&t, ms);
    loop_run(l);
}

static void test_read_stop_leaves_data_in_the_kernel(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    int fd = connect_pair(l, &p);
    raw_send(fd, "one");
    run_for(l, 20);
    assert_int_equal(p.count[EVENT_DATA], 0);
    probe_read(&p, true);
    probe_read(&p, true);
    run_for(l, 20);
    assert_true(probe_got(&p, "one"));
    probe_read(&p, false);
    probe_read(&p, false);
    raw_send(fd, "two");
    run_for(l, 20);
    assert_true(probe_got(&p, "one"));
    probe_read(&p, true);
    probe_read(&p, false);
    probe_read(&p, true);
    run_for(l, 20);
    assert_true(probe_got(&p, "onetwo"));
    /* The end of the stream waits for the reader as well. */
    probe_read(&p, false);
    close(fd);
    run_for(l, 20);
    assert_int_equal(p.count[EVENT_EOF], 0);
    p.hook = probe_stop_on_eof_or_fail;
    probe_read(&p, true);
    loop_run(l);
    assert_int_equal(p.count[EVENT_EOF], 1);
    /* And comes only once. */
    probe_read(&p, false);
    probe_read(&p, true);
    run_for(l, 20);
    probe_dispose(&p);
    loop_destroy(l);
}

enum { READ_ROOM = 65536 };

static void stop_when_full(struct probe *p, enum event what)
{
    if (what != EVENT_DATA || p->got.len >= READ_ROOM)
        loop_stop(p->loop);
}

/* What fills the room to read into to its last byte is data, and there is nothing behind it. */
static void test_exactly_as_much_as_is_read_at_once(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    static char text[READ_ROOM];
    int fd = connect_pair(l, &p);
    memset(text, 'x', sizeof(text));
    for (size_t at = 0; at < sizeof(text);) {
        ssize_t n = write(fd, text + at, sizeof(text) - at);
        assert_true(n > 0);
        at += (size_t)n;
    }
    p.hook = stop_when_full;
    probe_read(&p, true);
    loop_run(l);
    assert_int_equal(p.got.len, READ_ROOM);
    assert_int_equal(p.count[EVENT_EOF] + p.count[EVENT_FAIL], 0);
    close(fd);
    p.hook = probe_stop_on_eof_or_fail;
    loop_run(l);
    assert_int_equal(p.count[EVENT_EOF], 1);
    probe_dispose(&p);
    loop_destroy(l);
}

static void test_peer_resets(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    int fd = connect_pair(l, &p);
    probe_read(&p, true);
    raw_reset(fd);
    p.hook = probe_stop_on_eof_or_fail;
    loop_run(l);
    assert_int_equal(p.count[EVENT_FAIL], 1);
    assert_int_equal(p.why, ERR_RESET);
    assert_string_not_equal(p.detail, "");
    /* Dead, but still the user's: calls do nothing. */
    probe_write(&p, "x", 1);
    probe_shutdown(&p);
    probe_read(&p, false);
    probe_read(&p, true);
    assert_int_equal(stream_queued(p.stream), 0);
    run_for(l, 10);
    probe_close(&p, true);
    probe_dispose(&p);
    loop_destroy(l);
}

/* Also when nothing is written to it, and nothing can be read from it any more. */
static void test_half_closed_peer_resets(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    int fd = connect_pair(l, &p);
    probe_read(&p, true);
    shutdown(fd, SHUT_WR);
    p.hook = probe_stop_on_eof_or_fail;
    loop_run(l);
    assert_int_equal(p.count[EVENT_EOF], 1);
    raw_reset(fd);
    loop_run(l);
    assert_int_equal(p.count[EVENT_FAIL], 1);
    assert_int_equal(p.count[EVENT_EOF], 1);
    probe_dispose(&p);
    loop_destroy(l);
}

/* What was sent before a reset arrives; the reset is no regular end. */
static void test_peer_sends_and_resets(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    int fd = connect_pair(l, &p);
    probe_read(&p, true);
    raw_send(fd, "half of it");
    raw_reset(fd);
    p.hook = probe_stop_on_eof_or_fail;
    loop_run(l);
    assert_true(probe_got(&p, "half of it"));
    assert_int_equal(p.count[EVENT_EOF], 0);
    assert_int_equal(p.count[EVENT_FAIL], 1);
    assert_int_equal(p.why, ERR_RESET);
    probe_dispose(&p);
    loop_destroy(l);
}

/* The peer answered and then reset, and our write is what finds out: the answer comes first, then
 * the failure, neither from inside the write. */
static void test_answer_before_write_failure(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    int fd = connect_pair(l, &p);
    raw_send(fd, "too large");
    raw_reset(fd);
    p.hook = probe_stop_on_eof_or_fail;
    probe_read(&p, true);
    probe_write(&p, "body", 4);
    probe_write(&p, "body", 4);
    assert_int_equal(p.count[EVENT_DATA] + p.count[EVENT_FAIL], 0);
    loop_run(l);
    assert_true(probe_got(&p, "too large"));
    assert_int_equal(p.count[EVENT_FAIL], 1);
    assert_true(p.why == ERR_BROKEN_PIPE || p.why == ERR_RESET);
    probe_dispose(&p);
    loop_destroy(l);
}

static void test_closed_before_the_failure_is_told(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    int fd = connect_pair(l, &p);
    raw_reset(fd);
    probe_write(&p, "body", 4);
    probe_close(&p, false);
    run_for(l, 20);
    assert_int_equal(p.count[EVENT_FAIL], 0);
    probe_dispose(&p);
    loop_destroy(l);
}

static void test_info_and_stale(void **state)
{
    struct loop *l = loop_create();
    struct probe client, server;
    struct addr at;
    struct stream_info a, b;
    probe_init(&client, l);
    probe_init(&server, l);
    server.hook = probe_stop_on_open;
    struct listener *listener = probe_listen(l, &server, &at);
    probe_dial(&client, &at, NULL);
    loop_run(l);
    run_for(l, 5);
    stream_info(client.stream, &a);
    stream_info(server.stream, &b);
    assert_true(addr_eq(&a.peer, &at));
    assert_true(addr_eq(&b.local, &at));
    assert_true(addr_eq(&a.local, &b.peer));
    assert_false(a.is_tls);
    assert_null(a.fail_detail);

    probe_read(&server, false);
    assert_false(tcp_is_stale(server.stream));
    assert_false(tcp_is_stale(client.stream));
    probe_write(&client, "?", 1);
    assert_true(tcp_is_stale(server.stream));
    probe_close(&server, false);
    run_for(l, 5);
    assert_true(tcp_is_stale(client.stream));
    listener_close(listener);
    probe_dispose(&client);
    probe_dispose(&server);
    loop_destroy(l);
}

static void test_close_reset(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    char byte;
    int fd = connect_pair(l, &p);
    stream_close_reset(p.stream);
    p.stream = NULL;
    run_for(l, 5);
    assert_int_equal(raw_receive_all(fd, &byte, 1), -ECONNRESET);
    close(fd);
    probe_dispose(&p);
    loop_destroy(l);
}

static void test_not_redirected(void **state)
{
    struct loop *l = loop_create();
    struct probe server, client;
    struct addr at, original;
    probe_init(&client, l);
    probe_init(&server, l);
    server.hook = probe_stop_on_open;
    struct listener *listener = probe_listen(l, &server, &at);
    probe_dial(&client, &at, NULL);
    loop_run(l);
    assert_int_equal(tcp_original_dst(server.stream, &original), ERR_NOT_FOUND);
    listener_close(listener);
    probe_dispose(&client);
    probe_dispose(&server);
    loop_destroy(l);
}

struct ping {
    struct probe client, server;
    unsigned rounds;
    uint64_t fresh_before;
};

enum { WARM_UP = 100, ROUNDS = 3000 };

static void on_ping(struct probe *p, enum event what)
{
    struct ping *g = p->more;
    if (what != EVENT_DATA)
        return;
    bool is_client = p == &g->client;
    if (is_client && ++g->rounds == WARM_UP)
        g->fresh_before = mem_fresh_count();
    if (is_client && g->rounds == ROUNDS) {
        loop_stop(p->loop);
        return;
    }
    stream_write(p->stream, &p->got);
}

static void test_steady_state_takes_no_memory(void **state)
{
    const char *sanitizer = getenv("WEFT_SANITIZE");
    if (sanitizer && *sanitizer)
        skip(); /* the plain allocator counts every block */
    struct loop *l = loop_create();
    struct addr at;
    struct ping *g = mem_zalloc(sizeof(*g));
    char text[2000] = "ping";
    probe_init(&g->client, l);
    probe_init(&g->server, l);
    g->client.more = g->server.more = g;
    g->client.hook = g->server.hook = on_ping;
    struct listener *listener = probe_listen(l, &g->server, &at);
    probe_dial(&g->client, &at, NULL);
    probe_read(&g->client, true);
    probe_write(&g->client, text, sizeof(text));
    loop_run(l);
    assert_int_equal(g->rounds, ROUNDS);
    assert_int_equal(mem_fresh_count(), g->fresh_before);
    listener_close(listener);
    probe_dispose(&g->client);
    probe_dispose(&g->server);
    loop_destroy(l);
    mem_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo_with_back_pressure),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_read_stop_leaves_data_in_the_kernel),
        cmocka_unit_test(test_exactly_as_much_as_is_read_at_once),
        cmocka_unit_test(test_peer_resets),
        cmocka_unit_test(test_half_closed_peer_resets),
        cmocka_unit_test(test_peer_sends_and_resets),
        cmocka_unit_test(test_answer_before_write_failure),
        cmocka_unit_test(test_closed_before_the_failure_is_told),
        cmocka_unit_test(test_info_and_stale),
        cmocka_unit_test(test_close_reset),
        cmocka_unit_test(test_not_redirected),
        cmocka_unit_test(test_steady_state_takes_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
