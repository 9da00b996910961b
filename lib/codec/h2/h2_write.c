/* Header blocks out: nghttp2 sends an empty one, and the real one, encoded by our own HPACK, is
 * written in its place. On the connection's thread; must not know streams.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2_priv.h"

#include <string.h>

#include "lib/base/mem.h"

enum { END_HEADERS = 0x4, PIECE_MAX = 8192 /* what one reservation of the output may ask for */ };

/* Secrets must not lie in a table that others can probe. */
static const bool secrets[HEADER_COUNT] = {
    [HEADER_AUTHORIZATION] = true,
    [HEADER_PROXY_AUTHORIZATION] = true,
    [HEADER_COOKIE] = true,
    [HEADER_SET_COOKIE] = true,
};

static size_t bound_of(const struct h2_out_head *out)
{
    const struct message *m = out->head;
    const struct headers *headers = m ? &m->headers : out->trailers;
    size_t bound = HPACK_BEGIN_BOUND;
    if (m)
        bound += 4 * (HPACK_FIELD_BOUND + sizeof(":authority")) + m->method.len + m->path.len +
                 m->scheme.len + m->authority.len;
    for (uint32_t i = 0; i < headers->count; i++)
        bound += headers->items[i].name.len + headers->items[i].value.len + HPACK_FIELD_BOUND;
    return bound;
}

static uint8_t *encode_pseudo(struct hpack_encoder *e, uint8_t *to, const struct message *m)
{
    if (m->status) {
        const char text[3] = {(char)('0' + m->status / 100 % 10), (char)('0' + m->status / 10 % 10),
                              (char)('0' + m->status % 10)};
        return hpack_encode_field(e, to, HPACK_STATUS, SLICE(":status"), slice_of(text, 3), false);
    }
    to = hpack_encode_field(e, to, HPACK_METHOD, SLICE(":method"), m->method, false);
    if (!slice_eq(m->method, SLICE("CONNECT"))) {
        struct slice scheme = m->scheme.len ? m->scheme : SLICE("http");
        to = hpack_encode_field(e, to, HPACK_SCHEME, SLICE(":scheme"), scheme, false);
        to = hpack_encode_field(e, to, HPACK_PATH, SLICE(":path"), m->path, false);
    }
    return hpack_encode_field(e, to, HPACK_AUTHORITY, SLICE(":authority"), m->authority, false);
}

static uint8_t *encode(struct hpack_encoder *e, uint8_t *to, const struct h2_out_head *out)
{
    const struct headers *headers = out->head ? &out->head->headers : out->trailers;
    to = hpack_encode_begin(e, to);
    if (out->head)
        to = encode_pseudo(e, to, out->head);
    for (uint32_t i = 0; i < headers->count; i++) {
        const struct header *item = &headers->items[i];
        bool secret = secrets[item->id] || item->never_index;
        to = hpack_encode_field(e, to, item->id, item->name, item->value, secret);
    }
    return to;
}

static void put_frame_head(uint8_t *to, size_t len, uint8_t type, uint8_t flags, int32_t id)
{
    const uint8_t head[H2_FRAME_HEAD] = {
        (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len,       type,       flags,
        (uint8_t)(id >> 24),  (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};
    memcpy(to, head, sizeof(head));
}

/* HEADERS, and as many CONTINUATION as it takes. */
static void write_frames(struct buf *to, const uint8_t *block, size_t len, uint8_t flags,
                         int32_t id)
{
    uint8_t type = H2_HEADERS;
    do {
        size_t n = len < H2_FRAME_MAX ? len : H2_FRAME_MAX;
        uint8_t head[H2_FRAME_HEAD];
        put_frame_head(head, n, type, (uint8_t)(flags | (n == len ? END_HEADERS : 0)), id);
        buf_append(to, head, sizeof(head));
        buf_append(to, block, n);
        block += n;
        len -= n;
        type = H2_CONTINUATION;
        flags = 0;
    } while (len);
}

void h2_write_head(struct h2 *h, const struct h2_out_head *out, uint8_t flags, int32_t id)
{
    size_t bound = bound_of(out), room;
    flags &= NGHTTP2_FLAG_END_STREAM;
    if (bound + H2_FRAME_HEAD > PIECE_MAX) {
        uint8_t *block = mem_alloc(bound);
        size_t len = (size_t)(encode(&h->encoder, block, out) - block);
        write_frames(&h->out, block, len, flags, id);
        mem_free(block);
        return;
    }
    uint8_t *at = buf_reserve(&h->out, bound + H2_FRAME_HEAD, &room);
    uint8_t *end = encode(&h->encoder, at + H2_FRAME_HEAD, out);
    size_t len = (size_t)(end - at) - H2_FRAME_HEAD;
    put_frame_head(at, len, H2_HEADERS, flags | END_HEADERS, id);
    buf_commit(&h->out, len + H2_FRAME_HEAD);
}

static uint8_t *put_setting(uint8_t *to, int32_t id, uint32_t value)
{
    const uint8_t bytes[6] = {(uint8_t)(id >> 8),     (uint8_t)id,           (uint8_t)(value >> 24),
                              (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    memcpy(to, bytes, sizeof(bytes));
    return to + sizeof(bytes);
}

void h2_write_settings(struct h2 *h, const nghttp2_settings *frame)
{
    uint8_t bytes[H2_FRAME_HEAD + 6 * 8], *to = bytes + H2_FRAME_HEAD;
    for (size_t i = 0; i < frame->niv && i < 7; i++)
        to = put_setting(to, frame->iv[i].settings_id, frame->iv[i].value);
    to = put_setting(to, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, h->max_streams);
    put_frame_head(bytes, (size_t)(to - bytes) - H2_FRAME_HEAD, H2_SETTINGS, 0, 0);
    buf_append(&h->out, bytes, (size_t)(to - bytes));
    h->written_here = true;
}
