/* Tests of outgoing connections: options, refusals, time limits, writes before the connection
 * stands. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/tcp.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/lib/io/cmocka_io.h"
#include "tests/unit/lib/io/probe.h"

static void test_refused(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    struct addr at;
    /* Bound but not listening: the port is nobody else's. */
    int fd = raw_listen(&at, 1);
    close(fd);
    probe_init(&p, l);
    p.hook = probe_stop_on_open;
    probe_dial(&p, &at, NULL);
    probe_write(&p, "lost", 4);
    loop_run(l);
    assert_int_equal(p.count[EVENT_FAIL], 1);
    assert_int_equal(p.count[EVENT_OPEN], 0);
    assert_int_equal(p.why, ERR_REFUSED);
    assert_non_null(strstr(p.detail, "refused"));
    assert_int_equal(stream_queued(p.stream), 0);
    probe_dispose(&p);
    loop_destroy(l);
}

/* The kernel leaves a connect unanswered while the listener's queue is full. */
static void test_timeout(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    struct addr at;
    struct sockaddr_storage ss;
    int filler[8];
    int fd = raw_listen(&at, 0);
    socklen_t len = addr_to_sockaddr(&at, &ss);
    for (int i = 0; i < 8; i++) {
        filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connect(filler[i], (struct sockaddr *)&ss, len) < 0)
            assert_int_equal(errno, EINPROGRESS);
    }
    struct tcp_dial_options options = {.timeout_ms = 60};
    probe_init(&p, l);
    p.hook = probe_stop_on_open;
    probe_dial(&p, &at, &options);
    loop_run(l);
    assert_int_equal(p.count[EVENT_FAIL], 1);
    assert_int_equal(p.why, ERR_TIMEOUT);
    assert_non_null(strstr(p.detail, "time limit"));
    for (int i = 0; i < 8; i++)
        close(filler[i]);
    close(fd);
    probe_dispose(&p);
    loop_destroy(l);
}

static void wait_for_drain(struct probe *p, enum event what)
{
    /* Open first, then the news that the early bytes are gone. */
    if (what == EVENT_DRAIN) {
        assert_int_equal(p->count[EVENT_OPEN], 1);
        loop_stop(p->loop);
    }
}

static void test_early_writes_and_source(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    struct addr at;
    struct sockaddr_storage ss;
    struct addr from;
    socklen_t len = sizeof(ss);
    char got[16];
    struct tcp_dial_options options = {.bind = {.family = 4, .ip = {127, 0, 0, 6}}};
    int listener = raw_listen(&at, 5);
    probe_init(&p, l);
    p.hook = wait_for_drain;
    probe_dial(&p, &at, &options);
    probe_write(&p, "early ", 6);
    probe_write(&p, "bird", 4);
    assert_int_equal(stream_queued(p.stream), 10);
    probe_shutdown(&p);
    loop_run(l);
    int fd = accept(listener, (struct sockaddr *)&ss, &len);
    assert_true(fd >= 0);
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &from), ERR_OK);
    assert_true(addr_eq_ip(&from, &options.bind));
    assert_int_equal(raw_receive_all(fd, got, sizeof(got)), 10);
    assert_memory_equal(got, "early bird", 10);
    close(fd);
    close(listener);
    probe_dispose(&p);
    loop_destroy(l);
}

static void test_shutdown_before_open(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    struct addr at;
    char got[4];
    int listener = raw_listen(&at, 5);
    probe_init(&p, l);
    p.hook = probe_stop_on_open;
    probe_dial(&p, &at, NULL);
    probe_shutdown(&p);
    loop_run(l);
    int fd = raw_accept(listener);
    assert_int_equal(raw_receive_all(fd, got, sizeof(got)), 0);
    close(fd);
    close(listener);
    probe_dispose(&p);
    loop_destroy(l);
}

static void test_bad_options(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    struct addr at = {.family = 4, .port = 9, .ip = {127, 0, 0, 1}};
    struct tcp_dial_options other_family = {.bind = {.family = 6, .ip = {[15] = 1}}};
    struct addr nowhere = {0};
    struct tcp_dial_options not_ours = {.bind = {.family = 4, .ip = {192, 0, 2, 1}}};
    probe_init(&p, l);
    p.hook = probe_stop_on_open;
    probe_dial(&p, &at, &other_family);
    assert_int_equal(p.count[EVENT_FAIL], 0);
    loop_run(l);
    assert_int_equal(p.why, ERR_INVALID);
    assert_non_null(strstr(p.detail, "family"));
    probe_dispose(&p);

    probe_init(&p, l);
    p.hook = probe_stop_on_open;
    probe_dial(&p, &at, &not_ours);
    loop_run(l);
    assert_int_equal(p.why, ERR_UNREACHABLE);
    assert_non_null(strstr(p.detail, "bind"));
    probe_dispose(&p);

    probe_init(&p, l);
    p.hook = probe_stop_on_open;
    probe_dial(&p, &nowhere, NULL);
    loop_run(l);
    assert_int_equal(p.why, ERR_INVALID);
    probe_dispose(&p);
    loop_destroy(l);
}

static void test_mark(void **state)
{
    struct loop *l = loop_create();
    struct probe p;
    struct addr at;
    uint32_t mark = 77;
    int listener = raw_listen(&at, 5);
    int trial = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool allowed = setsockopt(trial, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0;
    struct tcp_dial_options options = {.mark = mark};
    close(trial);
    probe_init(&p, l);
    p.hook = probe_stop_on_open;
    probe_dial(&p, &at, &options);
    loop_run(l);
    if (allowed) {
        assert_int_equal(p.count[EVENT_OPEN], 1);
    } else {
        assert_int_equal(p.why, ERR_DENIED);
        assert_non_null(strstr(p.detail, "CAP_NET_ADMIN"));
    }
    close(listener);
    probe_dispose(&p);
    loop_destroy(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_early_writes_and_source),
        cmocka_unit_test(test_shutdown_before_open),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
