/* Spans of pages, cut from regions that are never unmapped: what nobody uses costs addresses only.
 * Not in sanitizer builds, where mem_plain.c has its own. Any thread; a lock, since spans come and
 * go with connections and not with requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/mem.h"

enum { REGION = 1 << 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    void **spans; /* a stack */
    size_t count, capacity;
    size_t resting; /* of the lowest ones: nothing of them is in memory */
} unused;

static void push(void *span)
{
    if (unused.count == unused.capacity) {
        unused.capacity = unused.capacity ? unused.capacity * 2 : REGION / MEM_SPAN;
        unused.spans = mem_realloc(unused.spans, unused.capacity * sizeof(void *));
    }
    unused.spans[unused.count++] = span;
}

void *mem_pages_take(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        fprintf(stderr, "out of memory: %zu bytes of addresses refused\n", size);
        abort();
    }
    /* A huge page would be in memory as a whole for one byte of it. */
    (void)madvise(pages, size, MADV_NOHUGEPAGE);
    return pages;
}

void mem_pages_give(void *pages, size_t size)
{
    if (pages)
        munmap(pages, size);
}

static void map_region(void)
{
    char *region = mem_pages_take(REGION);
    for (size_t at = REGION; at > 0; at -= MEM_SPAN)
        push(region + at - MEM_SPAN);
    unused.resting = unused.count;
}

void *mem_span_take(void)
{
    pthread_mutex_lock(&lock);
    if (unused.count == 0)
        map_region();
    void *span = unused.spans[--unused.count];
    if (unused.resting > unused.count)
        unused.resting = unused.count;
    pthread_mutex_unlock(&lock);
    return span;
}

void mem_span_give(void *span)
{
    if (!span)
        return;
    memset(span, 0, MEM_PAGE);
    pthread_mutex_lock(&lock);
    push(span);
    pthread_mutex_unlock(&lock);
}

static bool is_zero(const void *page)
{
    const char *bytes = page;
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, MEM_PAGE - 1) == 0;
}

bool mem_span_rest(void *span)
{
    return is_zero(span) && madvise(span, MEM_PAGE, MADV_DONTNEED) == 0;
}

void mem_span_trim(void)
{
    pthread_mutex_lock(&lock);
    for (; unused.resting < unused.count; unused.resting++)
        (void)madvise(unused.spans[unused.resting], MEM_SPAN, MADV_DONTNEED);
    pthread_mutex_unlock(&lock);
}
