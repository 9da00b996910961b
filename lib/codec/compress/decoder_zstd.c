/* zstd by Facebook's library. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/compress/decoder_kind.h"

#include <zstd.h>

/* 8 MB, what RFC 8878 §3.1.1.1.2 wants of everybody, and RFC 9659 §3 allows in HTTP. */
enum { WINDOW_BITS = 23 };
/* One that a large window has made large is not kept for the next body. */
#define KEPT_SIZE_MAX (1u << 20)

static void destroy(void *state)
{
    ZSTD_freeDCtx(state);
}

static void *create(void)
{
    void *state = ZSTD_createDCtx();
    if (!state || !ZSTD_isError(ZSTD_DCtx_setParameter(state, ZSTD_d_windowLogMax, WINDOW_BITS)))
        return state;
    destroy(state);
    return NULL;
}

static bool reset(void *state)
{
    return ZSTD_sizeof_DCtx(state) <= KEPT_SIZE_MAX &&
           !ZSTD_isError(ZSTD_DCtx_reset(state, ZSTD_reset_session_only));
}

static enum decoder_step run(void *state, struct slice *in, uint8_t *to, size_t room, size_t *made)
{
    ZSTD_inBuffer from = {in->ptr, in->len, 0};
    ZSTD_outBuffer out = {to, room, 0};
    size_t left = ZSTD_decompressStream(state, &out, &from);
    *made = out.pos;
    *in = slice_sub(*in, from.pos, in->len);
    if (ZSTD_isError(left))
        return STEP_BAD;
    if (left == 0)
        return STEP_END;
    return in->len || out.pos == out.size ? STEP_MORE : STEP_HUNGRY;
}

const struct decoder_kind decoder_zstd = {
    .create = create, .destroy = destroy, .reset = reset, .run = run, .is_chain = true};
