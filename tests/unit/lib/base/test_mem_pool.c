/* Tests of the pooling allocator itself; linked with mem_pool.c in every build, sanitizers too. *
 * Several threads, joined before anything is asserted about them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "tests/unit/lib/base/cmocka_base.h"

static void churn(size_t size, size_t live)
{
    void *blocks[64];
    for (size_t i = 0; i < live; i++)
        blocks[i] = mem_alloc(size);
    for (size_t i = 0; i < live; i++)
        mem_free(blocks[i]);
}

static void test_steady_state_is_free(void **state)
{
    static const size_t sizes[] = {
        0,          1, 16, 17, 100, 1000, 1024, 1025, 4096, 8192, CHUNK_SIZE + sizeof(struct chunk),
        65536 + 64,
    };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        churn(sizes[i], 8);
        uint64_t before = mem_fresh_count();
        for (int round = 0; round < 100; round++)
            churn(sizes[i], 8);
        assert_true(mem_fresh_count() == before);
    }
}

static void test_large_blocks_are_counted(void **state)
{
    uint64_t before = mem_fresh_count();
    churn(65536 + 65, 1);
    churn(65536 + 65, 1);
    assert_true(mem_fresh_count() == before + 2);
}

static void test_classes_do_not_overlap(void **state)
{
    /* Every block must hold its whole size while its neighbours are in use. */
    static unsigned char *blocks[2000];
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 2000; i++) {
            blocks[i] = mem_alloc(i);
            memset(blocks[i], (int)(i & 0xff), i);
        }
        for (size_t i = 0; i < 2000; i++) {
            for (size_t at = 0; at < i; at++)
                assert_int_equal(blocks[i][at], i & 0xff);
            mem_free(blocks[i]);
        }
    }
}

static void test_burst_goes_back(void **state)
{
    enum { COUNT = 2000 };
    static void *blocks[COUNT];
    mem_trim();
    for (int i = 0; i < COUNT; i++)
        blocks[i] = mem_alloc(CHUNK_SIZE);
    for (int i = 0; i < COUNT; i++)
        mem_free(blocks[i]);
    /* What the lists kept is bounded: most of the burst has to come from libc again. */
    uint64_t before = mem_fresh_count();
    for (int i = 0; i < COUNT; i++)
        blocks[i] = mem_alloc(CHUNK_SIZE);
    assert_true(mem_fresh_count() - before > COUNT * 3 / 4);
    for (int i = 0; i < COUNT; i++)
        mem_free(blocks[i]);
    mem_trim();
    before = mem_fresh_count();
    mem_free(mem_alloc(CHUNK_SIZE));
    assert_true(mem_fresh_count() == before + 1);
}

/* What was not needed for a while goes, a few at a time, and what was stays. */
static void test_aging(void **state)
{
    enum { COUNT = 200, NEEDED = 8 };
    void *blocks[COUNT];
    mem_trim();
    for (int i = 0; i < COUNT; i++)
        blocks[i] = mem_alloc(1000);
    for (int i = 0; i < COUNT; i++)
        mem_free(blocks[i]);
    mem_age();
    assert_false(mem_trim_aged(COUNT)); /* they were needed just now */
    for (int round = 0; round < 3; round++) {
        uint64_t before = mem_fresh_count();
        churn(1000, NEEDED);
        assert_true(mem_fresh_count() == before);
        mem_age();
        unsigned times = 1;
        while (mem_trim_aged(50))
            times++;
        assert_int_equal(times, round == 0 ? 4 : 1);
    }
    uint64_t before = mem_fresh_count();
    for (int i = 0; i < NEEDED + 1; i++)
        blocks[i] = mem_alloc(1000);
    assert_true(mem_fresh_count() == before + 1);
    for (int i = 0; i < NEEDED + 1; i++)
        mem_free(blocks[i]);
}

static size_t resident(void)
{
    unsigned long size, pages;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &size, &pages), 2);
    fclose(f);
    return pages * 4096;
}

/* After a burst of small blocks among which some stay, the system has most of it back. */
static void test_memory_is_returned(void **state)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* their allocator keeps what is freed */
#endif
    enum { COUNT = 40000, SIZE = 800, STAYS = 500 };
    static void *blocks[COUNT];
    mem_set_up();
    mem_return();
    size_t before = resident();
    for (int i = 0; i < COUNT; i++)
        blocks[i] = memset(mem_alloc(SIZE), 1, SIZE);
    size_t grown = resident() - before;
    assert_true(grown > (size_t)COUNT * SIZE * 9 / 10);
    for (int i = 0; i < COUNT; i++) {
        if (i % STAYS)
            mem_free(blocks[i]);
    }
    for (int i = 0; i < 2; i++) {
        mem_age();
        while (mem_trim_aged(1000))
            ;
    }
    mem_return();
    assert_true(resident() - before < grown / 5);
    for (int i = 0; i < COUNT; i += STAYS)
        mem_free(blocks[i]);
}

static void *allocate_many(void *arg)
{
    void **blocks = arg;
    for (int i = 0; i < 100; i++) {
        blocks[i] = mem_alloc(200);
        memset(blocks[i], i, 200);
    }
    return NULL;
}

static void *free_many(void *arg)
{
    void **blocks = arg;
    for (int i = 0; i < 100; i++)
        mem_free(blocks[i]);
    return NULL;
}

static void run(void *(*body)(void *), void *arg)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, body, arg), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_across_threads(void **state)
{
    void *blocks[100];
    uint64_t before = mem_fresh_count();
    run(allocate_many, blocks);
    assert_true(mem_fresh_count() == before + 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(((unsigned char *)blocks[i])[199], i);
    run(free_many, blocks);
    /* The counts of threads that ended are kept. */
    assert_true(mem_fresh_count() == before + 100);
}

/* Blocks that a thread was given before it made any of its own are of use to it. */
static void *free_then_allocate(void *arg)
{
    free_many(arg);
    return allocate_many(arg);
}

static void test_a_thread_begins_by_freeing(void **state)
{
    void *blocks[100];
    run(allocate_many, blocks);
    uint64_t before = mem_fresh_count();
    run(free_then_allocate, blocks);
    assert_true(mem_fresh_count() == before);
    run(free_many, blocks);
}

static pthread_key_t late_key;

static void late_destructor(void *block)
{
    /* May run after the lists of this thread are gone. */
    mem_free(block);
    mem_free(mem_alloc(64));
}

static void *leave_late_block(void *arg)
{
    pthread_setspecific(late_key, mem_alloc(64));
    return arg;
}

static void test_thread_exit_order(void **state)
{
    uint64_t before = mem_fresh_count();
    /* A key made later has its destructor run later. */
    assert_int_equal(pthread_key_create(&late_key, late_destructor), 0);
    run(leave_late_block, NULL);
    assert_int_equal(pthread_key_delete(late_key), 0);
    assert_true(mem_fresh_count() - before >= 1);
}

static void *churn_thread(void *arg)
{
    for (int round = 0; round < 2000; round++)
        churn(16u << (round % 8), 16);
    return arg;
}

static void test_parallel(void **state)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn_thread, NULL), 0);
    uint64_t last = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t now = mem_fresh_count();
        assert_true(now >= last);
        last = now;
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(mem_fresh_count() >= last);
}

static void check_aborts(void (*body)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        body();
        _exit(0);
    }
    int status = 0;
    assert_true(waitpid(child, &status, 0) == child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void free_twice(void)
{
    void *volatile block = mem_alloc(100);
    mem_free(block);
    mem_free(block);
}

static void free_foreign(void)
{
    static _Alignas(16) char text[64] = "not a header, not a block of ours, just some text";
    mem_free(text + 16);
}

static void ask_for_everything(void)
{
    volatile size_t all = SIZE_MAX - 4;
    mem_free(mem_alloc(all));
}

static void test_misuse_aborts(void **state)
{
    check_aborts(free_twice);
    check_aborts(free_foreign);
    check_aborts(ask_for_everything);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steady_state_is_free),
        cmocka_unit_test(test_large_blocks_are_counted),
        cmocka_unit_test(test_classes_do_not_overlap),
        cmocka_unit_test(test_burst_goes_back),
        cmocka_unit_test(test_aging),
        cmocka_unit_test(test_memory_is_returned),
        cmocka_unit_test(test_across_threads),
        cmocka_unit_test(test_a_thread_begins_by_freeing),
        cmocka_unit_test(test_thread_exit_order),
        cmocka_unit_test(test_parallel),
        cmocka_unit_test(test_misuse_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
