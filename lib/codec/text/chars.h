/* Classes of bytes in HTTP syntax (RFC 9110 §5.6.2, RFC 3986), as one table look-up each. Pure
 * data, for lib/codec alone.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CHARS_TOKEN = 1, /* tchar: methods, field names, protocol names */
    CHARS_VALUE = 2, /* field-vchar, SP, HTAB */
    CHARS_PATH = 4,  /* what may stand in a path; '%' must begin a triplet on top */
    CHARS_QUERY = 8, /* what may stand in a query */
    CHARS_REG = 16,  /* a registered name or an IPv4 address */
    CHARS_HEX = 32,
    CHARS_DIGIT = 64,
};

extern const uint8_t chars_table[256];

static inline bool chars_is(char c, unsigned classes)
{
    return (chars_table[(uint8_t)c] & classes) != 0;
}
/* True when every byte is in one of the classes. */
static inline bool chars_all(const char *at, size_t len, unsigned classes)
{
    for (size_t i = 0; i < len; i++) {
        if (!chars_is(at[i], classes))
            return false;
    }
    return true;
}
/* 0..15; only for CHARS_HEX bytes. */
static inline unsigned chars_hex_value(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}
