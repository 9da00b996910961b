/* Tests of the log with stdout and stderr turned into pipes of our own for the length of each
 * test. * The test thread plays worker and control thread in turn.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/base/cmocka_base.h"

struct capture {
    int saved, pipe[2], fd;
};

static void begin(struct capture *c, int fd)
{
    fflush(NULL);
    c->fd = fd;
    c->saved = dup(fd);
    assert_true(c->saved >= 0 && pipe2(c->pipe, O_CLOEXEC) == 0);
    assert_int_equal(fcntl(c->pipe[0], F_SETFL, O_NONBLOCK), 0);
    assert_true(dup2(c->pipe[1], fd) == fd);
}

/* What is in the pipe now. */
static size_t drain(struct capture *c, char *to, size_t room)
{
    size_t len = 0;
    ssize_t n;
    while (len < room && (n = read(c->pipe[0], to + len, room - len)) > 0)
        len += (size_t)n;
    return len;
}

static void end(struct capture *c)
{
    dup2(c->saved, c->fd);
    close(c->saved);
    close(c->pipe[0]);
    close(c->pipe[1]);
}

/* The line behind its time stamp, whose form is checked. */
static const char *after_stamp(char *text, size_t len)
{
    int y, mo, d, h, mi, s, ms, used = 0;
    text[len] = '\0';
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n", &y, &mo, &d, &h, &mi, &s, &ms, &used) != 7)
        return "no time stamp";
    return used == 25 && y >= 2020 && mo <= 12 && ms <= 999 ? text + used : "odd time stamp";
}

static void test_direct_line(void **state)
{
    struct capture c;
    char text[9000];
    begin(&c, STDERR_FILENO);
    LOG_I("config", "loaded %d files", 3);
    LOG_D("config", "not shown");
    size_t len = drain(&c, text, sizeof(text) - 1);
    end(&c);
    assert_string_equal(after_stamp(text, len), "info config: loaded 3 files\n");
}

static void test_escapes(void **state)
{
    struct capture c;
    char text[9000];
    begin(&c, STDERR_FILENO);
    LOG_W("http", "%s",
          "a\nb\x1b[31m\x7f \xc3\xa4\xff\xc2\x9b"
          "z");
    size_t len = drain(&c, text, sizeof(text) - 1);
    end(&c);
    assert_string_equal(after_stamp(text, len),
                        "warn http: a\\x0ab\\x1b[31m\\x7f \xc3\xa4\\xff\\xc2\\x9bz\n");
}

/* What turns the direction of a line would show it as something else. */
static void test_bidirectional_controls(void **state)
{
    struct capture c;
    char text[9000];
    begin(&c, STDERR_FILENO);
    LOG_W("http", "%s",
          "a\xe2\x80\xae"
          "b\xe2\x81\xa6"
          "c\xe2\x80\x8e"
          "d\xe2\x80\xa8"
          "e\xe2\x82\xac");
    size_t len = drain(&c, text, sizeof(text) - 1);
    end(&c);
    assert_string_equal(after_stamp(text, len),
                        "warn http: a\\xe2\\x80\\xaeb\\xe2\\x81\\xa6c\\xe2\\x80\\x8e"
                        "d\\xe2\\x80\\xa8e\xe2\x82\xac\n");
}

static void test_long_lines_are_cut(void **state)
{
    struct capture c;
    char text[9000], big[5000];
    memset(big, 1, sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    begin(&c, STDERR_FILENO);
    LOG_E("x", "%s", big);
    size_t len = drain(&c, text, sizeof(text) - 1);
    end(&c);
    const char *line = after_stamp(text, len);
    assert_memory_equal(line, "error x: \\x01\\x01", 17);
    assert_true(slice_ends_with(slice_of(text, len), SLICE("\\x01 [cut]\n")));
    assert_int_equal(strlen(line), 9 + 4 * 2047 + 7);
}

static void test_levels(void **state)
{
    assert_int_equal(log_set_level(SLICE("loud")), ERR_INVALID);
    assert_int_equal(log_set_level(SLICE("error")), ERR_OK);
    assert_int_equal(log_threshold, LOG_ERROR);
    assert_int_equal(log_set_level(SLICE("trace")), ERR_OK);
    assert_int_equal(log_threshold, LOG_TRACE);
    assert_int_equal(log_set_level(SLICE("info")), ERR_OK);
}

static void test_ring_waits_for_the_pump(void **state)
{
    struct capture out, err;
    char text[9000];
    log_ring_attach();
    log_ring_attach();
    begin(&out, STDOUT_FILENO);
    begin(&err, STDERR_FILENO);
    log_access(SLICE("GET / 200\n"));
    LOG_I("a", "one");
    size_t early = drain(&out, text, sizeof(text)) + drain(&err, text, sizeof(text));
    log_pump();
    size_t n_out = drain(&out, text, sizeof(text) - 1);
    bool access_ok = slice_eq_cstr(slice_of(text, n_out), "GET / 200\n");
    size_t n_err = drain(&err, text, sizeof(text) - 1);
    const char *message = after_stamp(text, n_err);
    log_access(SLICE("last\n"));
    log_ring_detach();
    char last[16] = {0};
    drain(&out, last, sizeof(last) - 1);
    end(&err);
    end(&out);
    assert_int_equal(early, 0);
    assert_true(access_ok);
    assert_string_equal(message, "info a: one\n");
    assert_string_equal(last, "last\n");
    log_ring_detach();
}

static void test_stalled_reader(void **state)
{
    enum { COUNT = 20000 };
    struct capture c;
    static char text[1 << 20];
    uint64_t before = log_dropped();
    size_t len = 0, wrong = 0, lines = 0;
    log_ring_attach();
    begin(&c, STDOUT_FILENO);
    /* Far more than pipe, ring and pump can hold; neither side may block. */
    for (int i = 0; i < COUNT; i++) {
        char line[64];
        int n = snprintf(line, sizeof(line), "%06d %s\n", i, "a line of the access log, not short");
        log_access(slice_of(line, (size_t)n));
        if (i % 100 == 0)
            log_pump();
    }
    for (int i = 0; i < 1000; i++) {
        size_t n = drain(&c, text + len, sizeof(text) - len);
        len += n;
        log_pump();
    }
    end(&c);
    log_ring_detach();
    struct slice rest = slice_of(text, len), line;
    while (rest.len && slice_split(&rest, '\n', &line)) {
        lines++;
        wrong += line.len != 42;
    }
    assert_int_equal(wrong, 0);
    assert_true(lines > 5000 && lines < COUNT);
    assert_int_equal(log_dropped() - before, COUNT - lines);
}

/* Gives back what it was given when all lines came, each once and in order. */
static void *read_access_slowly(void *owner)
{
    struct capture *c = owner;
    char text[4096];
    uint64_t lines = 0;
    size_t len = 0, n;
    while (lines < 3000) {
        struct pollfd ready = {.fd = c->pipe[0], .events = POLLIN};
        poll(&ready, 1, -1);
        n = drain(c, text + len, 1000);
        struct slice rest = slice_of(text, len + n), line;
        len = 0;
        while (slice_find_byte(rest, '\n') < rest.len && slice_split(&rest, '\n', &line)) {
            uint64_t number;
            if (slice_to_u64(slice_sub(line, 0, 6), &number) || number != lines++)
                return NULL;
        }
        len = rest.len;
        memmove(text, rest.ptr, len);
    }
    return len == 0 ? c : NULL;
}

/* A thread that ends while the reader is slow: what the pump has begun to write is finished, with
 * what came after it. */
static void test_the_end_of_a_thread_with_a_slow_reader(void **state)
{
    struct capture c;
    pthread_t reader;
    void *seen;
    uint64_t before = log_dropped();
    begin(&c, STDOUT_FILENO);
    assert_true(fcntl(c.pipe[1], F_SETPIPE_SZ, 4096) > 0);
    log_ring_attach();
    for (int i = 0; i < 3000; i++) {
        char line[64];
        int n = snprintf(line, sizeof(line), "%06d a line\n", i);
        log_access(slice_of(line, (size_t)n));
        if (i == 1000)
            log_pump();
    }
    assert_int_equal(pthread_create(&reader, NULL, read_access_slowly, &c), 0);
    log_ring_detach();
    pthread_join(reader, &seen);
    end(&c);
    assert_ptr_equal(seen, &c);
    assert_int_equal(log_dropped(), before);
}

/* A reader behind a socket that is slow for a while gets every line once it reads again. */
static void test_a_socket_that_is_full_for_a_while(void **state)
{
    static char text[1 << 20];
    struct capture c;
    int pair[2], small = 4096;
    uint64_t before = log_dropped();
    size_t len = 0, lines = 0;
    log_ring_attach();
    begin(&c, STDOUT_FILENO);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    assert_true(dup2(pair[0], STDOUT_FILENO) == STDOUT_FILENO);
    for (int i = 0; i < 1000; i++) {
        char line[64];
        int n = snprintf(line, sizeof(line), "%06d %s\n", i, "a line of the access log");
        log_access(slice_of(line, (size_t)n));
        log_pump();
    }
    for (int i = 0; i < 1000; i++) {
        ssize_t n = recv(pair[1], text + len, sizeof(text) - len, MSG_DONTWAIT);
        len += n > 0 ? (size_t)n : 0;
        log_pump();
    }
    end(&c);
    close(pair[0]);
    close(pair[1]);
    log_ring_detach();
    struct slice rest = slice_of(text, len), line;
    while (rest.len && slice_split(&rest, '\n', &line)) {
        uint64_t number;
        assert_int_equal(slice_to_u64(slice_sub(line, 0, 6), &number), ERR_OK);
        assert_int_equal(number, lines++);
    }
    assert_int_equal(lines, 1000);
    assert_int_equal(log_dropped(), before);
}

/* Where nobody will ever read, lines are lost and counted, and nothing waits for them. */
static void test_a_reader_that_is_gone(void **state)
{
    struct capture c;
    char text[64];
    uint64_t before = log_dropped();
    signal(SIGPIPE, SIG_IGN);
    log_ring_attach();
    begin(&c, STDOUT_FILENO);
    int gone[2];
    assert_int_equal(pipe2(gone, O_CLOEXEC), 0);
    assert_true(dup2(gone[1], STDOUT_FILENO) == STDOUT_FILENO);
    close(gone[0]);
    close(gone[1]);
    log_access(SLICE("lost\n"));
    log_pump();
    uint64_t lost = log_dropped() - before;
    /* A reader that comes later sees what comes later. */
    assert_true(dup2(c.pipe[1], STDOUT_FILENO) == STDOUT_FILENO);
    log_access(SLICE("next\n"));
    log_pump();
    size_t len = drain(&c, text, sizeof(text));
    end(&c);
    log_ring_detach();
    assert_int_equal(lost, 1);
    assert_true(slice_eq_cstr(slice_of(text, len), "next\n"));
}

static void test_bad_access_lines_are_dropped(void **state)
{
    static char huge[70000];
    uint64_t before = log_dropped();
    memset(huge, 'x', sizeof(huge));
    huge[sizeof(huge) - 1] = '\n';
    log_access(SLICE(""));
    log_access(SLICE("no newline"));
    log_access(slice_of(huge, sizeof(huge)));
    assert_int_equal(log_dropped() - before, 3);
}

static void *chatter(void *arg)
{
    log_ring_attach();
    for (int i = 0; i < 500; i++)
        LOG_I("worker", "%s says line %d", (const char *)arg, i);
    log_ring_detach();
    return NULL;
}

static void test_many_threads(void **state)
{
    static char names[3][2] = {"a", "b", "c"};
    static char text[1 << 20];
    struct capture c;
    pthread_t threads[3];
    size_t len = 0, lines = 0;
    begin(&c, STDERR_FILENO);
    assert_true(fcntl(c.pipe[1], F_SETPIPE_SZ, 1 << 20) >= 1 << 18);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, chatter, names[i]);
    for (int i = 0; i < 50; i++)
        log_pump();
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    len = drain(&c, text, sizeof(text));
    end(&c);
    struct slice rest = slice_of(text, len), line;
    while (rest.len && slice_split(&rest, '\n', &line))
        lines += slice_find(line, SLICE("info worker: ")) == 25;
    assert_int_equal(lines, 1500);
}

/* Without rings, whoever logs waits for a reader that is slow, and what another call left in errno
 * does not matter. */
static void *read_slowly(void *owner)
{
    struct capture *c = owner;
    static char text[200000];
    size_t len = 0;
    while (len < 180000) {
        struct pollfd ready = {.fd = c->pipe[0], .events = POLLIN};
        poll(&ready, 1, -1);
        len += drain(c, text + len, 4096);
    }
    return NULL;
}

static void test_a_pipe_that_is_full_for_a_while(void **state)
{
    struct capture c;
    pthread_t reader;
    char line[1000];
    uint64_t before = log_dropped();
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    begin(&c, STDERR_FILENO);
    assert_int_equal(fcntl(c.pipe[1], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_slowly, &c), 0);
    for (int i = 0; i < 200; i++)
        LOG_W("x", "%s", line);
    pthread_join(reader, NULL);
    end(&c);
    assert_true(log_dropped() == before);
}

static void test_old_errors(void **state)
{
    static const int olds[] = {EINTR, EAGAIN};
    for (int i = 0; i < 2; i++) {
        struct capture c;
        char text[9000];
        begin(&c, STDERR_FILENO);
        errno = olds[i];
        LOG_I("config", "loaded");
        size_t len = drain(&c, text, sizeof(text) - 1);
        end(&c);
        assert_string_equal(after_stamp(text, len), "info config: loaded\n");
    }
}

static void test_nobody_can_be_told(void **state)
{
    struct capture c;
    uint64_t before = log_dropped();
    begin(&c, STDERR_FILENO);
    close(STDERR_FILENO);
    LOG_W("x", "lost");
    end(&c);
    assert_true(log_dropped() == before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direct_line),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_bidirectional_controls),
        cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_ring_waits_for_the_pump),
        cmocka_unit_test(test_stalled_reader),
        cmocka_unit_test(test_the_end_of_a_thread_with_a_slow_reader),
        cmocka_unit_test(test_a_socket_that_is_full_for_a_while),
        cmocka_unit_test(test_a_reader_that_is_gone),
        cmocka_unit_test(test_bad_access_lines_are_dropped),
        cmocka_unit_test(test_many_threads),
        cmocka_unit_test(test_a_pipe_that_is_full_for_a_while),
        cmocka_unit_test(test_old_errors),
        cmocka_unit_test(test_nobody_can_be_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
