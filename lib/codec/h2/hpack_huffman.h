/* Huffman strings of HPACK, RFC 7541 §5.2 and Appendix B. Decoding only: what we send is not
 * compressed this way, it costs more than it saves inside a data centre. Pure; its tables are made
 * before main. For lib/codec alone.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The shortest code has 5 bits. */
static inline size_t hpack_huffman_bound(size_t len)
{
    return len * 8 / 5;
}
/* `out` has room for hpack_huffman_bound(len). False when the string is malformed. */
bool hpack_huffman_decode(const uint8_t *in, size_t len, char *out, size_t *out_len);
