/* One-time join tokens. A token is 32 random bytes that only its holder knows; the state folder has
 * a file for each, named by the token's SHA-256, with the identity it is good for and its expiry.
 * Using one renames that file away, synced to disk before anything is signed: at most one
 * certificate for a token, whatever crashes. Any process may create, one serves.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"

#define JOIN_TOKEN_TEXT_MAX 80

/* Makes dir/tokens and dir/tokens/used. */
MUST_USE enum err join_token_prepare(const char *dir);
/* text: the token, NUL-terminated, to be given to the workload. */
MUST_USE enum err join_token_create(const char *dir, struct slice spiffe_id, int64_t expires_ms,
                                    char text[JOIN_TOKEN_TEXT_MAX]);
/* Whom the token is good for, mem_alloc'ed, without using it. ERR_NOT_FOUND: unknown; ERR_EXISTS:
 * used before; ERR_EXPIRED; ERR_SYNTAX: no token at all. */
MUST_USE enum err join_token_look(const char *dir, struct slice token, int64_t now_ms,
                                  char **spiffe_id);
/* Uses it up. ERR_EXISTS when somebody was faster. */
MUST_USE enum err join_token_use(const char *dir, struct slice token);
/* Removes tokens, used and unused, that expired more than a day ago; returns how many. */
unsigned join_token_sweep(const char *dir, int64_t now_ms);
