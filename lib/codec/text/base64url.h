/* Base64url without padding, as JOSE has it (RFC 7515 §2; RFC 4648 §5), strict: no padding, no
 * white space, and leftover bits are zero, so that bytes have one text only. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

/* *out lies in the arena; of an empty text it is empty. ERR_SYNTAX. */
MUST_USE enum err base64url_decode(struct arena *arena, struct slice text, struct slice *out);
struct slice base64url_encode(struct arena *arena, struct slice data);
