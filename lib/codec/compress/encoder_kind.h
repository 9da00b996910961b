/* What a coding is to encoder.c: a file encoder_<coding>.c with its table. Must not be included
 * outside of this folder.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/compress/encoder.h"

enum { ENCODER_ROOM = 4096 }; /* of output, asked for at a time */

struct encoder_kind {
    /* NULL: no memory. */
    void *(*create)(int level);
    void (*destroy)(void *state);
    /* For another body, of that level. False, or NULL instead: it cannot be used again. */
    bool (*reset)(void *state, int level);
    bool (*run)(void *state, struct slice piece, enum encoder_flush flush, struct buf *out);
};

extern const struct encoder_kind encoder_gzip, encoder_brotli, encoder_zstd;
