/* Well-formedness of UTF-8, after the table of RFC 3629 section 4. Pure; any thread. Must not
 * repair.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/utf8.h"

static bool in_range(unsigned char byte, unsigned char low, unsigned char high)
{
    return byte >= low && byte <= high;
}

size_t utf8_front(struct slice s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    unsigned char low = 0x80, high = 0xbf;
    size_t len;
    if (s.len == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (in_range(p[0], 0xc2, 0xdf))
        len = 2;
    else if (in_range(p[0], 0xe0, 0xef))
        len = 3;
    else if (in_range(p[0], 0xf0, 0xf4))
        len = 4;
    else
        return 0;
    /* The second byte alone tells overlong forms, surrogates and what is above U+10FFFF. */
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (s.len < len || !in_range(p[1], low, high))
        return 0;
    for (size_t i = 2; i < len; i++) {
        if (!in_range(p[i], 0x80, 0xbf))
            return 0;
    }
    return len;
}

bool utf8_is_valid(struct slice s)
{
    while (s.len) {
        size_t len = utf8_front(s);
        if (len == 0)
            return false;
        s = slice_sub(s, len, s.len);
    }
    return true;
}

bool utf8_is_plain(const char *at, size_t len)
{
    const unsigned char *p = (const unsigned char *)at;
    if (len == 1)
        return p[0] >= 0x20 && p[0] != 0x7f;
    if (len == 2)
        return !(p[0] == 0xc2 && p[1] < 0xa0) && !(p[0] == 0xd8 && p[1] == 0x9c);
    if (len != 3 || p[0] != 0xe2)
        return len != 0;
    if (p[1] == 0x80)
        return !in_range(p[2], 0x8e, 0x8f) && !in_range(p[2], 0xa8, 0xae);
    return p[1] != 0x81 || !in_range(p[2], 0xa6, 0xa9);
}

uint32_t utf8_decode(const char *at, size_t len)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = (unsigned char)at[0] & masks[len];
    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char)at[i] & 0x3f);
    return code;
}
