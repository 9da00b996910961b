/* The table behind chars.h, one row of 16 bytes per high nibble.
 *   path   printable ASCII but # and ?, and what is not ASCII; query   the same with ?
 *   reg    unreserved: the sub-delims and percent signs that RFC 3986 would allow are refused
 * RFC 3986 has clients encode " < > \ ^ ` { | } and what is not ASCII. Many do not, and many
 * servers take it; only what ends a target, or a line, for some reader is refused.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/text/chars.h"

/* clang-format off */
const uint8_t chars_table[256] = {
      0,   0,   0,   0,   0,   0,   0,   0,   0,   2,   0,   0,   0,   0,   0,   0,
      0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
      2,  15,  14,   3,  15,  15,  15,  15,  14,  14,  15,  15,  14,  31,  31,  14,
    127, 127, 127, 127, 127, 127, 127, 127, 127, 127,  14,  14,  14,  14,  14,  10,
     14,  63,  63,  63,  63,  63,  63,  31,  31,  31,  31,  31,  31,  31,  31,  31,
     31,  31,  31,  31,  31,  31,  31,  31,  31,  31,  31,  14,  14,  14,  15,  31,
     15,  63,  63,  63,  63,  63,  63,  31,  31,  31,  31,  31,  31,  31,  31,  31,
     31,  31,  31,  31,  31,  31,  31,  31,  31,  31,  31,  14,  15,  14,  31,   0,
     14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,
     14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,
     14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,
     14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,
     14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,
     14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,
     14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,
     14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,  14,
};
/* clang-format on */
