/* libxcrypt for what crypt(3) knows, libargon2 for the rest. Must not know whose password it is.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/password.h"

#include <argon2.h>
#include <crypt.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/digest.h"

/* ---- Argon2 ---- */

static const struct {
    const char *start;
    argon2_type type;
} argons[] = {
    {"$argon2id$", Argon2_id},
    {"$argon2i$", Argon2_i},
    {"$argon2d$", Argon2_d},
};
enum { ARGONS = sizeof(argons) / sizeof(argons[0]) };

static unsigned argon_of(struct slice hash)
{
    unsigned i = 0;
    while (i < ARGONS && !slice_starts_with(hash, slice_from_cstr(argons[i].start)))
        i++;
    return i;
}

/* ---- crypt(3) ---- */

/* Not what crypt(3) knows besides: DES and MD5 are no protection. */
static bool is_crypt(struct slice hash)
{
    static const char *const starts[] = {"$2a$", "$2b$", "$2y$", "$y$", "$6$", "$5$"};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (slice_starts_with(hash, slice_from_cstr(starts[i])))
            return true;
    return false;
}

static bool check_crypt(const char *password, const char *hash)
{
    struct crypt_data *data = mem_zalloc(sizeof(*data)); /* 32 KiB */
    const char *made = crypt_r(password, hash, data);
    bool is = made && made[0] != '*' &&
              digest_is_same(slice_from_cstr(made), slice_from_cstr(hash));
    digest_wipe(data, sizeof(*data));
    mem_free(data);
    return is;
}

/* ---- both ---- */

bool password_hash_is_known(struct slice hash)
{
    return hash.len <= PASSWORD_HASH_MAX && !memchr(hash.ptr, 0, hash.len) &&
           (is_crypt(hash) || argon_of(hash) < ARGONS);
}

static void copy(char *to, struct slice from)
{
    if (from.len)
        memcpy(to, from.ptr, from.len);
    to[from.len] = 0;
}

bool password_is(struct slice password, struct slice hash)
{
    char word[PASSWORD_MAX + 1], text[PASSWORD_HASH_MAX + 1];
    if (!hash.len || !password_hash_is_known(hash) || password.len > PASSWORD_MAX ||
        (password.len && memchr(password.ptr, 0, password.len)))
        return false;
    copy(word, password);
    copy(text, hash);
    unsigned argon = argon_of(hash);
    bool is = argon < ARGONS
                  ? argon2_verify(text, word, password.len, argons[argon].type) == ARGON2_OK
                  : check_crypt(word, text);
    digest_wipe(word, sizeof(word));
    return is;
}
