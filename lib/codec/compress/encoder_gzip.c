/* gzip by zlib, whose memory is ours. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/compress/encoder_kind.h"

#include <zlib.h>

#include "lib/base/mem.h"
#include "lib/codec/text/zlib_memory.h"

enum { WINDOW_BITS = 15, AS_GZIP = 16, MEMORY_LEVEL = 8 };

static void *create(int level)
{
    z_stream *z = mem_zalloc(sizeof(*z));
    z->zalloc = zlib_memory_give;
    z->zfree = zlib_memory_take;
    if (deflateInit2(z, level, Z_DEFLATED, WINDOW_BITS + AS_GZIP, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) == Z_OK)
        return z;
    mem_free(z);
    return NULL;
}

static void destroy(void *state)
{
    deflateEnd(state);
    mem_free(state);
}

static bool reset(void *state, int level)
{
    z_stream *z = state;
    z->next_in = NULL;
    z->avail_in = 0;
    return deflateReset(z) == Z_OK && deflateParams(z, level, Z_DEFAULT_STRATEGY) == Z_OK;
}

static bool run(void *state, struct slice piece, enum encoder_flush flush, struct buf *out)
{
    static const int modes[] = {[ENCODER_GO_ON] = Z_NO_FLUSH, [ENCODER_FLUSH] = Z_SYNC_FLUSH,
                                [ENCODER_END] = Z_FINISH};
    z_stream *z = state;
    z->next_in = (unsigned char *)(uintptr_t)piece.ptr;
    z->avail_in = (unsigned)piece.len;
    int status;
    do {
        size_t room;
        z->next_out = buf_reserve(out, ENCODER_ROOM, &room);
        z->avail_out = (unsigned)room;
        status = deflate(z, modes[flush]);
        buf_commit(out, room - z->avail_out);
    } while (status == Z_OK && (z->avail_out == 0 || (flush == ENCODER_END)));
    return status == Z_OK || status == Z_BUF_ERROR || status == Z_STREAM_END;
}

const struct encoder_kind encoder_gzip = {
    .create = create, .destroy = destroy, .reset = reset, .run = run};
