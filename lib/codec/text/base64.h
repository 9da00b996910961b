/* Base64 (RFC 4648 §4), strict: padding required, no white space but line ends between groups.
 * Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

/* Enough for the bytes of `len` characters. */
#define BASE64_DECODED_MAX(len) ((len) / 4 * 3 + 3)

/* *out_len bytes are written to out, which has room for BASE64_DECODED_MAX(text.len). ERR_SYNTAX.
 */
MUST_USE enum err base64_decode(struct slice text, void *out, size_t *out_len);
#define BASE64_ENCODED_LEN(len) (((len) + 2) / 3 * 4)
/* Exactly BASE64_ENCODED_LEN(data.len) characters, without line breaks and without a NUL. */
void base64_encode(struct slice data, char *out);
