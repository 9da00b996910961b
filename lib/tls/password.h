/* Is it the password that a hash was made of? Hashes as crypt(3), htpasswd -B and argon2 write.
 * Slow on purpose (up to seconds): for a thread that may wait. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"

#define PASSWORD_MAX 1024
#define PASSWORD_HASH_MAX 512

/* A hash of a kind that password_is knows: bcrypt, yescrypt, SHA-512, SHA-256, Argon2. */
bool password_hash_is_known(struct slice hash);
/* False also for what cannot be computed: a hash that is not known or malformed, one longer than
 * PASSWORD_HASH_MAX, a password longer than PASSWORD_MAX or with a NUL in it. Compared in a time
 * that does not depend on where they differ. */
bool password_is(struct slice password, struct slice hash);
