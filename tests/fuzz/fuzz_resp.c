/* Fuzz target: any bytes as what a Redis server says, whole and in pieces. However they are cut,
 * the values and the verdict are the same, and every value can be copied and is within its bounds.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/codec/resp/resp_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 512 };

static void demand(bool holds)
{
    if (!holds)
        abort();
}

/* Every bit of it, so that a sanitizer sees what is not there. */
static void show(const struct resp_value *v, unsigned depth, struct buf *out)
{
    demand(depth <= RESP_DEPTH_MAX);
    char head[2] = {(char)('a' + v->type), (char)v->integer};
    buf_append(out, head, sizeof(head));
    buf_append_slice(out, v->text);
    for (uint32_t i = 0; i < v->count; i++)
        show(&v->items[i], depth + 1, out);
}

static enum err run(struct slice text, size_t step, struct buf *out)
{
    struct resp_reader r;
    struct arena kept;
    enum err e = ERR_AGAIN;
    resp_reader_init(&r, BYTES_MAX);
    arena_init(&kept, 1024);
    for (size_t at = 0; at < text.len && (e == ERR_OK || e == ERR_AGAIN);) {
        struct slice piece = slice_sub(text, at, step);
        size_t before = piece.len;
        e = resp_reader_feed(&r, &piece);
        at += before - piece.len;
        if (e == ERR_OK)
            show(resp_value_copy(&kept, &r.root), 0, out);
    }
    arena_dispose(&kept);
    resp_reader_dispose(&r);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, pieces;
    if (size == 0)
        return 0;
    struct slice text = slice_of(data + 1, size - 1);
    buf_init(&whole);
    buf_init(&pieces);
    enum err e = run(text, text.len + 1, &whole);
    demand(e == run(text, data[0] % 16 + 1u, &pieces));
    size_t len, other_len;
    char *a = buf_take_text(&whole, &len), *b = buf_take_text(&pieces, &other_len);
    demand(len == other_len && memcmp(a, b, len) == 0);
    mem_free(a);
    mem_free(b);
    return 0;
}
