/* Tests of the bump allocator. * One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/arena.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/base/cmocka_base.h"

static void test_no_memory_before_use(void **state)
{
    struct arena a;
    uint64_t before = mem_fresh_count();
    arena_init(&a, 4096);
    assert_non_null(arena_alloc(&a, 0));
    assert_true(mem_fresh_count() == before);
    assert_null(a.blocks);
    arena_dispose(&a);
}

static void test_alignment_and_overlap(void **state)
{
    struct arena a;
    unsigned char *blocks[300];
    arena_init(&a, 1024);
    for (size_t i = 0; i < 300; i++) {
        blocks[i] = arena_alloc(&a, i);
        assert_int_equal((uintptr_t)blocks[i] % 8, 0);
        memset(blocks[i], (int)(i & 0xff), i);
    }
    for (size_t i = 0; i < 300; i++) {
        for (size_t at = 0; at < i; at++)
            assert_int_equal(blocks[i][at], i & 0xff);
    }
    arena_dispose(&a);
}

static void test_big_requests(void **state)
{
    struct arena a;
    arena_init(&a, 256);
    char *first = arena_alloc(&a, 16);
    char *big = arena_alloc(&a, 100000);
    memset(big, 1, 100000);
    /* The current block goes on being used. */
    char *second = arena_alloc(&a, 16);
    assert_true(second == first + 16);
    assert_int_equal(a.total, 100032);
    arena_dispose(&a);
}

static void test_big_request_first(void **state)
{
    struct arena a;
    arena_init(&a, 256);
    memset(arena_alloc(&a, 5000), 2, 5000);
    memset(arena_alloc(&a, 8), 3, 8);
    arena_reset(&a);
    memset(arena_alloc(&a, 8), 3, 8);
    assert_int_equal(a.total, 8);
    arena_dispose(&a);
}

static void test_reset_reuses(void **state)
{
    struct arena a;
    arena_init(&a, 4096);
    char *first = arena_alloc(&a, 100);
    for (int i = 0; i < 100; i++)
        arena_alloc(&a, 1000);
    arena_reset(&a);
    assert_int_equal(a.total, 0);
    assert_non_null(a.blocks);
    uint64_t before = mem_fresh_count();
    for (int round = 0; round < 10; round++) {
        memset(arena_alloc(&a, 2000), 1, 2000);
        memset(arena_alloc(&a, 1000), 1, 1000);
        arena_reset(&a);
    }
    assert_true(mem_fresh_count() == before);
    assert_non_null(first);
    arena_dispose(&a);
    assert_null(a.blocks);
    /* And it can be used again. */
    memset(arena_alloc(&a, 64), 1, 64);
    arena_dispose(&a);
}

static void test_tiny_block_size(void **state)
{
    struct arena a;
    arena_init(&a, 1);
    for (int i = 0; i < 50; i++)
        memset(arena_alloc(&a, 24), i, 24);
    arena_dispose(&a);
    assert_null(a.blocks);
}

static void test_text(void **state)
{
    struct arena a;
    arena_init(&a, 128);
    struct slice copy = arena_copy(&a, SLICE("bytes\0with nul"));
    assert_true(slice_eq(copy, SLICE("bytes\0with nul")));
    assert_string_equal(arena_strdup(&a, SLICE("text")), "text");
    assert_string_equal(arena_strdup(&a, (struct slice){NULL, 0}), "");
    assert_int_equal(arena_copy(&a, (struct slice){NULL, 0}).len, 0);
    struct slice printed = arena_printf(&a, "%s=%d", "n", 7);
    assert_true(slice_eq_cstr(printed, "n=7"));
    assert_int_equal(printed.ptr[printed.len], '\0');
    struct slice wide = arena_printf(&a, "%0500d", 1);
    assert_int_equal(wide.len, 500);
    unsigned char *zeros = arena_zalloc(&a, 77);
    for (int i = 0; i < 77; i++)
        assert_int_equal(zeros[i], 0);
    arena_dispose(&a);
}

/* Whatever room its block has left: a text, its end, and what lies next to it stay whole. */
static void test_texts_at_the_end_of_a_block(void **state)
{
    char wanted[64];
    (void)state;
    for (unsigned before = 0; before < 64; before++)
        for (int len = 0; len < 40; len++) {
            struct arena a;
            arena_init(&a, 64);
            char *first = arena_alloc(&a, before);
            memset(first, 'x', before);
            struct slice text = arena_printf(&a, "%0*d", len, 0);
            snprintf(wanted, sizeof wanted, "%0*d", len, 0);
            assert_string_equal(text.ptr, wanted);
            assert_int_equal(text.len, strlen(wanted));
            struct slice parts[] = {text, SLICE(""), SLICE("-"), text};
            struct slice joined = arena_concat(&a, parts, 4);
            assert_int_equal(joined.len, 2 * text.len + 1);
            assert_memory_equal(joined.ptr, wanted, text.len);
            assert_int_equal(joined.ptr[text.len], '-');
            assert_memory_equal(joined.ptr + text.len + 1, wanted, text.len);
            assert_string_equal(text.ptr, wanted);
            for (unsigned i = 0; i < before; i++)
                assert_int_equal(first[i], 'x');
            arena_dispose(&a);
        }
}

static void test_lent_memory_comes_first(void **state)
{
    struct arena a;
    _Alignas(8) char lent[64];
    arena_init(&a, 128);
    arena_lend(&a, lent, sizeof lent);
    assert_ptr_equal(arena_alloc(&a, 60), lent);
    assert_int_equal(a.total, 64);
    assert_null(a.blocks);
    memset(arena_alloc(&a, 16), 1, 16);
    assert_non_null(a.blocks);
    arena_dispose(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory_before_use),
        cmocka_unit_test(test_alignment_and_overlap),
        cmocka_unit_test(test_big_requests),
        cmocka_unit_test(test_big_request_first),
        cmocka_unit_test(test_reset_reuses),
        cmocka_unit_test(test_tiny_block_size),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_texts_at_the_end_of_a_block),
        cmocka_unit_test(test_lent_memory_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
