/* The slow half of the bump allocator in arena.h: taking blocks, and giving them back. Owned by
 * one thread at a time. Must not know what lives in it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/decimal.h"
#include "lib/base/mem.h"

enum { BLOCK_MIN = 64 };

struct arena_block {
    struct arena_block *next;
    size_t size; /* of data */
    _Alignas(16) char data[];
};

/* Where an arena without blocks points, so that an allocation of no bytes is not NULL. */
static _Alignas(8) char nowhere[8];

static void forget(struct arena *a)
{
    a->blocks = NULL;
    a->next = nowhere;
    a->left = 0;
    a->total = 0;
}

void arena_init(struct arena *a, size_t block_size)
{
    forget(a);
    a->block_size = block_size < BLOCK_MIN ? BLOCK_MIN : block_size & ~(size_t)7;
}

void arena_lend(struct arena *a, void *memory, size_t size)
{
    a->next = memory;
    a->left = size;
}

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        mem_free(block);
        block = next;
    }
}

void arena_dispose(struct arena *a)
{
    free_blocks(a->blocks);
    forget(a);
}

static size_t standard_size(const struct arena *a)
{
    return a->block_size - sizeof(struct arena_block);
}

static void point_at(struct arena *a, struct arena_block *block)
{
    a->next = block->data;
    a->left = block->size;
}

void arena_reset(struct arena *a)
{
    struct arena_block *kept = NULL, *block = a->blocks;
    while (block) {
        struct arena_block *next = block->next;
        if (!kept && block->size == standard_size(a))
            kept = block;
        else
            mem_free(block);
        block = next;
    }
    forget(a);
    if (kept) {
        kept->next = NULL;
        a->blocks = kept;
        point_at(a, kept);
    }
}

static struct arena_block *take_block(size_t size)
{
    struct arena_block *block = mem_alloc(sizeof(*block) + size);
    block->next = NULL;
    block->size = size;
    return block;
}

void *arena_alloc_slow(struct arena *a, size_t size)
{
    size_t need = (size + 7) & ~(size_t)7;
    if (need < size || need > SIZE_MAX - sizeof(struct arena_block)) {
        fprintf(stderr, "memory: impossible arena request (%zu bytes)\n", size);
        abort();
    }
    a->total += need;
    if (need > standard_size(a) / 2) {
        /* Its own block, behind the current one, whose rest stays in use. */
        struct arena_block *own = take_block(need);
        struct arena_block **at = a->blocks ? &a->blocks->next : &a->blocks;
        own->next = *at;
        *at = own;
        return own->data;
    }
    struct arena_block *block = take_block(standard_size(a));
    block->next = a->blocks;
    a->blocks = block;
    point_at(a, block);
    a->next += need;
    a->left -= need;
    return block->data;
}

void *arena_zalloc(struct arena *a, size_t size)
{
    return memset(arena_alloc(a, size), 0, size);
}

struct slice arena_copy(struct arena *a, struct slice s)
{
    char *copy = arena_alloc(a, s.len);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return (struct slice){copy, s.len};
}

struct slice arena_copy_lower(struct arena *a, struct slice s)
{
    return slice_lower(s, arena_alloc(a, s.len));
}

char *arena_strdup(struct arena *a, struct slice s)
{
    char *copy = arena_alloc(a, s.len + 1);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

struct slice arena_concat(struct arena *a, const struct slice *parts, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    char *text = arena_alloc(a, len), *at = text;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len)
            memcpy(at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    return (struct slice){text, len};
}

struct slice arena_decimal(struct arena *a, uint64_t n)
{
    char digits[DECIMAL_MAX];
    return arena_copy(a, slice_of(digits, decimal_write(digits, n)));
}

struct slice arena_printf(struct arena *a, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    char *next = a->next; /* it is written where it will be, and again only where it has no room */
    size_t left = a->left;
    int len = vsnprintf(left ? next : NULL, left, format, args);
    va_end(args);
    if (len < 0)
        abort();
    char *text = arena_alloc(a, (size_t)len + 1);
    if (text != next || (size_t)len >= left)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return (struct slice){text, (size_t)len};
}
