/* Tests of the line ring: wrap-around, whole lines only, a full ring, and two threads at full
 * speed. The reader thread is joined before the outcome is judged.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/log_ring.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"

static void test_wraps(void **state)
{
    struct log_ring r;
    char out[64];
    log_ring_init(&r, 64);
    for (int i = 0; i < 200; i++) {
        char line[32];
        int n = snprintf(line, sizeof(line), "line number %d\n", i);
        assert_true(log_ring_put(&r, slice_of(line, (size_t)n)));
        assert_int_equal(log_ring_take(&r, out, sizeof(out)), n);
        assert_memory_equal(out, line, (size_t)n);
    }
    assert_int_equal(log_ring_take(&r, out, sizeof(out)), 0);
    log_ring_dispose(&r);
}

static void test_full(void **state)
{
    struct log_ring r;
    char out[64];
    log_ring_init(&r, 32);
    assert_true(log_ring_put(&r, SLICE("0123456789abcde\n")));
    assert_true(log_ring_put(&r, SLICE("0123456789abcd\n")));
    assert_false(log_ring_put(&r, SLICE("x\n")));
    assert_true(log_ring_put(&r, SLICE("\n")));
    assert_false(log_ring_put(&r, SLICE("\n")));
    assert_false(log_ring_put(&r, SLICE("")));
    /* Room for one line and a half gives one line. */
    assert_int_equal(log_ring_take(&r, out, 20), 16);
    assert_true(log_ring_put(&r, SLICE("fifteen bytes.\n")));
    assert_int_equal(log_ring_take(&r, out, 64), 31);
    assert_memory_equal(out, "0123456789abcd\n\nfifteen bytes.\n", 31);
    log_ring_dispose(&r);
}

enum { LINES = 20000 };

static void *write_lines(void *arg)
{
    struct log_ring *r = arg;
    for (int i = 0; i < LINES; i++) {
        char line[64];
        int n = snprintf(line, sizeof(line), "%d%.*s\n", i, i % 37,
                         "....................................");
        while (!log_ring_put(r, slice_of(line, (size_t)n)))
            sched_yield();
    }
    return NULL;
}

static void test_two_threads(void **state)
{
    struct log_ring r;
    pthread_t writer;
    char out[256];
    int next = 0, wrong = 0;
    log_ring_init(&r, 512);
    assert_int_equal(pthread_create(&writer, NULL, write_lines, &r), 0);
    while (next < LINES) {
        size_t n = log_ring_take(&r, out, sizeof(out));
        struct slice rest = slice_of(out, n), line;
        if (n == 0) {
            sched_yield();
            continue;
        }
        while (rest.len && slice_split(&rest, '\n', &line)) {
            char want[64];
            int len = snprintf(want, sizeof(want), "%d%.*s", next, next % 37,
                               "....................................");
            wrong += !slice_eq(line, slice_of(want, (size_t)len));
            next++;
        }
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(wrong, 0);
    assert_int_equal(next, LINES);
    log_ring_dispose(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wraps),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
