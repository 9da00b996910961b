/* Tests of what every allocator behind mem.h must do, whichever is linked in. * One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"

#include <stdbool.h>
#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"

static void test_sizes(void **state)
{
    for (size_t size = 0; size < 140000; size = size < 1100 ? size + 1 : size + 997) {
        unsigned char *block = mem_alloc(size);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 16, 0);
        memset(block, 0xa5, size);
        mem_free(block);
    }
    mem_free(NULL);
}

static void test_zalloc(void **state)
{
    for (int i = 0; i < 3; i++) {
        unsigned char *block = mem_zalloc(300);
        for (size_t at = 0; at < 300; at++)
            assert_int_equal(block[at], 0);
        memset(block, 0xff, 300);
        mem_free(block);
    }
}

static bool is_filled(const unsigned char *block, size_t n, unsigned char with)
{
    for (size_t i = 0; i < n; i++) {
        if (block[i] != with)
            return false;
    }
    return true;
}

static void test_resizing(void **state)
{
    unsigned char *block = mem_realloc(NULL, 1);
    block[0] = 9;
    for (size_t size = 1; size < 600000; size = size * 3 + 1) {
        memset(block, 9, size);
        block = mem_realloc(block, size * 3 + 1);
        assert_true(is_filled(block, size, 9));
    }
    block = mem_realloc(block, 10);
    assert_true(is_filled(block, 10, 9));
    mem_free(block);
}

static void test_text(void **state)
{
    char *a = mem_strdup("hello"), *b = mem_strndup("hello", 2), *c = mem_strndup(NULL, 0);
    char *d = mem_printf("%s-%05d", "x", 42);
    assert_string_equal(a, "hello");
    assert_string_equal(b, "he");
    assert_string_equal(c, "");
    assert_string_equal(d, "x-00042");
    mem_free(a);
    mem_free(b);
    mem_free(c);
    mem_free(d);
    char *empty = mem_printf("%s", "");
    assert_string_equal(empty, "");
    mem_free(empty);
}

static void test_fresh_count_rises(void **state)
{
    uint64_t before = mem_fresh_count();
    void *big = mem_alloc(1 << 20);
    assert_true(mem_fresh_count() == before + 1);
    mem_free(big);
}

static void test_trim_keeps_live_blocks(void **state)
{
    char *kept = mem_strdup("still here");
    mem_free(mem_alloc(5000));
    mem_trim();
    assert_string_equal(kept, "still here");
    mem_free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_zalloc),
        cmocka_unit_test(test_resizing),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_fresh_count_rises),
        cmocka_unit_test(test_trim_keeps_live_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
