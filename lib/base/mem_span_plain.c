/* Spans of pages for sanitizer builds: each is a block of libc's, so that every use after it was
 * given is seen. Any thread. mem_span.c is the one for real builds.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

void *mem_pages_take(size_t size)
{
    void *pages = calloc(1, size);
    return pages ? pages : (abort(), NULL);
}

void mem_pages_give(void *pages, size_t size)
{
    (void)size;
    free(pages);
}

void *mem_span_take(void)
{
    void *span = aligned_alloc(MEM_PAGE, MEM_SPAN);
    return span ? memset(span, 0, MEM_SPAN) : (abort(), NULL);
}

void mem_span_give(void *span)
{
    free(span);
}

bool mem_span_rest(void *span)
{
    const char *bytes = span;
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, MEM_PAGE - 1) == 0;
}

void mem_span_trim(void)
{
}
