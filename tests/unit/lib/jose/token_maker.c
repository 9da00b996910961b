/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lib/jose/token_maker.h"

#include <stdlib.h>

#include "lib/codec/text/base64url.h"
#include "lib/jose/jose_alg.h"
#include "lib/tls/tls_priv.h"

#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/rsa.h>

#define RSA_N                                                                             \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPM" \
    "EzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-" \
    "bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3" \
    "qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9g" \
    "b54h4FRWyuXpoQ"
#define RSA_D                                                                             \
    "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-" \
    "7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzub" \
    "Su3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1j" \
    "uUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91" \
    "p1DhOVRuOopznQ"
#define RSA_P                                                                             \
    "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9" \
    "AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y" \
    "2XDwGUc"
#define RSA_Q                                                                             \
    "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6" \
    "ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJID" \
    "Ez9RWdc"
#define RSA_U                                                                             \
    "IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJ" \
    "Q3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHu" \
    "LFkuQ3U"
#define SECRET                                   \
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_" \
    "T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define EC_D "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"

/* wolfCrypt's own word is kept from meeting a failure quietly. */
static void demand(bool holds)
{
    if (!holds)
        abort();
}

static struct slice bytes(struct arena *arena, const char *text)
{
    struct slice out;
    demand(!base64url_decode(arena, slice_from_cstr(text), &out));
    return out;
}

static WC_RNG *rng(void)
{
    static WC_RNG one;
    static bool is_there;
    if (!is_there)
        demand(wc_InitRng(&one) == 0);
    is_there = true;
    return &one;
}

static enum wc_HashType hash_of(enum signature_alg alg)
{
    size_t size = signature_hash_size(alg);
    return size == 32   ? WC_HASH_TYPE_SHA256
           : size == 48 ? WC_HASH_TYPE_SHA384
                        : WC_HASH_TYPE_SHA512;
}

/* ---- each kind's signature ---- */

static struct slice sign_hmac(struct arena *arena, enum signature_alg alg, struct slice text)
{
    Hmac h;
    struct slice key = bytes(arena, SECRET);
    uint8_t *out = arena_alloc(arena, WC_MAX_DIGEST_SIZE);
    demand(wc_HmacInit(&h, NULL, INVALID_DEVID) == 0);
    demand(wc_HmacSetKey(&h, (int)hash_of(alg), (const byte *)key.ptr, (word32)key.len) == 0);
    demand(wc_HmacUpdate(&h, (const byte *)text.ptr, (word32)text.len) == 0);
    demand(wc_HmacFinal(&h, out) == 0);
    wc_HmacFree(&h);
    return slice_of(out, signature_hash_size(alg));
}

static void open_rsa(struct arena *arena, RsaKey *key)
{
    struct slice n = bytes(arena, RSA_N), d = bytes(arena, RSA_D), p = bytes(arena, RSA_P);
    struct slice q = bytes(arena, RSA_Q), u = bytes(arena, RSA_U);
    static const byte e[] = {1, 0, 1};
    demand(wc_InitRsaKey(key, NULL) == 0);
    demand(wc_RsaPrivateKeyDecodeRaw((const byte *)n.ptr, (word32)n.len, e, sizeof(e),
                                     (const byte *)d.ptr, (word32)d.len, (const byte *)u.ptr,
                                     (word32)u.len, (const byte *)p.ptr, (word32)p.len,
                                     (const byte *)q.ptr, (word32)q.len, NULL, 0, NULL, 0,
                                     key) == 0);
    demand(wc_RsaSetRNG(key, rng()) == 0);
}

static int mgf_of(enum signature_alg alg)
{
    size_t size = signature_hash_size(alg);
    return size == 32 ? WC_MGF1SHA256 : size == 48 ? WC_MGF1SHA384 : WC_MGF1SHA512;
}

static int oid_of(enum signature_alg alg)
{
    size_t size = signature_hash_size(alg);
    return size == 32 ? SHA256h : size == 48 ? SHA384h : SHA512h;
}

static struct slice sign_rsa(struct arena *arena, enum signature_alg alg, const byte *hash)
{
    RsaKey key;
    byte der[MAX_DER_DIGEST_SZ];
    word32 size = (word32)signature_hash_size(alg);
    uint8_t *out = arena_alloc(arena, 256);
    int len;
    open_rsa(arena, &key);
    if (alg >= SIGNATURE_PSS_SHA256) {
        len = wc_RsaPSS_Sign(hash, size, out, 256, hash_of(alg), mgf_of(alg), &key, rng());
    } else {
        word32 der_len = wc_EncodeSignature(der, hash, size, oid_of(alg));
        len = wc_RsaSSL_Sign(der, der_len, out, 256, &key, rng());
    }
    demand(len == 256);
    wc_FreeRsaKey(&key);
    return slice_of(out, 256);
}

static ecc_key *ec_key(struct arena *arena, enum signature_alg alg)
{
    static ecc_key keys[3];
    static bool are_there[3];
    static const int curves[] = {ECC_SECP256R1, ECC_SECP384R1, ECC_SECP521R1};
    static const int sizes[] = {32, 48, 66};
    unsigned i = alg - SIGNATURE_P256_SHA256;
    if (are_there[i])
        return &keys[i];
    demand(wc_ecc_init(&keys[i]) == 0);
    if (i == 0)
        demand(wc_ecc_import_unsigned(&keys[i], (const byte *)bytes(arena, EC_X).ptr,
                                      (const byte *)bytes(arena, EC_Y).ptr,
                                      (const byte *)bytes(arena, EC_D).ptr, ECC_SECP256R1) == 0);
    else
        demand(wc_ecc_make_key_ex(rng(), sizes[i], &keys[i], curves[i]) == 0);
    are_there[i] = true;
    return &keys[i];
}

/* A number as long as the field, with zeros in front. */
static void put_number(mp_int *number, uint8_t *to, int size)
{
    int len = mp_unsigned_bin_size(number);
    memset(to, 0, (size_t)size);
    demand(mp_to_unsigned_bin(number, to + size - len) == 0);
}

static struct slice sign_ecdsa(struct arena *arena, enum signature_alg alg, const byte *hash)
{
    mp_int r, s;
    ecc_key *key = ec_key(arena, alg);
    int size = wc_ecc_get_curve_size_from_id(key->dp->id);
    uint8_t *out = arena_alloc(arena, 2 * (size_t)size);
    demand(mp_init(&r) == 0 && mp_init(&s) == 0);
    demand(wc_ecc_sign_hash_ex(hash, (word32)signature_hash_size(alg), rng(), key, &r, &s) == 0);
    put_number(&r, out, size);
    put_number(&s, out + size, size);
    return slice_of(out, 2 * (size_t)size);
}

static struct slice sign(struct arena *arena, enum signature_alg alg, struct slice text)
{
    byte hash[WC_MAX_DIGEST_SIZE];
    if (alg <= SIGNATURE_HMAC_SHA512)
        return sign_hmac(arena, alg, text);
    demand(wc_Hash(hash_of(alg), (const byte *)text.ptr, (word32)text.len, hash,
                   (word32)signature_hash_size(alg)) == 0);
    return alg <= SIGNATURE_PSS_SHA512 ? sign_rsa(arena, alg, hash) : sign_ecdsa(arena, alg, hash);
}

/* ---- tokens and keys ---- */

struct slice token_make(struct arena *arena, enum signature_alg alg, struct slice header,
                        struct slice payload)
{
    struct slice text = arena_printf(arena, "%.*s.%.*s", SLICE_ARG(base64url_encode(arena, header)),
                                     SLICE_ARG(base64url_encode(arena, payload)));
    struct slice signature = base64url_encode(arena, sign(arena, alg, text));
    return arena_printf(arena, "%.*s.%.*s", SLICE_ARG(text), SLICE_ARG(signature));
}

struct slice token_plain(struct arena *arena, enum signature_alg alg, struct slice payload)
{
    struct slice header = arena_printf(arena, "{\"alg\":\"%s\"}", jose_alg_name(alg));
    return token_make(arena, alg, header, payload);
}

static struct slice ec_numbers(struct arena *arena, enum signature_alg alg)
{
    static const char *const names[] = {"P-256", "P-384", "P-521"};
    ecc_key *key = ec_key(arena, alg);
    uint8_t x[66], y[66];
    word32 x_len = sizeof(x), y_len = sizeof(y);
    demand(wc_ecc_export_public_raw(key, x, &x_len, y, &y_len) == 0);
    return arena_printf(arena, "\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%.*s\",\"y\":\"%.*s\"",
                        names[alg - SIGNATURE_P256_SHA256],
                        SLICE_ARG(base64url_encode(arena, slice_of(x, x_len))),
                        SLICE_ARG(base64url_encode(arena, slice_of(y, y_len))));
}

struct slice token_jwk(struct arena *arena, enum signature_alg alg, struct slice more)
{
    struct slice numbers;
    if (alg <= SIGNATURE_HMAC_SHA512)
        numbers = SLICE("\"kty\":\"oct\",\"k\":\"" SECRET "\"");
    else if (alg <= SIGNATURE_PSS_SHA512)
        numbers = SLICE("\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"" RSA_N "\"");
    else
        numbers = ec_numbers(arena, alg);
    return arena_printf(arena, "{%.*s%s%.*s}", SLICE_ARG(numbers), more.len ? "," : "",
                        SLICE_ARG(more));
}
