/* block_shelf.c: which blocks are kept, and that each is as large as was asked.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/compress/block_shelf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* Each byte can be written, whatever was kept before, and none is another block's. */
static void test_sizes(void **state)
{
    static const size_t sizes[] = {1,     100,   8192,   8193,    16384,   16385,  65536,
                                   65537, 300000, 1048576, 1048577, 2097152, 3000000};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    unsigned char *blocks[COUNT];
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            blocks[i] = block_shelf_give(NULL, sizes[i]);
            assert_int_equal((uintptr_t)blocks[i] % 16, 0);
            memset(blocks[i], (int)(i + round), sizes[i]);
        }
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(blocks[i][0], i + round);
            assert_int_equal(blocks[i][sizes[i] - 1], i + round);
            block_shelf_take(NULL, blocks[i]);
        }
    }
    block_shelf_take(NULL, NULL);
}

/* The next who asks for as much, or nearly, has the block of the last. */
static void test_a_large_block_is_kept(void **state)
{
    (void)state;
    void *first = block_shelf_give(NULL, 200000), *second = block_shelf_give(NULL, 200000);
    assert_ptr_not_equal(first, second);
    block_shelf_take(NULL, first);
    assert_ptr_equal(block_shelf_give(NULL, 250000), first);
    void *smaller = block_shelf_give(NULL, 20000);
    assert_ptr_not_equal(smaller, first);
    block_shelf_take(NULL, smaller);
    block_shelf_take(NULL, first);
    block_shelf_take(NULL, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_a_large_block_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
