/* SHA-256 by wolfCrypt, and the handling of secrets in memory. Pure; any thread.
 * Must not know what is hashed.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/digest.h"

#include <stdlib.h>
#include <string.h>

#include "lib/tls/tls_priv.h"

#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/hmac.h>

void digest_sha256(struct slice data, uint8_t out[DIGEST_SIZE])
{
    static const byte nothing;
    const byte *from = data.len ? (const byte *)data.ptr : &nothing;
    /* Hashing memory cannot fail; a digest that was not computed must never be used. */
    if (wc_Sha256Hash(from, (word32)data.len, out) != 0)
        abort();
}

void digest_hmac_sha256(struct slice key, struct slice data, uint8_t out[DIGEST_SIZE])
{
    Hmac hmac;
    bool is_done = wc_HmacInit(&hmac, NULL, INVALID_DEVID) == 0 &&
                   wc_HmacSetKey(&hmac, WC_SHA256, (const byte *)key.ptr, (word32)key.len) == 0 &&
                   wc_HmacUpdate(&hmac, (const byte *)data.ptr, (word32)data.len) == 0 &&
                   wc_HmacFinal(&hmac, out) == 0;
    wc_HmacFree(&hmac);
    if (!is_done)
        abort();
}

char *digest_hex(const uint8_t digest[DIGEST_SIZE], char text[DIGEST_HEX_MAX])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[DIGEST_HEX_MAX - 1] = 0;
    return text;
}

bool digest_is_same(struct slice a, struct slice b)
{
    volatile unsigned char difference = 0;
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        difference |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
    return difference == 0;
}

void digest_wipe(void *secret, size_t len)
{
    explicit_bzero(secret, len);
}
