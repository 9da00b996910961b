/* The ring behind log.c: the writer publishes whole lines, the reader takes whole lines. One
 * writing thread and one reading thread; no locks. Must not know where lines go.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/log_ring.h"

#include <string.h>

#include "lib/base/mem.h"

void log_ring_init(struct log_ring *r, size_t capacity)
{
    r->bytes = mem_alloc(capacity);
    r->capacity = capacity;
    atomic_init(&r->written, 0);
    atomic_init(&r->taken, 0);
}

void log_ring_dispose(struct log_ring *r)
{
    mem_free(r->bytes);
    r->bytes = NULL;
}

bool log_ring_put(struct log_ring *r, struct slice line)
{
    size_t written = atomic_load_explicit(&r->written, memory_order_relaxed);
    size_t taken = atomic_load_explicit(&r->taken, memory_order_acquire);
    if (line.len == 0 || line.len > r->capacity - (written - taken))
        return false;
    size_t at = written & (r->capacity - 1);
    size_t first = line.len < r->capacity - at ? line.len : r->capacity - at;
    memcpy(r->bytes + at, line.ptr, first);
    memcpy(r->bytes, line.ptr + first, line.len - first);
    atomic_store_explicit(&r->written, written + line.len, memory_order_release);
    return true;
}

/* Bytes up to and with the last newline within the first n. */
static size_t whole_lines(const char *text, size_t n)
{
    const char *end = memrchr(text, '\n', n);
    return end ? (size_t)(end - text) + 1 : 0;
}

size_t log_ring_take(struct log_ring *r, char *to, size_t room)
{
    size_t taken = atomic_load_explicit(&r->taken, memory_order_relaxed);
    size_t written = atomic_load_explicit(&r->written, memory_order_acquire);
    size_t n = written - taken < room ? written - taken : room;
    size_t at = taken & (r->capacity - 1);
    size_t first = n < r->capacity - at ? n : r->capacity - at;
    memcpy(to, r->bytes + at, first);
    memcpy(to + first, r->bytes, n - first);
    n = whole_lines(to, n);
    atomic_store_explicit(&r->taken, taken + n, memory_order_release);
    return n;
}
