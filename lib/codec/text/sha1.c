/* SHA-1 as RFC 3174 §6.1 has it, for texts that are in memory as a whole. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/text/sha1.h"

#include <string.h>

enum { BLOCK = 64, LENGTH_AT = 56, ROUNDS = 80, WORDS = 16 };

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static void schedule(const uint8_t block[BLOCK], uint32_t w[ROUNDS])
{
    for (unsigned i = 0; i < WORDS; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (unsigned i = WORDS; i < ROUNDS; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
}

/* f(t) and K(t). */
static uint32_t mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round / 20) {
    case 0:
        return ((b & c) | (~b & d)) + 0x5a827999u;
    case 1:
        return (b ^ c ^ d) + 0x6ed9eba1u;
    case 2:
        return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu;
    default:
        return (b ^ c ^ d) + 0xca62c1d6u;
    }
}

static void add_block(uint32_t h[5], const uint8_t block[BLOCK])
{
    uint32_t w[ROUNDS], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    schedule(block, w);
    for (unsigned t = 0; t < ROUNDS; t++) {
        uint32_t next = rotate(a, 5) + mix(t, b, c, d) + e + w[t];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

static void write_be(uint8_t *to, uint64_t n, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(n >> (8 * (bytes - 1 - i)));
}

void sha1_sum(struct slice data, uint8_t out[SHA1_SIZE])
{
    uint32_t h[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
    uint8_t last[2 * BLOCK] = {0};
    size_t whole = data.len / BLOCK * BLOCK, rest = data.len - whole;
    size_t padded = rest < LENGTH_AT ? BLOCK : 2 * BLOCK;
    for (size_t at = 0; at < whole; at += BLOCK)
        add_block(h, (const uint8_t *)data.ptr + at);
    if (rest)
        memcpy(last, data.ptr + whole, rest);
    last[rest] = 0x80;
    write_be(last + padded - 8, (uint64_t)data.len * 8, 8);
    for (size_t at = 0; at < padded; at += BLOCK)
        add_block(h, last + at);
    for (unsigned i = 0; i < 5; i++)
        write_be(out + (size_t)4 * i, h[i], 4);
}

void sha1_hex(struct slice data, char text[SHA1_HEX_MAX])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[SHA1_SIZE];
    sha1_sum(data, sum);
    for (size_t i = 0; i < SHA1_SIZE; i++) {
        text[2 * i] = digits[sum[i] >> 4];
        text[2 * i + 1] = digits[sum[i] & 15];
    }
    text[SHA1_HEX_MAX - 1] = 0;
}
