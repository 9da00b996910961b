/* The decoder for Huffman strings. The code of RFC 7541 is canonical: the lengths of the code
 * words say everything, so only those are written down here. Any thread; must not know fields.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/hpack_huffman.h"

#include <string.h>

enum { SYMBOLS = 257, END = 256, FAST_BITS = 10, LONGEST = 30 };

/* clang-format off */
static const uint8_t lengths[SYMBOLS] = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
     6, 10, 10, 12, 13,  6,  8, 11, 10, 10,  8, 11,  8,  6,  6,  6,
     5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8, 15,  6, 12, 10,
    13,  6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,
     7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8, 13, 19, 13, 14,  6,
    15,  5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,
     6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
};
/* clang-format on */

/* By the next ten bits: the symbol of a code word that is no longer than that; length 0: it is. */
static struct {
    uint8_t symbol, length;
} fast[1 << FAST_BITS];

/* By length: where the code words of that length end (left-aligned in 32 bits, exclusive), the
 * first of them, and where their symbols stand in `sorted`. */
static uint64_t limits[LONGEST + 1];
static uint32_t firsts[LONGEST + 1];
static uint16_t offsets[LONGEST + 1];
static uint16_t sorted[SYMBOLS];

static void fill_fast(uint32_t code, unsigned length, unsigned symbol)
{
    unsigned spare = FAST_BITS - length;
    for (unsigned i = 0; i < 1u << spare; i++) {
        fast[(code << spare) + i].symbol = (uint8_t)symbol;
        fast[(code << spare) + i].length = (uint8_t)length;
    }
}

__attribute__((constructor)) static void fill_tables(void)
{
    uint32_t code = 0;
    unsigned at = 0;
    for (unsigned length = 1; length <= LONGEST; length++) {
        code <<= 1;
        firsts[length] = code;
        offsets[length] = (uint16_t)at;
        for (unsigned symbol = 0; symbol < SYMBOLS; symbol++) {
            if (lengths[symbol] != length)
                continue;
            if (length <= FAST_BITS)
                fill_fast(code, length, symbol);
            sorted[at++] = (uint16_t)symbol;
            code++;
        }
        limits[length] = (uint64_t)code << (32 - length);
    }
}

/* The length of the code word at the front of `window`, when it is longer than ten bits. */
static unsigned long_length(uint32_t window)
{
    unsigned length = FAST_BITS + 1;
    while (length < LONGEST && window >= limits[length])
        length++;
    return length;
}

/* What is left must be the beginning of the end-of-string code, shorter than a byte. */
static bool is_padding(uint64_t bits, unsigned have)
{
    return have < 8 && (have == 0 || bits >> (64 - have) == (1u << have) - 1);
}

bool hpack_huffman_decode(const uint8_t *in, size_t len, char *out, size_t *out_len)
{
    const uint8_t *end = in + len;
    char *to = out;
    uint64_t bits = 0;
    unsigned have = 0;
    for (;;) {
        while (have <= 56 && in < end) {
            bits |= (uint64_t)*in++ << (56 - have);
            have += 8;
        }
        unsigned length = fast[bits >> (64 - FAST_BITS)].length;
        unsigned symbol = fast[bits >> (64 - FAST_BITS)].symbol;
        if (length == 0) {
            uint32_t window = (uint32_t)(bits >> 32);
            length = long_length(window);
            symbol = sorted[offsets[length] + (window >> (32 - length)) - firsts[length]];
        }
        if (length > have)
            break;
        if (symbol == END)
            return false;
        *to++ = (char)symbol;
        bits <<= length;
        have -= length;
    }
    *out_len = (size_t)(to - out);
    return is_padding(bits, have);
}
