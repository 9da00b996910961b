/* Sealing what others keep for us, cookies say: AES-256-GCM (NIST SP 800-38D), each text under a
 * key of its own that is derived from 12 random bytes, so that a key may seal more texts than the
 * 2^32 that random nonces of 96 bits allow. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define SEAL_KEY_SIZE 32
#define SEAL_SALT_SIZE 24
#define SEAL_OVERHEAD (SEAL_SALT_SIZE + 16)

/* salt: random, never the same twice. context: what it is for; authenticated and not written. out
 * has room for text.len + SEAL_OVERHEAD bytes. */
void seal_close(const uint8_t key[SEAL_KEY_SIZE], const uint8_t salt[SEAL_SALT_SIZE],
                struct slice context, struct slice text, uint8_t *out);
/* out has room for sealed.len - SEAL_OVERHEAD bytes, which are written when it is true: it was
 * sealed with that key for that context, and nobody has changed it. */
bool seal_open(const uint8_t key[SEAL_KEY_SIZE], struct slice context, struct slice sealed,
               uint8_t *out);
