/* zstd by Facebook's library, of RFC 8878 alone: the library may also know what came before it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/compress/decoder_kind.h"

#include <zstd.h>

#include "lib/base/mem.h"

/* 8 MB, what RFC 8878 §3.1.1.1.2 wants of everybody, and RFC 9659 §3 allows in HTTP. */
enum { WINDOW_BITS = 23, MAGIC = 4 };
/* One that a large window has made large is not kept for the next body. */
#define KEPT_SIZE_MAX (1u << 20)

struct unzipper {
    ZSTD_DCtx *context;
    uint8_t magic[MAGIC]; /* how a frame begins */
    unsigned seen;        /* bytes of that; MAGIC: the library has had them */
};

static void destroy(void *state)
{
    struct unzipper *u = state;
    ZSTD_freeDCtx(u->context);
    mem_free(u);
}

static void *create(void)
{
    struct unzipper *u = mem_zalloc(sizeof(*u));
    u->context = ZSTD_createDCtx();
    if (u->context &&
        !ZSTD_isError(ZSTD_DCtx_setParameter(u->context, ZSTD_d_windowLogMax, WINDOW_BITS)))
        return u;
    destroy(u);
    return NULL;
}

static bool reset(void *state)
{
    struct unzipper *u = state;
    u->seen = 0;
    return ZSTD_sizeof_DCtx(u->context) <= KEPT_SIZE_MAX &&
           !ZSTD_isError(ZSTD_DCtx_reset(u->context, ZSTD_reset_session_only));
}

/* RFC 8878 §3.1.1 and §3.1.2: a frame, or one that is to be skipped. */
static bool is_frame(const uint8_t magic[MAGIC])
{
    uint32_t number = (uint32_t)magic[3] << 24 | (uint32_t)magic[2] << 16 |
                      (uint32_t)magic[1] << 8 | magic[0];
    return number == ZSTD_MAGICNUMBER ||
           (number & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

/* False: nothing that we know begins so. */
static bool take_magic(struct unzipper *u, struct slice *in)
{
    while (u->seen < MAGIC && in->len) {
        u->magic[u->seen++] = (uint8_t)in->ptr[0];
        *in = slice_sub(*in, 1, in->len);
        if (u->seen < MAGIC)
            continue;
        ZSTD_inBuffer from = {u->magic, MAGIC, 0};
        ZSTD_outBuffer none = {NULL, 0, 0};
        if (!is_frame(u->magic) ||
            ZSTD_isError(ZSTD_decompressStream(u->context, &none, &from)) || from.pos != MAGIC)
            return false;
    }
    return true;
}

static enum decoder_step run(void *state, struct slice *in, uint8_t *to, size_t room, size_t *made)
{
    struct unzipper *u = state;
    if (!take_magic(u, in))
        return STEP_BAD;
    if (u->seen < MAGIC)
        return STEP_HUNGRY;
    ZSTD_inBuffer from = {in->ptr, in->len, 0};
    ZSTD_outBuffer out = {to, room, 0};
    size_t left = ZSTD_decompressStream(u->context, &out, &from);
    *made = out.pos;
    *in = slice_sub(*in, from.pos, in->len);
    if (ZSTD_isError(left))
        return STEP_BAD;
    if (left == 0) {
        u->seen = 0;
        return STEP_END;
    }
    return in->len || out.pos == out.size ? STEP_MORE : STEP_HUNGRY;
}

const struct decoder_kind decoder_zstd = {
    .create = create, .destroy = destroy, .reset = reset, .run = run, .is_chain = true};
