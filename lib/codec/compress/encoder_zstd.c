/* zstd by Facebook's library. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/compress/encoder_kind.h"

#include <zstd.h>

/* 256 kB. RFC 8878 §3.1.1.1.2 lets decoders refuse more than 8 MB. */
enum { WINDOW_BITS = 18 };

static bool reset(void *state, int level)
{
    return !ZSTD_isError(ZSTD_CCtx_reset(state, ZSTD_reset_session_and_parameters)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(state, ZSTD_c_compressionLevel, level)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(state, ZSTD_c_windowLog, WINDOW_BITS));
}

static void destroy(void *state)
{
    ZSTD_freeCCtx(state);
}

static void *create(int level)
{
    void *state = ZSTD_createCCtx();
    if (!state || reset(state, level))
        return state;
    destroy(state);
    return NULL;
}

static bool run(void *state, struct slice piece, enum encoder_flush flush, struct buf *out)
{
    static const ZSTD_EndDirective directives[] = {
        [ENCODER_GO_ON] = ZSTD_e_continue, [ENCODER_FLUSH] = ZSTD_e_flush,
        [ENCODER_END] = ZSTD_e_end};
    ZSTD_inBuffer in = {piece.ptr, piece.len, 0};
    size_t left;
    do {
        size_t room;
        uint8_t *to = buf_reserve(out, ENCODER_ROOM, &room);
        ZSTD_outBuffer o = {to, room, 0};
        left = ZSTD_compressStream2(state, &o, &in, directives[flush]);
        if (ZSTD_isError(left))
            return false;
        buf_commit(out, o.pos);
    } while (in.pos < in.size || (left && flush != ENCODER_GO_ON));
    return true;
}

const struct encoder_kind encoder_zstd = {
    .create = create, .destroy = destroy, .reset = reset, .run = run};
