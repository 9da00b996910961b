/* Fuzz target: any bytes as the base64 of gRPC-Web, and as a body that becomes base64. However they
 * are cut, the same comes of them, and what was encoded is what it was when it is decoded.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/http/grpc_web_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static bool decode(struct slice all, size_t piece, struct buf *out)
{
    struct grpc_web_decoder d = {.count = 0};
    struct buf in;
    bool good = true;
    buf_init(&in);
    buf_init(out);
    for (size_t at = 0; at < all.len && good; at += piece) {
        buf_append_slice(&in, slice_sub(all, at, piece));
        good = grpc_web_frame_decode(&d, &in, out);
    }
    buf_dispose(&in);
    return good && grpc_web_frame_is_complete(&d);
}

static void encode(struct slice all, size_t piece, struct buf *out)
{
    struct grpc_web_encoder e = {.count = 0};
    struct buf in;
    buf_init(&in);
    buf_init(out);
    for (size_t at = 0; at < all.len; at += piece) {
        buf_append_slice(&in, slice_sub(all, at, piece));
        grpc_web_frame_encode(&e, &in, false, out);
    }
    grpc_web_frame_encode(&e, &in, true, out);
}

static void same(struct buf *a, struct buf *b)
{
    size_t len, other;
    char *x = buf_take_text(a, &len), *y = buf_take_text(b, &other);
    demand(len == other && memcmp(x, y, len) == 0);
    mem_free(x);
    mem_free(y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice all = slice_of((const char *)data + 1, size - 1);
    size_t piece = data[0] % 16 + 1u, len;
    struct buf whole, pieces, back;
    demand(decode(all, all.len, &whole) == decode(all, piece, &pieces));
    same(&whole, &pieces);
    encode(all, all.len, &whole);
    encode(all, piece, &pieces);
    char *text = buf_take_text(&whole, &len);
    demand(decode(slice_of(text, len), piece, &back));
    buf_append(&whole, text, len);
    same(&whole, &pieces);
    buf_append(&pieces, data + 1, size - 1);
    same(&back, &pieces);
    mem_free(text);
    return 0;
}
