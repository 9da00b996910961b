/* gzip by zlib, whose memory is ours. It cannot fail where there is room for its output, which the
 * buf always has.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/text/gzip.h"

#include <zlib.h>

#include "lib/base/mem.h"
#include "lib/codec/text/zlib_memory.h"

enum { WINDOW_BITS = 15, AS_GZIP = 16, MEMORY_LEVEL = 8, ROOM = 4096 };

struct gzip {
    z_stream z;
};

struct gzip *gzip_create(void)
{
    struct gzip *g = mem_zalloc(sizeof(*g));
    g->z.zalloc = zlib_memory_give;
    g->z.zfree = zlib_memory_take;
    if (deflateInit2(&g->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS + AS_GZIP, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) == Z_OK)
        return g;
    mem_free(g);
    return NULL;
}

void gzip_destroy(struct gzip *g)
{
    if (!g)
        return;
    deflateEnd(&g->z);
    mem_free(g);
}

static void run(struct gzip *g, int flush, struct buf *out)
{
    do {
        size_t room;
        g->z.next_out = buf_reserve(out, ROOM, &room);
        g->z.avail_out = (unsigned)room;
        (void)deflate(&g->z, flush);
        buf_commit(out, room - g->z.avail_out);
    } while (g->z.avail_out == 0);
}

void gzip_write(struct gzip *g, struct slice bytes, struct buf *out)
{
    g->z.next_in = (unsigned char *)(uintptr_t)bytes.ptr;
    g->z.avail_in = (unsigned)bytes.len;
    run(g, Z_NO_FLUSH, out);
}

void gzip_finish(struct gzip *g, struct buf *out)
{
    g->z.next_in = NULL;
    g->z.avail_in = 0;
    run(g, Z_FINISH, out);
}
