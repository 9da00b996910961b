/* Base64; decoding is strict so that one text has one meaning: leftover bits must be zero. Pure;
 * any thread. Must not know what is encoded.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/text/base64.h"

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four at text; bytes says how many it stands for. */
static enum err decode_group(const char *text, uint8_t *out, size_t *bytes)
{
    int a = value_of(text[0]), b = value_of(text[1]);
    int c = value_of(text[2]), d = value_of(text[3]);
    *bytes = text[3] != '=' ? 3 : text[2] != '=' ? 2 : 1;
    if (a < 0 || b < 0 || (*bytes > 1 && c < 0) || (*bytes > 2 && d < 0))
        return ERR_SYNTAX;
    if ((*bytes == 1 && b & 15) || (*bytes == 2 && c & 3))
        return ERR_SYNTAX;
    unsigned bits = (unsigned)a << 18 | (unsigned)b << 12;
    bits |= *bytes > 1 ? (unsigned)c << 6 : 0;
    bits |= *bytes > 2 ? (unsigned)d : 0;
    out[0] = (uint8_t)(bits >> 16);
    if (*bytes > 1)
        out[1] = (uint8_t)(bits >> 8);
    if (*bytes > 2)
        out[2] = (uint8_t)bits;
    return ERR_OK;
}

enum err base64_decode(struct slice text, void *out, size_t *out_len)
{
    uint8_t *to = out;
    bool done = false;
    *out_len = 0;
    for (size_t at = 0; at < text.len;) {
        if (text.ptr[at] == '\n' || text.ptr[at] == '\r') {
            at++;
            continue;
        }
        size_t bytes = 0;
        if (done || text.len - at < 4 || decode_group(text.ptr + at, to + *out_len, &bytes))
            return ERR_SYNTAX;
        done = bytes < 3;
        *out_len += bytes;
        at += 4;
    }
    return ERR_OK;
}

void base64_encode(struct slice data, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < data.len; at += 3) {
        size_t have = data.len - at < 3 ? data.len - at : 3;
        uint32_t group = 0;
        for (size_t i = 0; i < 3; i++)
            group = group << 8 | (i < have ? (uint8_t)data.ptr[at + i] : 0);
        for (size_t i = 0; i < 4; i++)
            *out++ = i <= have ? digits[group >> (18 - 6 * i) & 63] : '=';
    }
}
