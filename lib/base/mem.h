/* The only listener to the C heap. Small blocks come from per-thread free lists by size class, so
 * that the steady state of the request path never reaches libc; a block may be freed on any thread.
 * Exhaustion aborts: whatever a peer can size is bounded elsewhere. mem_pool.c is the real one,
 * mem_plain.c passes straight through to libc so that sanitizers see every block.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Never NULL; aligned for any type. */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_realloc(void *block, size_t size);
/* NULL is allowed. */
void mem_free(void *block);
/* NUL-terminated copies; mem_free them. */
char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t len);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How many blocks were asked of libc since the process started, over all threads: what the steady
 * state must not raise. */
uint64_t mem_fresh_count(void);
/* Gives all of this thread's free blocks back to libc. Slow. */
void mem_trim(void);
/* Sets aside those that were not needed since the last call: what a burst has left. */
void mem_age(void);
/* Gives up to `max` of what is set aside back to libc; true: there are more. */
bool mem_trim_aged(unsigned max);
/* Gives libc's free pages back to the system, if enough was given to libc since the last time to be
 * worth it. Slow, and whoever asks libc for memory meanwhile waits: not for a thread that serves.
 */
void mem_return(void);
/* Once, before any thread: what libc is told, so that freed memory can be given back. */
void mem_set_up(void);

/* Zeroed pages that cost no memory until they are written to: for large tables of which little may
 * be used. Any thread; a system call each. size: bytes, the same for both. */
void *mem_pages_take(size_t size);
/* NULL is allowed. */
void mem_pages_give(void *pages, size_t size);

/* Spans of two pages, zeroed when taken, that cost no memory until they are written to, and none
 * again when they are given a rest while all of the first is zero: for what is large, seldom used
 * and there once for each connection. Any thread. */
#define MEM_PAGE 4096u
#define MEM_SPAN (2 * MEM_PAGE)
void *mem_span_take(void);
/* NULL is allowed. */
void mem_span_give(void *span);
/* True: it is at rest. One system call; nobody may use the span meanwhile. */
bool mem_span_rest(void *span);
/* For mem_return: those that nobody has. */
void mem_span_trim(void);
