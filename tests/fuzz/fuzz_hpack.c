/* HPACK: our decoder against nghttp2's on the same blocks, and what was decoded through our
 * encoder and back. The input is blocks, each behind one byte for its length.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <nghttp2/nghttp2.h>

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/codec/h2/hpack_decode.h"
#include "lib/codec/h2/hpack_encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK_OUT = 1 << 20, LARGEST = 1 << 18 };

struct fuzz {
    struct buf ours, theirs; /* the fields as text */
    struct hpack_encoder encoder;
    uint8_t *block, *to; /* what our encoder makes of them */
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void put(struct buf *to, struct slice name, struct slice value, bool never_index)
{
    buf_append(to, never_index ? "!" : " ", 1);
    buf_append_slice(to, name);
    buf_append(to, "=", 1);
    buf_append_slice(to, value);
    buf_append(to, "\n", 1);
}

static bool sink(void *owner, const struct hpack_field *f)
{
    struct fuzz *z = owner;
    must(f->id == hpack_table_id_of(f->name));
    put(&z->ours, f->name, f->value, f->never_index);
    if (!z->to || f->id == HPACK_PSEUDO)
        return true;
    size_t need = f->name.len + f->value.len + HPACK_FIELD_BOUND;
    if ((size_t)(z->to - z->block) + need < BLOCK_OUT)
        z->to = hpack_encode_field(&z->encoder, z->to, f->id, f->name, f->value, f->never_index);
    return z->ours.len < LARGEST;
}

/* nghttp2's opinion of a block; false when it is malformed. */
static bool inflate(nghttp2_hd_inflater *inflater, const uint8_t *in, size_t len, struct buf *to)
{
    int flags = 0;
    while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
        nghttp2_nv nv;
        flags = 0;
        ssize_t n = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, in, len, 1);
        if (n < 0)
            return false;
        in += n;
        len -= (size_t)n;
        if (flags & NGHTTP2_HD_INFLATE_EMIT)
            put(to, slice_of(nv.name, nv.namelen), slice_of(nv.value, nv.valuelen),
                nv.flags & NGHTTP2_NV_FLAG_NO_INDEX);
    }
    nghttp2_hd_inflate_end_headers(inflater);
    return true;
}

static bool buf_eq(const struct buf *a, const struct buf *b)
{
    if (a->len != b->len)
        return false;
    char *left = mem_alloc(a->len + 1), *right = mem_alloc(a->len + 1);
    buf_copy_out(a, left, a->len);
    buf_copy_out(b, right, b->len);
    bool equal = memcmp(left, right, a->len) == 0;
    mem_free(left);
    mem_free(right);
    return equal;
}

static bool one_block(struct fuzz *z, struct hpack_decoder *d, nghttp2_hd_inflater *inflater,
                      const uint8_t *in, size_t len)
{
    size_t used;
    hpack_decode_begin(d);
    enum hpack_result r = hpack_decode_bytes(d, in, len, &used);
    hpack_decode_end(d);
    must(used <= len && (r != HPACK_DONE || used == len));
    if (r == HPACK_STOPPED)
        return false;
    bool fine = inflate(inflater, in, len, &z->theirs);
    must(!(r == HPACK_DONE) || fine);
    if (r != HPACK_DONE)
        return false;
    must(buf_eq(&z->ours, &z->theirs));
    must(d->table.size <= d->table.max && d->table.max <= HPACK_TABLE_SIZE);
    return true;
}

/* What our encoder made of it must mean the same to nghttp2. */
static void check_encoded(struct fuzz *z, nghttp2_hd_inflater *inflater)
{
    struct buf again;
    buf_init(&again);
    must(inflate(inflater, z->block, (size_t)(z->to - z->block), &again));
    buf_dispose(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz z = {.block = mem_alloc(BLOCK_OUT)};
    struct hpack_decoder d;
    nghttp2_hd_inflater *theirs, *check;
    hpack_decode_init(&d, sink, &z);
    hpack_encode_init(&z.encoder);
    must(nghttp2_hd_inflate_new(&theirs) == 0 && nghttp2_hd_inflate_new(&check) == 0);
    bool fine = true;
    while (fine && size) {
        size_t len = *data++;
        size--;
        len = len < size ? len : size;
        z.to = hpack_encode_begin(&z.encoder, z.block);
        fine = one_block(&z, &d, theirs, data, len);
        check_encoded(&z, check);
        buf_dispose(&z.ours);
        buf_dispose(&z.theirs);
        data += len;
        size -= len;
    }
    nghttp2_hd_inflate_del(theirs);
    nghttp2_hd_inflate_del(check);
    hpack_encode_dispose(&z.encoder);
    hpack_decode_dispose(&d);
    mem_free(z.block);
    return 0;
}
