/* Tests of waiting for the sidecar, as containers do that start after it: until it says that it is
 * ready, and no longer than told. Over the loopback interface, with a child that answers.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/wait.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/sidecar/cmocka_sidecar.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

static char said[1024];

static int run(int argc, const char *const *argv)
{
    int fd = memfd_create("said", 0), saved = dup(2);
    assert_true(fd >= 0 && saved >= 0);
    fflush(stderr);
    dup2(fd, 2);
    int status = wait_main(argc, (char **)(uintptr_t)argv);
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    ssize_t len = pread(fd, said, sizeof(said) - 1, 0);
    said[len > 0 ? len : 0] = 0;
    close(fd);
    return status;
}

/* A socket at a free port of 127.0.0.1; it listens when told so. */
static int open_port(bool listens, char port[8])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    if (listens)
        assert_int_equal(listen(fd, 8), 0);
    snprintf(port, 8, "%u", ntohs(at.sin_port));
    return fd;
}

/* One status after the other, a connection each; then the last again. */
static void answer(int listener, const char *const *statuses)
{
    for (;;) {
        char request[1024] = "", text[128];
        int fd = accept(listener, NULL, NULL);
        ssize_t len = read(fd, request, sizeof(request) - 1);
        bool is_right = len > 0 && !strncmp(request, "GET /healthz/ready HTTP/1.1\r\n", 29);
        int n = snprintf(text, sizeof(text), "HTTP/1.1 %s X\r\ncontent-length: 0\r\n\r\n",
                         is_right ? *statuses : "404");
        if (write(fd, text, (size_t)n) != n)
            _exit(1);
        close(fd);
        statuses += statuses[1] != NULL;
    }
}

static int run_against(const char *const *statuses, const char *timeout)
{
    char port[8];
    int listener = open_port(true, port);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child)
        answer(listener, statuses);
    const char *const argv[] = {"wait", "--timeout", timeout, "--port", port};
    int status = run(COUNT(argv), argv);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(listener);
    return status;
}

static void test_ready(void **state)
{
    static const char *const at_once[] = {"200", NULL}, *const later[] = {"503", "503", "200",
                                                                          NULL};
    assert_int_equal(run_against(at_once, "1m"), 0);
    assert_string_equal(said, "");
    assert_int_equal(run_against(later, "1m"), 0);
    assert_string_equal(said, "");
}

static void test_not_ready(void **state)
{
    static const char *const never[] = {"503", NULL};
    assert_int_equal(run_against(never, "300ms"), 1);
    assert_string_equal(said,
                        "weft-sidecar: the sidecar is not ready after 300 ms: it answers 503\n");
}

static void test_nobody_there(void **state)
{
    char port[8];
    int fd = open_port(false, port);
    const char *const argv[] = {"wait", "--port", port, "--timeout", "300ms"};
    assert_int_equal(run(COUNT(argv), argv), 1);
    assert_non_null(strstr(said, "is not ready after 300 ms: "));
    assert_non_null(strstr(said, "refused"));
    close(fd);
}

static void test_mistakes(void **state)
{
    static const char *const rows[][2] = {
        {"--timeout", "soon"}, {"--timeout", NULL}, {"--port", "0"},  {"--port", "65536"},
        {"--port", "x"},       {"--port", NULL},    {"--what", "1s"}, {"60s", NULL},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        const char *const argv[] = {"wait", rows[i][0], rows[i][1]};
        if (run(rows[i][1] ? 3 : 2, argv) != 2 || !strstr(said, "Usage: weft-sidecar wait"))
            fail_msg("%s %s: %s", rows[i][0], rows[i][1], said);
    }
}

static void test_limits(void **state)
{
    static const char *const ports[] = {"1", "65535"};
    for (int i = 0; i < COUNT(ports); i++) {
        const char *const argv[] = {"wait", "--port", ports[i], "--timeout", "1ms"};
        assert_int_equal(run(COUNT(argv), argv), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready),        cmocka_unit_test(test_not_ready),
        cmocka_unit_test(test_nobody_there), cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
