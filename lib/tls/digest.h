/* SHA-256, alone and with a key, and the handling of secrets. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define DIGEST_SIZE 32
#define DIGEST_HEX_MAX (2 * DIGEST_SIZE + 1)

void digest_sha256(struct slice data, uint8_t out[DIGEST_SIZE]);
/* HMAC (RFC 2104) with it. */
void digest_hmac_sha256(struct slice key, struct slice data, uint8_t out[DIGEST_SIZE]);
/* Lower-case hex, NUL-terminated; returns text. */
char *digest_hex(const uint8_t digest[DIGEST_SIZE], char text[DIGEST_HEX_MAX]);
/* Compares secrets: how long it takes says nothing but whether they are equally long. */
bool digest_is_same(struct slice a, struct slice b);
/* Overwrites a secret in a way that is not optimised away. */
void digest_wipe(void *secret, size_t len);
