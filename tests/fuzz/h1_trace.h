/* What HTTP/1 bytes mean to our parser, as text: one trace of messages, the same however the bytes
 * are cut. For the fuzz targets. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/codec/http/h1_head.h"

/* Appends the trace of all messages in data, given in pieces of `step` bytes; false when they end
 * in a fault. Aborts when a message that was taken does not survive being written and read again.
 */
bool h1_trace(struct buf *trace, enum h1_role role, const uint8_t *data, size_t len, size_t step);
/* The same traces in one piece, byte by byte, and in pieces of `step`; and one piece is not taken
 * for better than many. */
void h1_trace_compare(enum h1_role role, const uint8_t *data, size_t len, size_t step);
