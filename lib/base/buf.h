/* Bytes on their way from one place to another: a queue of views into reference-counted chunks. A
 * body is read into a chunk once and handed on by reference; only small pieces are copied
 * together. A chunk and every buf that refers to it stay on one worker, so the counts are plain
 * integers.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "lib/base/slice.h"

#define CHUNK_SIZE 16384u

struct chunk {
    uint32_t refs;
    uint32_t capacity;
    uint32_t used; /* bytes already written; the rest may be appended to by a sole owner */
    uint8_t data[];
};

struct chunk *chunk_create(uint32_t capacity);
/* One without bytes of its own: its owner lends those that buf_append_shared is given with it, and
 * hears by `release`, once, that the last view of them went. So threads can share what never
 * changes: each has a chunk of its own for it. */
struct chunk *chunk_create_lent(void (*release)(void *owner), void *owner);
struct chunk *chunk_ref(struct chunk *c);
void chunk_unref(struct chunk *c);

struct arena;
struct buf_segment;

struct buf {
    struct buf_segment *head, *tail;
    size_t len;
};

static inline bool buf_is_empty(const struct buf *b)
{
    return b->len == 0;
}
void buf_init(struct buf *b);
void buf_drop_segments(struct buf *b);
/* Drops everything; the buf can be used again. */
static inline void buf_dispose(struct buf *b)
{
    if (b->head)
        buf_drop_segments(b);
}
/* Copies. */
void buf_append(struct buf *b, const void *data, size_t len);
static inline void buf_append_slice(struct buf *b, struct slice s)
{
    buf_append(b, s.ptr, s.len);
}
/* Shares [data, data+len), which lies in `owner`, by taking a reference; copies instead when the
 * piece is too small to be worth keeping the whole chunk alive, or when owner is NULL. */
void buf_append_shared(struct buf *b, struct chunk *owner, const uint8_t *data, size_t len);
/* Moves the first n bytes (n <= src->len) to the end of dst without copying them. */
void buf_move(struct buf *dst, struct buf *src, size_t n);
static inline void buf_move_all(struct buf *dst, struct buf *src)
{
    buf_move(dst, src, src->len);
}
/* Adds views of all of src's bytes to dst; src keeps its own. */
void buf_share(struct buf *dst, const struct buf *src);
/* Drops the first n bytes (n <= b->len). */
void buf_drain(struct buf *b, size_t n);
/* The first contiguous piece; empty when the buf is. */
struct slice buf_front(const struct buf *b);
/* Fills up to `max` vectors from the front; returns how many. */
size_t buf_peek(const struct buf *b, struct iovec *vectors, size_t max);
/* Copies the first n bytes out without draining them. */
void buf_copy_out(const struct buf *b, void *to, size_t n);
/* All bytes in one piece, a NUL behind them; b is empty then. mem_free it. len may be NULL. */
char *buf_take_text(struct buf *b, size_t *len);
/* The same, in the arena. */
struct slice buf_take_into(struct buf *b, struct arena *arena);
/* At least `want` (<= CHUNK_SIZE) writable bytes at the end; *room says how many there are.
 * Follow with buf_commit(b, written) before anything else touches the buf. */
uint8_t *buf_reserve(struct buf *b, size_t want, size_t *room);
void buf_commit(struct buf *b, size_t written);
