/* Log lines for people: one line each, "2026-01-02T03:04:05.678Z level scope: text". Every byte
 * below 0x20 and every invalid UTF-8 byte of the text is escaped. A worker thread writes into its
 * own ring and never blocks (a full ring drops and counts); the control thread pumps the rings to
 * stderr. Threads that registered no ring write at once.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

extern _Atomic int log_threshold; /* an enum log_level */

#define LOG(level, scope, ...)                                                          \
    do {                                                                                \
        if ((int)(level) <= atomic_load_explicit(&log_threshold, memory_order_relaxed)) \
            log_write((level), (scope), __VA_ARGS__);                                   \
    } while (0)
#define LOG_E(scope, ...) LOG(LOG_ERROR, scope, __VA_ARGS__)
#define LOG_W(scope, ...) LOG(LOG_WARN, scope, __VA_ARGS__)
#define LOG_I(scope, ...) LOG(LOG_INFO, scope, __VA_ARGS__)
#define LOG_D(scope, ...) LOG(LOG_DEBUG, scope, __VA_ARGS__)

void log_write(enum log_level level, const char *scope, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A finished line for the access log (stdout), newline included by the caller. Same rings. */
void log_access(struct slice line);
/* "error", "warn", "info", "debug", "trace". */
MUST_USE enum err log_set_level(struct slice name);
/* This thread gets a ring from now on. Call once per worker, on the worker. */
void log_ring_attach(void);
void log_ring_detach(void); /* flushes what is left; on the worker, at its end */
/* On the control thread, often: writes out what the rings hold. */
void log_pump(void);
/* Lines lost to full rings since the start. */
uint64_t log_dropped(void);
