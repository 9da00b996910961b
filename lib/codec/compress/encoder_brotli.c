/* brotli by Google's library, whose memory is ours. It cannot begin anew: each body has its own.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/compress/encoder_kind.h"

#include <brotli/encode.h>

#include "lib/codec/compress/block_shelf.h"

/* 256 kB: what browsers keep of a body is bounded, and so is what we do. */
enum { WINDOW_BITS = 18 };

static void *create(int level)
{
    BrotliEncoderState *s = BrotliEncoderCreateInstance(block_shelf_give, block_shelf_take, NULL);
    if (s) {
        BrotliEncoderSetParameter(s, BROTLI_PARAM_QUALITY, (uint32_t)level);
        BrotliEncoderSetParameter(s, BROTLI_PARAM_LGWIN, WINDOW_BITS);
    }
    return s;
}

static void destroy(void *state)
{
    BrotliEncoderDestroyInstance(state);
}

static bool run(void *state, struct slice piece, enum encoder_flush flush, struct buf *out)
{
    static const BrotliEncoderOperation operations[] = {
        [ENCODER_GO_ON] = BROTLI_OPERATION_PROCESS,
        [ENCODER_FLUSH] = BROTLI_OPERATION_FLUSH,
        [ENCODER_END] = BROTLI_OPERATION_FINISH};
    const uint8_t *from = (const uint8_t *)piece.ptr;
    size_t left = piece.len;
    do {
        size_t room, free;
        uint8_t *to = buf_reserve(out, ENCODER_ROOM, &room);
        free = room;
        if (!BrotliEncoderCompressStream(state, operations[flush], &left, &from, &free, &to, NULL))
            return false;
        buf_commit(out, room - free);
    } while (left || BrotliEncoderHasMoreOutput(state));
    return true;
}

const struct encoder_kind encoder_brotli = {.create = create, .destroy = destroy, .run = run};
