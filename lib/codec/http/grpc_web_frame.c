/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/grpc_web_frame.h"

#include "lib/codec/text/base64.h"

#define TRAILERS 0x80 /* in a message's first byte */

/* ---- types ---- */

static bool take_prefix(struct slice *text, struct slice prefix)
{
    if (!slice_eq_nocase(slice_sub(*text, 0, prefix.len), prefix))
        return false;
    *text = slice_sub(*text, prefix.len, text->len);
    return true;
}

bool grpc_web_frame_read_type(struct slice type, struct grpc_web_type *to)
{
    type = slice_trim(slice_sub(type, 0, slice_find_byte(type, ';')));
    if (!take_prefix(&type, SLICE("application/grpc-web")))
        return false;
    to->is_text = take_prefix(&type, SLICE("-text"));
    if (to->is_text)
        take_prefix(&type, SLICE("-base64"));
    to->message = type;
    return !type.len || type.ptr[0] == '+';
}

bool grpc_web_frame_wants_text(const struct headers *h, bool is_text)
{
    for (uint32_t i = 0; i < h->count; i++) {
        struct slice rest = h->items[i].value, one;
        struct grpc_web_type type;
        while (h->items[i].id == HEADER_ACCEPT && slice_split(&rest, ',', &one))
            if (grpc_web_frame_read_type(slice_trim(one), &type))
                return type.is_text;
    }
    return is_text;
}

/* ---- decoding ---- */

static bool decode_group(struct grpc_web_decoder *d, struct buf *out)
{
    uint8_t bytes[BASE64_DECODED_MAX(4)];
    size_t len;
    d->count = 0;
    if (base64_decode(slice_of(d->group, 4), bytes, &len))
        return false;
    buf_append(out, bytes, len);
    return true;
}

bool grpc_web_frame_decode(struct grpc_web_decoder *d, struct buf *in, struct buf *out)
{
    while (!buf_is_empty(in)) {
        struct slice front = buf_front(in);
        for (size_t i = 0; i < front.len; i++) {
            d->group[d->count++] = front.ptr[i];
            if (d->count == 4 && !decode_group(d, out))
                return false;
        }
        buf_drain(in, front.len);
    }
    return true;
}

bool grpc_web_frame_is_complete(const struct grpc_web_decoder *d)
{
    return d->count == 0;
}

/* ---- encoding ---- */

static void encode_group(struct grpc_web_encoder *e, struct buf *out)
{
    char text[BASE64_ENCODED_LEN(3)];
    base64_encode(slice_of((const char *)e->group, e->count), text);
    buf_append(out, text, sizeof(text));
    e->count = 0;
}

/* A byte of the message, or of its prefix. True: it was the last of it. */
static bool ends_message(struct grpc_web_encoder *e, uint8_t byte)
{
    if (e->seen == GRPC_FRAME_PREFIX) {
        e->seen = --e->left > 0 ? e->seen : 0;
        return !e->left;
    }
    e->prefix[e->seen++] = byte;
    if (e->seen < GRPC_FRAME_PREFIX)
        return false;
    e->left = (uint32_t)e->prefix[1] << 24 | (uint32_t)e->prefix[2] << 16 |
              (uint32_t)e->prefix[3] << 8 | e->prefix[4];
    e->seen = e->left ? e->seen : 0;
    return !e->left;
}

/* Whole groups of a message's inside, which nothing has to be said of. Returns how many bytes. */
static size_t encode_run(struct grpc_web_encoder *e, struct slice bytes, struct buf *out)
{
    enum { RUN = 3072 };
    char text[BASE64_ENCODED_LEN(RUN)];
    size_t len = bytes.len < RUN ? bytes.len : RUN;
    if (e->count || e->seen < GRPC_FRAME_PREFIX)
        return 0;
    len = len < e->left ? len : e->left - 1; /* the last is not inside */
    len -= len % 3;
    base64_encode(slice_sub(bytes, 0, len), text);
    buf_append(out, text, BASE64_ENCODED_LEN(len));
    e->left -= (uint32_t)len;
    return len;
}

void grpc_web_frame_encode(struct grpc_web_encoder *e, struct buf *in, bool end, struct buf *out)
{
    while (!buf_is_empty(in)) {
        struct slice front = buf_front(in);
        for (size_t i = 0; i < front.len;) {
            size_t run = encode_run(e, slice_sub(front, i, front.len), out);
            i += run;
            if (run)
                continue;
            uint8_t byte = (uint8_t)front.ptr[i++];
            e->group[e->count++] = byte;
            if (ends_message(e, byte) || e->count == 3)
                encode_group(e, out);
        }
        buf_drain(in, front.len);
    }
    if (end && e->count)
        encode_group(e, out);
}

/* ---- trailers ---- */

void grpc_web_frame_write_trailers(const struct headers *trailers, struct buf *out)
{
    uint8_t prefix[GRPC_FRAME_PREFIX];
    size_t len = 0;
    for (uint32_t i = 0; i < trailers->count; i++)
        len += trailers->items[i].name.len + trailers->items[i].value.len + 4;
    grpc_frame_write(prefix, len);
    prefix[0] = TRAILERS;
    buf_append(out, prefix, sizeof(prefix));
    for (uint32_t i = 0; i < trailers->count; i++) {
        buf_append_slice(out, trailers->items[i].name);
        buf_append(out, ": ", 2);
        buf_append_slice(out, trailers->items[i].value);
        buf_append(out, "\r\n", 2);
    }
}
