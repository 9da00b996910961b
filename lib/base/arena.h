/* A bump allocator for things that die together: one exchange, one parsed document, one snapshot
 * part. Owned by one thread at a time. Nothing in it is freed singly.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    char *next;
    size_t left;
    size_t block_size;
    size_t total; /* bytes handed out */
};

/* block_size: how much is taken from mem_alloc at a time (bigger requests get their own block). No
 * memory is taken before the first arena_alloc. */
void arena_init(struct arena *a, size_t block_size);
/* Hands out that memory (aligned to 8 bytes) before any of its own. It stays the caller's: for a
 * thing whose size is known, in one block. Only right after arena_init. */
void arena_lend(struct arena *a, void *memory, size_t size);
void arena_dispose(struct arena *a);
/* Everything handed out becomes invalid; one block is kept for reuse. */
void arena_reset(struct arena *a);
/* Aligned to 8 bytes, not zeroed. Never NULL. */
void *arena_alloc_slow(struct arena *a, size_t size);
static inline void *arena_alloc(struct arena *a, size_t size)
{
    size_t need = (size + 7) & ~(size_t)7;
    if (need > a->left || need < size)
        return arena_alloc_slow(a, size);
    void *block = a->next;
    a->next += need;
    a->left -= need;
    a->total += need;
    return block;
}
void *arena_zalloc(struct arena *a, size_t size);
struct slice arena_copy(struct arena *a, struct slice s);
/* The same, with A to Z in lower case. */
struct slice arena_copy_lower(struct arena *a, struct slice s);
/* NUL-terminated copy. */
char *arena_strdup(struct arena *a, struct slice s);
/* The number's digits: what a header's value is made with on the path of a request. */
struct slice arena_decimal(struct arena *a, uint64_t n);
/* One after the other. */
struct slice arena_concat(struct arena *a, const struct slice *parts, size_t count);
/* For texts that few requests need: printf is slow. */
struct slice arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
