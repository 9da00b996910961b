/* Nearly every head is made of plain lines, which need no state machine. What is accepted here is a
 * part of what llhttp accepts (tests/unit/codec/test_h1_plain.c compares the two), and nothing is
 * ever refused: that is llhttp's to say, and why. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/h1_plain.h"

#include <string.h>

#include "lib/codec/text/chars.h"

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Is one of eight bytes a control character or DEL? What is not ASCII is neither. */
static bool has_control(const char *at)
{
    uint64_t word, del;
    memcpy(&word, at, sizeof(word));
    del = word ^ EACH(0x7f);
    return (((word - EACH(0x20)) & ~word) | ((del - EACH(1)) & ~del)) & EACH(0x80);
}

static bool is_plain_value(const char *at, size_t len)
{
    for (; len >= 8; at += 8, len -= 8)
        if (has_control(at))
            return false;
    return chars_all(at, len, CHARS_VALUE);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The line that begins at *at, which moves behind it. */
static bool cut_line(const struct h1_head *h, struct h1_field *f, uint32_t *at, uint32_t len)
{
    const char *base = h->base;
    uint32_t colon = *at;
    while (colon < len && chars_is(base[colon], CHARS_TOKEN))
        colon++;
    if (colon == *at || colon == len || base[colon] != ':')
        return false;
    uint32_t value = colon + 1;
    while (value < len && is_blank(base[value]))
        value++;
    const char *cr = memchr(base + value, '\r', len - value);
    uint32_t end = cr ? (uint32_t)(cr - base) : len;
    if (len - end < 2 || base[end + 1] != '\n' || !is_plain_value(base + value, end - value))
        return false;
    uint32_t last = end;
    while (last > value && is_blank(base[last - 1]))
        last--;
    *f = (struct h1_field){.name = *at, .name_len = colon - *at, .value = value,
                           .value_len = last - value};
    *at = end + 2;
    return true;
}

bool h1_plain_cut(struct h1_head *h, uint32_t max_fields, size_t len)
{
    uint32_t at = h->fields_at, count = 0, bytes = 0, most = (uint32_t)len;
    for (; count < max_fields && cut_line(h, &h->fields[count], &at, most); count++) {
        const struct h1_field *f = &h->fields[count];
        bytes += f->name_len + f->value_len + MESSAGE_FIELD_EXTRA;
    }
    if (most - at < 2 || h->base[at] != '\r' || h->base[at + 1] != '\n')
        return false;
    h->count = count;
    h->field_bytes = bytes;
    h->len = at + 2;
    return true;
}
