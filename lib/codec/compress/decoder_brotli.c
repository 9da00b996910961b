/* brotli by Google's library, whose memory is ours. It cannot begin anew: each body has its own.
 * What it remembers of a body is at most the format's largest window, 16 MB.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/compress/decoder_kind.h"

#include <brotli/decode.h>

#include "lib/codec/compress/block_shelf.h"

static void *create(void)
{
    return BrotliDecoderCreateInstance(block_shelf_give, block_shelf_take, NULL);
}

static void destroy(void *state)
{
    BrotliDecoderDestroyInstance(state);
}

static enum decoder_step run(void *state, struct slice *in, uint8_t *to, size_t room, size_t *made)
{
    const uint8_t *from = (const uint8_t *)in->ptr;
    size_t left = in->len, free = room;
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(state, &left, &from, &free, &to, NULL);
    *made = room - free;
    *in = slice_sub(*in, in->len - left, in->len);
    switch (result) {
    case BROTLI_DECODER_RESULT_SUCCESS:
        return STEP_END;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
        return STEP_HUNGRY;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
        return STEP_MORE;
    case BROTLI_DECODER_RESULT_ERROR:
        break;
    }
    return STEP_BAD;
}

const struct decoder_kind decoder_brotli = {.create = create, .destroy = destroy, .run = run};
