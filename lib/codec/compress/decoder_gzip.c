/* gzip and deflate by zlib, whose memory is ours. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/compress/decoder_kind.h"

#include <zlib.h>

#include "lib/base/mem.h"
#include "lib/codec/text/zlib_memory.h"

enum { WINDOW_BITS = 15, AS_GZIP = 16 };

struct inflater {
    z_stream z; /* first */
    uint8_t first[2]; /* of deflate: they tell whether it has a head */
    unsigned seen, fed;
};

static void *create(int bits)
{
    struct inflater *f = mem_zalloc(sizeof(*f));
    f->z.zalloc = zlib_memory_give;
    f->z.zfree = zlib_memory_take;
    if (inflateInit2(&f->z, bits) == Z_OK)
        return f;
    mem_free(f);
    return NULL;
}

static void *create_gzip(void)
{
    return create(WINDOW_BITS + AS_GZIP);
}

static void *create_deflate(void)
{
    return create(WINDOW_BITS);
}

static void destroy(void *state)
{
    struct inflater *f = state;
    inflateEnd(&f->z);
    mem_free(f);
}

static bool reset_gzip(void *state)
{
    struct inflater *f = state;
    return inflateReset(&f->z) == Z_OK;
}

static bool reset_deflate(void *state)
{
    struct inflater *f = state;
    f->seen = f->fed = 0;
    return inflateReset2(&f->z, WINDOW_BITS) == Z_OK;
}

static enum decoder_step inflate_some(z_stream *z, struct slice *in, uint8_t *to, size_t room,
                                      size_t *made)
{
    z->next_in = (unsigned char *)(uintptr_t)in->ptr;
    z->avail_in = (unsigned)in->len;
    z->next_out = to;
    z->avail_out = (unsigned)room;
    int status = inflate(z, Z_NO_FLUSH);
    *made = room - z->avail_out;
    *in = slice_sub(*in, in->len - z->avail_in, in->len);
    if (status == Z_STREAM_END)
        return STEP_END;
    if (status != Z_OK && status != Z_BUF_ERROR)
        return STEP_BAD;
    return in->len || !z->avail_out ? STEP_MORE : STEP_HUNGRY;
}

static enum decoder_step run_gzip(void *state, struct slice *in, uint8_t *to, size_t room,
                                  size_t *made)
{
    struct inflater *f = state;
    enum decoder_step step = inflate_some(&f->z, in, to, room, made);
    return step == STEP_END && inflateReset(&f->z) != Z_OK ? STEP_BAD : step;
}

/* RFC 1950 §2.2: the method is 8, and both bytes together are a multiple of 31. */
static bool has_head(const uint8_t first[2])
{
    return (first[0] & 15) == 8 && (first[0] << 8 | first[1]) % 31 == 0;
}

static enum decoder_step run_deflate(void *state, struct slice *in, uint8_t *to, size_t room,
                                     size_t *made)
{
    struct inflater *f = state;
    while (f->seen < 2 && in->len) {
        f->first[f->seen++] = (uint8_t)in->ptr[0];
        *in = slice_sub(*in, 1, in->len);
        if (f->seen == 2 && !has_head(f->first) && inflateReset2(&f->z, -WINDOW_BITS) != Z_OK)
            return STEP_BAD;
    }
    if (f->seen < 2)
        return STEP_HUNGRY;
    if (f->fed < 2) {
        struct slice first = slice_of((const char *)f->first + f->fed, 2 - f->fed);
        enum decoder_step step = inflate_some(&f->z, &first, to, room, made);
        f->fed = 2 - (unsigned)first.len;
        bool is_bad = step == STEP_END && first.len; /* something follows its end */
        return is_bad ? STEP_BAD : step == STEP_HUNGRY ? STEP_MORE : step;
    }
    return inflate_some(&f->z, in, to, room, made);
}

const struct decoder_kind decoder_gzip = {.create = create_gzip,
                                          .destroy = destroy,
                                          .reset = reset_gzip,
                                          .run = run_gzip,
                                          .is_chain = true};
const struct decoder_kind decoder_deflate = {
    .create = create_deflate, .destroy = destroy, .reset = reset_deflate, .run = run_deflate};
