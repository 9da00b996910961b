/* The table behind chars.h, one row of 16 bytes per high nibble.
 *   path   printable ASCII but  " # < > ? \ `      query   printable ASCII but  " # < >
 *   reg    unreserved: the sub-delims and percent signs that RFC 3986 would allow are refused
 * Browsers send | ^ { } [ ] unescaped in paths and queries, so those pass; what could end a target
 * or be taken for another separator does not. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/chars.h"

/* clang-format off */
const uint8_t chars_table[256] = {
      0,   0,   0,   0,   0,   0,   0,   0,   0,   2,   0,   0,   0,   0,   0,   0,
      0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
      2,  15,   2,   3,  15,  15,  15,  15,  14,  14,  15,  15,  14,  31,  31,  14,
    127, 127, 127, 127, 127, 127, 127, 127, 127, 127,  14,  14,   2,  14,   2,  10,
     14,  63,  63,  63,  63,  63,  63,  31,  31,  31,  31,  31,  31,  31,  31,  31,
     31,  31,  31,  31,  31,  31,  31,  31,  31,  31,  31,  14,  10,  14,  15,  31,
     11,  63,  63,  63,  63,  63,  63,  31,  31,  31,  31,  31,  31,  31,  31,  31,
     31,  31,  31,  31,  31,  31,  31,  31,  31,  31,  31,  14,  15,  14,  31,   0,
      2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
      2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
      2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
      2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
      2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
      2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
      2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
      2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
};
/* clang-format on */
