/* SHA-1 (RFC 3174), for protocols that name things by it: scripts of Redis. It protects nothing.
 * Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/slice.h"

#define SHA1_SIZE 20
#define SHA1_HEX_MAX (2 * SHA1_SIZE + 1)

void sha1_sum(struct slice data, uint8_t out[SHA1_SIZE]);
/* Lower-case hex, NUL-terminated. */
void sha1_hex(struct slice data, char text[SHA1_HEX_MAX]);
