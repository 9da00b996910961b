/* Fuzz target: any bytes as each coding, whole and in pieces. However they are cut and however
 * little is taken at a time, the bytes that come out and the verdict are the same, and it ends.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/compress/decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 1 << 20 };

struct got {
    struct buf bytes;
    bool is_bad, is_complete, is_large;
};

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static struct got run(enum decoder_coding coding, struct slice all, size_t piece, size_t most)
{
    struct got g = {.is_bad = false};
    struct decoder *d = decoder_take(coding);
    buf_init(&g.bytes);
    for (size_t at = 0; at < all.len && !g.is_bad && !g.is_large; at += piece) {
        struct slice in = slice_sub(all, at, piece);
        enum decoder_result result = DECODER_FULL;
        while (result == DECODER_FULL && !g.is_large) {
            size_t had = g.bytes.len;
            result = decoder_run(d, &in, most, &g.bytes);
            demand(result != DECODER_FULL || g.bytes.len >= had + most);
            demand(result != DECODER_HUNGRY || in.len == 0);
            g.is_large = g.bytes.len > OUT_MAX;
        }
        g.is_bad = result == DECODER_BAD;
    }
    g.is_complete = decoder_is_complete(d);
    decoder_give(d);
    return g;
}

static void same(const struct got *a, const struct got *b)
{
    if (a->is_large || b->is_large)
        return; /* nobody went to the end */
    demand(a->is_bad == b->is_bad && (a->is_bad || a->is_complete == b->is_complete));
    size_t len = a->bytes.len < b->bytes.len ? a->bytes.len : b->bytes.len;
    demand(a->is_bad || a->bytes.len == b->bytes.len);
    char *x = mem_alloc(len + 1), *y = mem_alloc(len + 1);
    buf_copy_out(&a->bytes, x, len);
    buf_copy_out(&b->bytes, y, len);
    demand(memcmp(x, y, len) == 0);
    mem_free(x);
    mem_free(y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice all = slice_of((const char *)data + 1, size - 1);
    for (int coding = 0; coding < DECODER_COUNT; coding++) {
        struct got whole = run((enum decoder_coding)coding, all, all.len, 65536);
        struct got pieces = run((enum decoder_coding)coding, all, data[0] % 16 + 1u, 1000);
        same(&whole, &pieces);
        buf_dispose(&whole.bytes);
        buf_dispose(&pieces.bytes);
    }
    return 0;
}
