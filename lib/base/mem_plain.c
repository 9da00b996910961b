/* The allocator for sanitizer builds: every block is one libc block, so that every overflow, leak
 * and use after free is seen. Any thread; keeps one counter. mem_pool.c is the one for real
 * builds.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static _Atomic uint64_t fresh;

static void *checked(void *block, size_t size)
{
    if (!block) {
        fprintf(stderr, "out of memory: %zu bytes refused\n", size);
        abort();
    }
    atomic_fetch_add_explicit(&fresh, 1, memory_order_relaxed);
    return block;
}

void *mem_alloc(size_t size)
{
    return checked(malloc(size ? size : 1), size);
}

void *mem_realloc(void *block, size_t size)
{
    return checked(realloc(block, size ? size : 1), size);
}

void mem_free(void *block)
{
    free(block);
}

void mem_trim(void)
{
}

void mem_age(void)
{
}

bool mem_trim_aged(unsigned max)
{
    (void)max;
    return false;
}

void mem_return(void)
{
}

void mem_set_up(void)
{
}

uint64_t mem_fresh_count(void)
{
    return atomic_load_explicit(&fresh, memory_order_relaxed);
}
