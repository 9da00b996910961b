/* The only door to the C heap. Small blocks come from per-thread free lists by size class, so that
 * the steady state of the request path never reaches libc; a block may be freed on any thread.
 * Exhaustion aborts: whatever a peer can size is bounded elsewhere. mem_pool.c is the real one,
 * mem_plain.c passes straight through to libc so that sanitizers see every block.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

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
/* Gives this thread's free blocks back to libc, and libc's free pages back to the system. Slow; for
 * a quiet moment after a burst. */
void mem_trim(void);
