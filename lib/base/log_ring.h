/* A lock-free ring of finished lines between one writing and one reading thread. The log's own
 * part.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

struct log_ring {
    char *bytes;
    size_t capacity;        /* a power of two */
    char apart[64];         /* the two ends write to cache lines of their own */
    _Atomic size_t written; /* moved by the writer; never wraps back */
    char apart_too[64];
    _Atomic size_t taken; /* moved by the reader */
};

void log_ring_init(struct log_ring *r, size_t capacity);
void log_ring_dispose(struct log_ring *r);
/* Writer. False when the line does not fit; then nothing was written. */
bool log_ring_put(struct log_ring *r, struct slice line);
/* Reader. Takes as many whole lines as fit into `to`; returns the bytes taken. `room` must be able
 * to hold the longest line. */
size_t log_ring_take(struct log_ring *r, char *to, size_t room);
