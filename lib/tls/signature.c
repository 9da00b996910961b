/* Signatures by wolfCrypt. Its keys change while they are used, so each check makes one from the
 * bytes, which costs little beside the check itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/signature.h"

#include "lib/tls/digest.h"
#include "lib/tls/ed25519.h"
#include "lib/tls/signature_key.h"
#include "lib/tls/tls_priv.h"

#include <string.h>

#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/rsa.h>
#include <wolfssl/wolfcrypt/signature.h>

/* ---- which goes with which ---- */

struct method {
    enum signature_kind kind;
    enum wc_HashType hash;
    int oid; /* of the hash, in PKCS #1 v1.5; 0: another padding */
    int mgf;
};

static const struct method methods[SIGNATURE_ALG_COUNT] = {
    [SIGNATURE_HMAC_SHA256] = {SIGNATURE_KEY_HMAC, WC_HASH_TYPE_SHA256, 0, 0},
    [SIGNATURE_HMAC_SHA384] = {SIGNATURE_KEY_HMAC, WC_HASH_TYPE_SHA384, 0, 0},
    [SIGNATURE_HMAC_SHA512] = {SIGNATURE_KEY_HMAC, WC_HASH_TYPE_SHA512, 0, 0},
    [SIGNATURE_RSA_SHA256] = {SIGNATURE_KEY_RSA, WC_HASH_TYPE_SHA256, SHA256h, 0},
    [SIGNATURE_RSA_SHA384] = {SIGNATURE_KEY_RSA, WC_HASH_TYPE_SHA384, SHA384h, 0},
    [SIGNATURE_RSA_SHA512] = {SIGNATURE_KEY_RSA, WC_HASH_TYPE_SHA512, SHA512h, 0},
    [SIGNATURE_PSS_SHA256] = {SIGNATURE_KEY_RSA, WC_HASH_TYPE_SHA256, 0, WC_MGF1SHA256},
    [SIGNATURE_PSS_SHA384] = {SIGNATURE_KEY_RSA, WC_HASH_TYPE_SHA384, 0, WC_MGF1SHA384},
    [SIGNATURE_PSS_SHA512] = {SIGNATURE_KEY_RSA, WC_HASH_TYPE_SHA512, 0, WC_MGF1SHA512},
    [SIGNATURE_P256_SHA256] = {SIGNATURE_KEY_P256, WC_HASH_TYPE_SHA256, 0, 0},
    [SIGNATURE_P384_SHA384] = {SIGNATURE_KEY_P384, WC_HASH_TYPE_SHA384, 0, 0},
    [SIGNATURE_P521_SHA512] = {SIGNATURE_KEY_P521, WC_HASH_TYPE_SHA512, 0, 0},
    [SIGNATURE_ED25519] = {SIGNATURE_KEY_ED25519, WC_HASH_TYPE_SHA512, 0, 0},
};

bool signature_fits(enum signature_alg alg, enum signature_kind kind)
{
    return alg > SIGNATURE_NONE && alg < SIGNATURE_ALG_COUNT && methods[alg].kind == kind;
}

size_t signature_hash_size(enum signature_alg alg)
{
    int size = wc_HashGetDigestSize(methods[alg].hash);
    return size > 0 ? (size_t)size : 0;
}

/* What is signed: the hash of the text. Its length, 0 when there is none. */
static word32 hash_text(const struct method *m, struct slice text, byte out[WC_MAX_DIGEST_SIZE])
{
    int size = wc_HashGetDigestSize(m->hash);
    if (size <= 0 || wc_Hash(m->hash, (const byte *)text.ptr, (word32)text.len, out, (word32)size))
        return 0;
    return (word32)size;
}

size_t signature_hash(enum signature_alg alg, struct slice text, uint8_t out[SIGNATURE_HASH_MAX])
{
    byte hash[WC_MAX_DIGEST_SIZE];
    word32 len = alg > SIGNATURE_NONE && alg < SIGNATURE_ALG_COUNT
                     ? hash_text(&methods[alg], text, hash)
                     : 0;
    if (len > SIGNATURE_HASH_MAX)
        return 0;
    memcpy(out, hash, len);
    return len;
}

/* ---- HMAC ---- */

static bool is_good_hmac(const struct method *m, const struct signature_key *key, struct slice text,
                         struct slice signature)
{
    Hmac hmac;
    byte want[WC_MAX_DIGEST_SIZE];
    int size = wc_HashGetDigestSize(m->hash);
    if (size <= 0 || signature.len != (size_t)size || wc_HmacInit(&hmac, NULL, INVALID_DEVID))
        return false;
    int code = wc_HmacSetKey(&hmac, (int)m->hash, (const byte *)key->a.ptr, (word32)key->a.len);
    if (code == 0)
        code = wc_HmacUpdate(&hmac, (const byte *)text.ptr, (word32)text.len);
    if (code == 0)
        code = wc_HmacFinal(&hmac, want);
    wc_HmacFree(&hmac);
    return code == 0 &&
           digest_is_same(slice_of((const char *)want, (size_t)size), signature);
}

/* ---- RSA ---- */

/* The whole encoded hash is compared, so nothing can be hidden around it (RFC 8017 §8.2.2). */
static bool is_good_pkcs1(const struct method *m, RsaKey *key, const byte *hash, word32 hash_len,
                          struct slice signature)
{
    byte room[SIGNATURE_RSA_MAX], want[MAX_DER_DIGEST_SZ], *inside = NULL;
    memcpy(room, signature.ptr, signature.len);
    int len = wc_RsaSSL_VerifyInline(room, (word32)signature.len, &inside, key);
    word32 want_len = wc_EncodeSignature(want, hash, hash_len, m->oid);
    return len > 0 && (word32)len == want_len && memcmp(inside, want, want_len) == 0;
}

static bool is_good_pss(const struct method *m, RsaKey *key, const byte *hash, word32 hash_len,
                        struct slice signature)
{
    byte room[SIGNATURE_RSA_MAX];
    return wc_RsaPSS_VerifyCheck((const byte *)signature.ptr, (word32)signature.len, room,
                                 sizeof(room), hash, hash_len, m->hash, m->mgf, key) > 0;
}

static bool is_good_rsa(const struct method *m, const struct signature_key *key, const byte *hash,
                        word32 hash_len, struct slice signature)
{
    RsaKey lib;
    if (signature.len != key->a.len || signature.len > SIGNATURE_RSA_MAX ||
        !signature_key_open_rsa(key, &lib))
        return false;
    bool is_good = m->oid ? is_good_pkcs1(m, &lib, hash, hash_len, signature)
                          : is_good_pss(m, &lib, hash, hash_len, signature);
    wc_FreeRsaKey(&lib);
    return is_good;
}

/* ---- ECDSA ---- */

/* r and s, each as long as the field (RFC 7518 §3.4); that they lie in the group's order is the
 * library's to check. */
static bool is_good_ecdsa(const struct signature_key *key, const byte *hash, word32 hash_len,
                          struct slice signature)
{
    ecc_key lib;
    byte der[SIGNATURE_ECDSA_DER_MAX];
    word32 half = (word32)key->a.len, der_len = sizeof(der);
    const byte *r = (const byte *)signature.ptr;
    int is_good = 0;
    if (signature.len != 2 * (size_t)half || !signature_key_open_ecdsa(key, &lib))
        return false;
    int code = wc_ecc_rs_raw_to_sig(r, half, r + half, half, der, &der_len);
    if (code == 0)
        code = wc_ecc_verify_hash(der, der_len, hash, hash_len, &is_good, &lib);
    wc_ecc_free(&lib);
    return code == 0 && is_good == 1;
}

bool signature_is_good(enum signature_alg alg, const struct signature_key *key, struct slice text,
                       struct slice signature)
{
    byte hash[WC_MAX_DIGEST_SIZE];
    if (!signature_fits(alg, key->kind) || !text.len || !signature.len)
        return false;
    const struct method *m = &methods[alg];
    if (key->kind == SIGNATURE_KEY_HMAC)
        return is_good_hmac(m, key, text, signature);
    if (key->kind == SIGNATURE_KEY_ED25519)
        return ed25519_is_good(key->a, text, signature);
    word32 len = hash_text(m, text, hash);
    if (!len)
        return false;
    return key->kind == SIGNATURE_KEY_RSA ? is_good_rsa(m, key, hash, len, signature)
                                          : is_good_ecdsa(key, hash, len, signature);
}
