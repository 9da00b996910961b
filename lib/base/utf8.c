/* Well-formedness of UTF-8, after the table of RFC 3629 section 4. Pure; any thread. Must not
 * decode or repair.
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
