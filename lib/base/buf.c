/* Queues of views into reference-counted chunks. A segment is one view; a chunk lives as long as
 * some segment or holder refers to it. Everything of one buf stays on one worker. Must not know
 * what the bytes mean nor where they go.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/mem.h"

enum {
    COPY_BELOW = 512,                                  /* a shorter piece does not pin a chunk */
    SMALL_CAPACITY = 2048 - (int)sizeof(struct chunk), /* the first chunk of an empty buf */
};

struct buf_segment {
    struct buf_segment *next;
    struct chunk *chunk;
    uint8_t *data;
    size_t len;
};

struct chunk *chunk_create(uint32_t capacity)
{
    struct chunk *c = mem_alloc(sizeof(*c) + capacity);
    c->refs = 1;
    c->capacity = capacity;
    c->used = 0;
    return c;
}

/* Lies where another chunk has its bytes; a capacity of 0 tells it from those. */
struct lender {
    void (*release)(void *owner);
    void *owner;
};

struct chunk *chunk_create_lent(void (*release)(void *owner), void *owner)
{
    struct chunk *c = mem_alloc(sizeof(*c) + sizeof(struct lender));
    c->refs = 1;
    c->capacity = c->used = 0;
    memcpy(c->data, &(struct lender){release, owner}, sizeof(struct lender));
    return c;
}

struct chunk *chunk_ref(struct chunk *c)
{
    c->refs++;
    return c;
}

void chunk_unref(struct chunk *c)
{
    struct lender of;
    if (!c || --c->refs)
        return;
    if (c->capacity == 0) {
        memcpy(&of, c->data, sizeof(of));
        of.release(of.owner);
    }
    mem_free(c);
}

void buf_init(struct buf *b)
{
    b->head = b->tail = NULL;
    b->len = 0;
}

static void free_segment(struct buf_segment *s)
{
    chunk_unref(s->chunk);
    mem_free(s);
}

void buf_drop_segments(struct buf *b)
{
    struct buf_segment *s = b->head;
    while (s) {
        struct buf_segment *next = s->next;
        free_segment(s);
        s = next;
    }
    buf_init(b);
}

static void link_last(struct buf *b, struct buf_segment *s)
{
    s->next = NULL;
    if (b->tail)
        b->tail->next = s;
    else
        b->head = s;
    b->tail = s;
}

/* Takes over the caller's reference to the chunk. */
static struct buf_segment *add_segment(struct buf *b, struct chunk *c, uint8_t *data, size_t len)
{
    struct buf_segment *s = mem_alloc(sizeof(*s));
    s->chunk = c;
    s->data = data;
    s->len = len;
    link_last(b, s);
    b->len += len;
    return s;
}

/* Bytes that may be written right behind the tail. */
static size_t tail_room(const struct buf *b)
{
    const struct buf_segment *s = b->tail;
    if (!s || s->chunk->refs != 1 || s->data + s->len != s->chunk->data + s->chunk->used)
        return 0;
    return s->chunk->capacity - s->chunk->used;
}

static void write_tail(struct buf *b, const uint8_t *data, size_t len)
{
    struct buf_segment *s = b->tail;
    memcpy(s->data + s->len, data, len);
    s->len += len;
    s->chunk->used += (uint32_t)len;
    b->len += len;
}

static void add_chunk(struct buf *b, size_t want)
{
    bool small = b->len == 0 && want <= SMALL_CAPACITY;
    struct chunk *c = chunk_create(small ? SMALL_CAPACITY : CHUNK_SIZE);
    add_segment(b, c, c->data, 0);
}

void buf_append(struct buf *b, const void *data, size_t len)
{
    const uint8_t *from = data;
    while (len) {
        size_t room = tail_room(b);
        if (room == 0) {
            add_chunk(b, len);
            room = tail_room(b);
        }
        size_t n = len < room ? len : room;
        write_tail(b, from, n);
        from += n;
        len -= n;
    }
}

void buf_append_shared(struct buf *b, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct buf_segment *tail = b->tail;
    if (len == 0)
        return;
    if (owner && tail && tail->chunk == owner && tail->data + tail->len == data) {
        tail->len += len;
        b->len += len;
    } else if (!owner || len < COPY_BELOW) {
        buf_append(b, data, len);
    } else {
        add_segment(b, chunk_ref(owner), (uint8_t *)(uintptr_t)data, len);
    }
}

void buf_move(struct buf *dst, struct buf *src, size_t n)
{
    while (n) {
        struct buf_segment *s = src->head;
        if (s->len > n) {
            buf_append_shared(dst, s->chunk, s->data, n);
            buf_drain(src, n);
            return;
        }
        src->head = s->next;
        if (!src->head)
            src->tail = NULL;
        src->len -= s->len;
        dst->len += s->len;
        n -= s->len;
        link_last(dst, s);
    }
}

void buf_share(struct buf *dst, const struct buf *src)
{
    for (struct buf_segment *s = src->head; s; s = s->next)
        buf_append_shared(dst, s->chunk, s->data, s->len);
}

void buf_drain(struct buf *b, size_t n)
{
    if (n > b->len)
        abort();
    b->len -= n;
    while (n) {
        struct buf_segment *s = b->head;
        if (s->len > n) {
            s->data += n;
            s->len -= n;
            return;
        }
        n -= s->len;
        b->head = s->next;
        if (!b->head)
            b->tail = NULL;
        free_segment(s);
    }
}

struct slice buf_front(const struct buf *b)
{
    return b->len ? slice_of(b->head->data, b->head->len) : (struct slice){NULL, 0};
}

size_t buf_peek(const struct buf *b, struct iovec *vectors, size_t max)
{
    size_t n = 0;
    for (struct buf_segment *s = b->head; s && n < max; s = s->next)
        vectors[n++] = (struct iovec){s->data, s->len};
    return n;
}

void buf_copy_out(const struct buf *b, void *to, size_t n)
{
    uint8_t *out = to;
    for (struct buf_segment *s = b->head; n; s = s->next) {
        size_t part = s->len < n ? s->len : n;
        memcpy(out, s->data, part);
        out += part;
        n -= part;
    }
}

static size_t take(struct buf *b, char *to)
{
    size_t len = b->len;
    buf_copy_out(b, to, len);
    to[len] = '\0';
    buf_dispose(b);
    return len;
}

char *buf_take_text(struct buf *b, size_t *len)
{
    char *text = mem_alloc(b->len + 1);
    size_t n = take(b, text);
    if (len)
        *len = n;
    return text;
}

struct slice buf_take_into(struct buf *b, struct arena *arena)
{
    char *text = arena_alloc(arena, b->len + 1);
    return slice_of(text, take(b, text));
}

uint8_t *buf_reserve(struct buf *b, size_t want, size_t *room)
{
    size_t have = tail_room(b);
    if (have == 0 || have < want) {
        add_chunk(b, want);
        have = tail_room(b);
    }
    *room = have;
    return b->tail->data + b->tail->len;
}

/* A reservation that got no bytes must not leave an empty segment behind: the others rely on none.
 */
static void drop_empty_tail(struct buf *b)
{
    struct buf_segment *empty = b->tail, *before = NULL;
    for (struct buf_segment *s = b->head; s != empty; s = s->next)
        before = s;
    if (before)
        before->next = NULL;
    else
        b->head = NULL;
    b->tail = before;
    free_segment(empty);
}

void buf_commit(struct buf *b, size_t written)
{
    struct buf_segment *s = b->tail;
    if (written > tail_room(b))
        abort();
    s->len += written;
    s->chunk->used += (uint32_t)written;
    b->len += written;
    if (s->len == 0)
        drop_empty_tail(b);
}
