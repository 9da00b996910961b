/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/seal.h"

#include <stdlib.h>
#include <string.h>

#include "lib/tls/digest.h"
#include "lib/tls/tls_priv.h"

#include <wolfssl/wolfcrypt/aes.h>

enum { DERIVE_SIZE = 12, NONCE_SIZE = SEAL_SALT_SIZE - DERIVE_SIZE, TAG_SIZE = 16 };

/* False: the library does not work, which memory alone can cause. */
static bool begin(Aes *aes, const uint8_t key[SEAL_KEY_SIZE], const uint8_t *salt)
{
    uint8_t own[DIGEST_SIZE];
    digest_hmac_sha256(slice_of(key, SEAL_KEY_SIZE), slice_of(salt, DERIVE_SIZE), own);
    bool is_good = wc_AesInit(aes, NULL, INVALID_DEVID) == 0 &&
                   wc_AesGcmSetKey(aes, own, sizeof(own)) == 0;
    digest_wipe(own, sizeof(own));
    return is_good;
}

static void end(Aes *aes)
{
    wc_AesFree(aes);
    digest_wipe(aes, sizeof(*aes));
}

void seal_close(const uint8_t key[SEAL_KEY_SIZE], const uint8_t salt[SEAL_SALT_SIZE],
                struct slice context, struct slice text, uint8_t *out)
{
    Aes aes;
    uint8_t *body = out + SEAL_SALT_SIZE, *tag = body + text.len;
    memcpy(out, salt, SEAL_SALT_SIZE);
    /* What was not sealed must never be handed out. */
    if (!begin(&aes, key, salt) ||
        wc_AesGcmEncrypt(&aes, body, (const byte *)text.ptr, (word32)text.len, salt + DERIVE_SIZE,
                         NONCE_SIZE, tag, TAG_SIZE, (const byte *)context.ptr,
                         (word32)context.len) != 0)
        abort();
    end(&aes);
}

bool seal_open(const uint8_t key[SEAL_KEY_SIZE], struct slice context, struct slice sealed,
               uint8_t *out)
{
    Aes aes;
    const uint8_t *salt = (const uint8_t *)sealed.ptr;
    if (sealed.len < SEAL_OVERHEAD)
        return false;
    size_t len = sealed.len - SEAL_OVERHEAD;
    const uint8_t *body = salt + SEAL_SALT_SIZE;
    bool is_good = begin(&aes, key, salt) &&
                   wc_AesGcmDecrypt(&aes, out, body, (word32)len, salt + DERIVE_SIZE, NONCE_SIZE,
                                    body + len, TAG_SIZE, (const byte *)context.ptr,
                                    (word32)context.len) == 0;
    end(&aes);
    return is_good;
}
