/* Percent-encoding (RFC 3986 §2.1): what "%2F" stands for. Pure; inline, for every request's path
 * goes by here.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <string.h>

#include "lib/base/slice.h"

/* 0 to 15; -1 for what is no hexadecimal digit. */
static inline int percent_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%XX" at p stands for, in a text that ends at end; -1 when no such escape begins
 * there. */
static inline int percent_byte(const char *p, const char *end)
{
    if (end - p < 3 || *p != '%')
        return -1;
    int high = percent_digit(p[1]), low = percent_digit(p[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Decodes into to, which has room for all of s; a '%' that begins no escape stands for itself. */
static inline struct slice percent_decode(struct slice s, char *to)
{
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        int c = percent_byte(s.ptr + i, s.ptr + s.len);
        to[len++] = c >= 0 ? (char)c : s.ptr[i];
        i += c >= 0 ? 2 : 0;
    }
    return (struct slice){to, len};
}

/* Encodes into to, which has room for three times s, all but letters, digits and the characters in
 * `plain`; returns how many bytes that makes. */
static inline size_t percent_encode(struct slice s, const char *plain, char *to)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || (c && strchr(plain, c));
        if (is_plain) {
            to[len++] = (char)c;
        } else {
            to[len++] = '%';
            to[len++] = digits[c >> 4];
            to[len++] = digits[c & 15];
        }
    }
    return len;
}
