/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/compress/block_shelf.h"

#include "lib/base/list.h"
#include "lib/base/mem.h"
#include "lib/codec/compress/shelf.h"

/* Sizes are rounded up to powers of two. What is smaller than the least is the allocator's own
 * business, and what is larger than the most is not kept. */
enum { LEAST_BITS = 14, PLAIN = SHELF_SIZES };

/* In front of each block. */
struct block {
    struct shelved shelved;
    unsigned size; /* below PLAIN: it is kept, and has 2^(LEAST_BITS + size) bytes */
    _Alignas(16) char bytes[];
};

static void destroy(struct shelved *s)
{
    mem_free(s);
}

static unsigned size_of(size_t bytes)
{
    unsigned size = 0;
    if (bytes <= (size_t)1 << (LEAST_BITS - 1))
        return PLAIN;
    while (size < PLAIN && bytes > (size_t)1 << (LEAST_BITS + size))
        size++;
    return size;
}

void *block_shelf_give(void *owner, size_t bytes)
{
    (void)owner;
    unsigned size = size_of(bytes);
    struct block *b = size < PLAIN ? (struct block *)shelf_take(SHELF_BLOCKS + size) : NULL;
    if (!b) {
        b = mem_alloc(sizeof(*b) + (size < PLAIN ? (size_t)1 << (LEAST_BITS + size) : bytes));
        b->shelved.destroy = destroy;
        b->size = size;
    }
    return b->bytes;
}

void block_shelf_take(void *owner, void *bytes)
{
    (void)owner;
    if (!bytes)
        return;
    struct block *b = container_of(bytes, struct block, bytes);
    if (b->size >= PLAIN || !shelf_put(SHELF_BLOCKS + b->size, &b->shelved))
        mem_free(b);
}
