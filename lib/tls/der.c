/* DER writing (backwards) and walking (bounded). Pure; any thread. Must not know what the values
 * mean.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/der.h"

#include <string.h>

#include "lib/tls/asn_time.h"

void der_writer_init(struct der_writer *w, uint8_t *buffer, size_t capacity)
{
    *w = (struct der_writer){.base = buffer, .at = capacity, .end = capacity};
}

void der_raw(struct der_writer *w, struct slice bytes)
{
    if (w->overflow || bytes.len > w->at) {
        w->overflow = true;
        return;
    }
    w->at -= bytes.len;
    if (bytes.len)
        memcpy(w->base + w->at, bytes.ptr, bytes.len);
}

static void put_byte(struct der_writer *w, uint8_t byte)
{
    der_raw(w, slice_of(&byte, 1));
}

static void put_length(struct der_writer *w, size_t len)
{
    if (len < 0x80) {
        put_byte(w, (uint8_t)len);
        return;
    }
    uint8_t count = 0;
    for (; len; len >>= 8, count++)
        put_byte(w, (uint8_t)len);
    put_byte(w, 0x80 | count);
}

void der_wrap(struct der_writer *w, uint8_t tag, size_t mark)
{
    if (w->overflow)
        return;
    put_length(w, mark - w->at);
    put_byte(w, tag);
}

void der_value(struct der_writer *w, uint8_t tag, struct slice content)
{
    size_t mark = der_mark(w);
    der_raw(w, content);
    der_wrap(w, tag, mark);
}

void der_integer(struct der_writer *w, struct slice big_endian)
{
    while (big_endian.len > 1 && big_endian.ptr[0] == 0)
        big_endian = slice_sub(big_endian, 1, big_endian.len);
    size_t mark = der_mark(w);
    der_raw(w, big_endian);
    if (big_endian.len == 0 || (big_endian.ptr[0] & 0x80))
        put_byte(w, 0);
    der_wrap(w, DER_INTEGER, mark);
}

void der_bool(struct der_writer *w, bool value)
{
    uint8_t byte = value ? 0xff : 0;
    der_value(w, DER_BOOLEAN, slice_of(&byte, 1));
}

void der_time(struct der_writer *w, int64_t ms)
{
    char text[ASN_TIME_TEXT_MAX];
    uint8_t tag = asn_time_write(ms, text);
    der_value(w, tag, slice_from_cstr(text));
}

struct slice der_result(const struct der_writer *w)
{
    return w->overflow ? (struct slice){NULL, 0} : slice_of(w->base + w->at, w->end - w->at);
}

bool der_next(struct slice *rest, struct der_item *out)
{
    const uint8_t *p = (const uint8_t *)rest->ptr;
    if (rest->len < 2 || (p[0] & 0x1f) == 0x1f)
        return false;
    size_t head = 2, len = p[1];
    if (len & 0x80) {
        size_t count = len & 0x7f;
        if (count == 0 || count > 3 || rest->len < 2 + count)
            return false;
        len = 0;
        for (size_t i = 0; i < count; i++)
            len = len << 8 | p[2 + i];
        head += count;
        if (len < 0x80 || p[2] == 0)
            return false;
    }
    if (len > rest->len - head)
        return false;
    out->tag = p[0];
    out->whole = slice_sub(*rest, 0, head + len);
    out->content = slice_sub(*rest, head, len);
    *rest = slice_sub(*rest, head + len, rest->len);
    return true;
}
