/* Padding, priority and fragments of header blocks (RFC 9113 §4.3, §6.2, §6.10). Part of one
 * struct h2, on its thread. Must not know nghttp2 nor streams.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2_block.h"

#include <string.h>

#include "lib/base/mem.h"

enum {
    FLAG_END_STREAM = 0x1,
    FLAG_END_HEADERS = 0x4,
    FLAG_PADDED = 0x8,
    FLAG_PRIORITY = 0x20,
    PRIORITY_LEN = 5,
    CARRY_MIN = 512,
    DECODED_FACTOR = 4, /* times the limit: beyond that the peer only wants to keep us busy */
};

static bool fault(struct h2_block *b, enum h2_code code, const char *reason)
{
    if (!b->reason) {
        b->code = code;
        b->reason = reason;
    }
    return false;
}

static bool take_field(void *owner, const struct hpack_field *f)
{
    struct h2_block *b = owner;
    h2_head_add(&b->head, f);
    if (b->head.list_bytes <= b->too_much)
        return true;
    return fault(b, H2_ENHANCE_YOUR_CALM, "header block decodes to far more than the limit");
}

void h2_block_init(struct h2_block *b, const struct h2_head_limits *limits)
{
    *b = (struct h2_block){0};
    hpack_decode_init(&b->decoder, take_field, b);
    h2_head_init(&b->head, limits);
    b->too_much = ((uint64_t)limits->max_bytes + limits->max_target) * DECODED_FACTOR;
}

static void drop_carry(struct h2_block *b)
{
    mem_free(b->carry);
    b->carry = NULL;
    b->carry_len = b->carry_room = 0;
}

void h2_block_dispose(struct h2_block *b)
{
    drop_carry(b);
    h2_head_reset(&b->head);
    hpack_decode_dispose(&b->decoder);
}

bool h2_block_begin(struct h2_block *b, const struct h2_frame *f, enum h2_head_kind kind)
{
    b->id = f->id;
    b->open = true;
    b->end_stream = f->flags & FLAG_END_STREAM;
    b->frame_flags = f->flags;
    b->prefix_len = 0;
    b->prefix_want =
        (uint8_t)((f->flags & FLAG_PADDED ? 1 : 0) + (f->flags & FLAG_PRIORITY ? PRIORITY_LEN : 0));
    b->pad_left = 0;
    if (f->length < b->prefix_want)
        return fault(b, H2_FRAME_SIZE_ERROR, "HEADERS is too short for its flags");
    b->fragment_left = f->length - b->prefix_want;
    h2_head_begin(&b->head, kind, b->end_stream);
    hpack_decode_begin(&b->decoder);
    return true;
}

bool h2_block_continue(struct h2_block *b, const struct h2_frame *f)
{
    if (f->id != b->id)
        return fault(b, H2_PROTOCOL_ERROR, "CONTINUATION on another stream");
    b->frame_flags = f->flags;
    b->prefix_len = b->prefix_want = 0;
    b->pad_left = 0;
    b->fragment_left = f->length;
    return true;
}

static bool read_prefix(struct h2_block *b)
{
    const uint8_t *at = b->prefix;
    if (b->frame_flags & FLAG_PADDED) {
        b->pad_left = *at++;
        if (b->pad_left > b->fragment_left)
            return fault(b, H2_PROTOCOL_ERROR, "padding is longer than the frame");
        b->fragment_left -= b->pad_left;
    }
    if (!(b->frame_flags & FLAG_PRIORITY))
        return true;
    uint32_t on = ((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]) &
                  0x7fffffffu;
    return on == b->id ? fault(b, H2_PROTOCOL_ERROR, "stream depends on itself") : true;
}

static bool decode(struct h2_block *b, const uint8_t *data, size_t len, size_t *used)
{
    switch (hpack_decode_bytes(&b->decoder, data, len, used)) {
    case HPACK_BAD:
        return fault(b, H2_COMPRESSION_ERROR, "header block is malformed");
    case HPACK_STOPPED:
        return fault(b, H2_PROTOCOL_ERROR, "header block was not taken");
    default:
        return true;
    }
}

/* The number of CONTINUATION frames bounds what can gather here. */
static void carry(struct h2_block *b, const uint8_t *data, size_t len)
{
    if (len > b->carry_room - b->carry_len) {
        size_t room = b->carry_room ? b->carry_room : CARRY_MIN;
        while (len > room - b->carry_len)
            room *= 2;
        b->carry = mem_realloc(b->carry, room);
        b->carry_room = room;
    }
    memcpy(b->carry + b->carry_len, data, len);
    b->carry_len += len;
}

static bool take_fragment(struct h2_block *b, const uint8_t *data, size_t len)
{
    size_t used;
    if (b->carry_len == 0) {
        if (!decode(b, data, len, &used))
            return false;
        if (used < len)
            carry(b, data + used, len - used);
        return true;
    }
    carry(b, data, len);
    if (!decode(b, b->carry, b->carry_len, &used))
        return false;
    b->carry_len -= used;
    memmove(b->carry, b->carry + used, b->carry_len);
    return true;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

bool h2_block_payload(struct h2_block *b, const uint8_t *data, size_t len)
{
    size_t n = min_size((size_t)(b->prefix_want - b->prefix_len), len);
    if (n) {
        memcpy(b->prefix + b->prefix_len, data, n);
        b->prefix_len += (uint8_t)n;
        data += n;
        len -= n;
        if (b->prefix_len == b->prefix_want && !read_prefix(b))
            return false;
    }
    n = min_size(b->fragment_left, len);
    b->fragment_left -= (uint32_t)n;
    return n ? take_fragment(b, data, n) : true;
}

bool h2_block_end_frame(struct h2_block *b)
{
    if (!(b->frame_flags & FLAG_END_HEADERS))
        return true;
    if (b->carry_len)
        return fault(b, H2_COMPRESSION_ERROR, "header block ends inside of a field");
    drop_carry(b);
    hpack_decode_end(&b->decoder);
    b->open = false;
    return true;
}
