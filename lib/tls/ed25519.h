/* Ed25519 signatures (RFC 8032), checked only. Apart from the rest of the room, whose TLS and
 * certificates do not know of them (scripts/deps/wolfssl.env says why). Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"

#define ED25519_PUBLIC_SIZE 32
#define ED25519_SIGNATURE_SIZE 64

/* Is it a point of the curve? */
bool ed25519_is_key(struct slice public_key);
/* public_key: one that ed25519_is_key. Wrong sizes are wrong signatures. */
bool ed25519_is_good(struct slice public_key, struct slice text, struct slice signature);
