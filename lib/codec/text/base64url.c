/* Base64url. Pure; any thread. Must not know what is encoded.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/text/base64url.h"

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

enum err base64url_decode(struct arena *arena, struct slice text, struct slice *out)
{
    uint8_t *to = arena_alloc(arena, text.len / 4 * 3 + 3);
    size_t len = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    *out = (struct slice){0};
    if (text.len % 4 == 1)
        return ERR_SYNTAX;
    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(text.ptr[i]);
        if (value < 0)
            return ERR_SYNTAX;
        bits = bits << 6 | (unsigned)value;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        to[len++] = (uint8_t)(bits >> held);
        bits &= (1u << held) - 1;
    }
    if (bits)
        return ERR_SYNTAX;
    *out = slice_of(to, len);
    return ERR_OK;
}

struct slice base64url_encode(struct arena *arena, struct slice data)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *to = arena_alloc(arena, data.len / 3 * 4 + 4);
    size_t len = 0;
    for (size_t at = 0; at < data.len; at += 3) {
        size_t have = data.len - at < 3 ? data.len - at : 3;
        uint32_t group = 0;
        for (size_t i = 0; i < 3; i++)
            group = group << 8 | (i < have ? (uint8_t)data.ptr[at + i] : 0);
        for (size_t i = 0; i <= have; i++)
            to[len++] = digits[group >> (18 - 6 * i) & 63];
    }
    return slice_of(to, len);
}
