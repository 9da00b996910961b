/* Keys that signatures are checked with: what is good enough, and reading them. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/signature_key.h"

#include "lib/base/mem.h"
#include "lib/tls/der.h"
#include "lib/tls/ed25519.h"
#include "lib/tls/pem.h"

enum { RSA_BITS_MIN = 2048, EXPONENT_MAX = 4 };

static enum err refuse(const char **why, const char *text)
{
    *why = text;
    return ERR_INVALID;
}

/* ---- RSA ---- */

static struct slice without_zeros(struct slice number)
{
    size_t zeros = 0;
    while (zeros < number.len && number.ptr[zeros] == 0)
        zeros++;
    return slice_sub(number, zeros, number.len);
}

static size_t bits_of(struct slice number)
{
    size_t bits = number.len * 8;
    for (uint8_t top = number.len ? (uint8_t)number.ptr[0] : 0x80; !(top & 0x80); top <<= 1)
        bits--;
    return bits;
}

static bool is_odd(struct slice number)
{
    return number.len && (number.ptr[number.len - 1] & 1);
}

bool signature_key_open_rsa(const struct signature_key *key, RsaKey *out)
{
    if (wc_InitRsaKey(out, NULL))
        return false;
    if (wc_RsaPublicKeyDecodeRaw((const byte *)key->a.ptr, (word32)key->a.len,
                                 (const byte *)key->b.ptr, (word32)key->b.len, out) == 0)
        return true;
    wc_FreeRsaKey(out);
    return false;
}

enum err signature_key_rsa(struct arena *arena, struct slice modulus, struct slice exponent,
                           struct signature_key *out, const char **why)
{
    RsaKey lib;
    struct slice n = without_zeros(modulus), e = without_zeros(exponent);
    if (bits_of(n) < RSA_BITS_MIN)
        return refuse(why, "is an RSA key of less than 2048 bits");
    if (n.len > SIGNATURE_RSA_MAX)
        return refuse(why, "is an RSA key of more than 4096 bits");
    if (!is_odd(n))
        return refuse(why, "is an RSA key with an even modulus");
    if (!is_odd(e) || e.len > EXPONENT_MAX || (e.len == 1 && e.ptr[0] == 1))
        return refuse(why, "is an RSA key whose exponent is not odd, or not from 3 to 2^32");
    *out = (struct signature_key){SIGNATURE_KEY_RSA, arena_copy(arena, n), arena_copy(arena, e)};
    if (!signature_key_open_rsa(out, &lib))
        return refuse(why, "is no RSA key");
    wc_FreeRsaKey(&lib);
    return ERR_OK;
}

/* ---- ECDSA ---- */

static int curve_of(enum signature_kind kind)
{
    return kind == SIGNATURE_KEY_P256   ? ECC_SECP256R1
           : kind == SIGNATURE_KEY_P384 ? ECC_SECP384R1
                                        : ECC_SECP521R1;
}

static size_t field_size(enum signature_kind kind)
{
    return kind == SIGNATURE_KEY_P256 ? 32 : kind == SIGNATURE_KEY_P384 ? 48 : 66;
}

bool signature_key_open_ecdsa(const struct signature_key *key, ecc_key *out)
{
    if (wc_ecc_init(out))
        return false;
    if (wc_ecc_import_unsigned(out, (const byte *)key->a.ptr, (const byte *)key->b.ptr, NULL,
                               curve_of(key->kind)) == 0)
        return true;
    wc_ecc_free(out);
    return false;
}

enum err signature_key_ecdsa(struct arena *arena, enum signature_kind kind, struct slice x,
                             struct slice y, struct signature_key *out, const char **why)
{
    ecc_key lib;
    if (x.len != field_size(kind) || y.len != field_size(kind))
        return refuse(why, "has coordinates that are not as long as those of its curve");
    *out = (struct signature_key){kind, arena_copy(arena, x), arena_copy(arena, y)};
    if (!signature_key_open_ecdsa(out, &lib))
        return refuse(why, "is no point of its curve");
    bool is_point = wc_ecc_check_key(&lib) == 0;
    wc_ecc_free(&lib);
    return is_point ? ERR_OK : refuse(why, "is no point of its curve");
}

/* ---- the others ---- */

enum err signature_key_ed25519(struct arena *arena, struct slice public_key,
                               struct signature_key *out, const char **why)
{
    if (!ed25519_is_key(public_key))
        return refuse(why, "is no Ed25519 key");
    *out = (struct signature_key){.kind = SIGNATURE_KEY_ED25519,
                                  .a = arena_copy(arena, public_key)};
    return ERR_OK;
}

enum err signature_key_hmac(struct arena *arena, struct slice secret, struct signature_key *out,
                            const char **why)
{
    if (!secret.len)
        return refuse(why, "is empty");
    *out = (struct signature_key){.kind = SIGNATURE_KEY_HMAC, .a = arena_copy(arena, secret)};
    return ERR_OK;
}

/* ---- PEM ---- */

#define OID(literal) {"" literal, sizeof(literal) - 1}
static const struct slice oid_rsa = OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
static const struct slice oid_ec = OID("\x2a\x86\x48\xce\x3d\x02\x01");
static const struct slice oid_ed25519 = OID("\x2b\x65\x70");
static const struct slice oid_p256 = OID("\x2a\x86\x48\xce\x3d\x03\x01\x07");
static const struct slice oid_p384 = OID("\x2b\x81\x04\x00\x22");
static const struct slice oid_p521 = OID("\x2b\x81\x04\x00\x23");

/* The next value must be of that tag. */
static bool take(struct slice *rest, uint8_t tag, struct slice *content)
{
    struct der_item item;
    if (!der_next(rest, &item) || item.tag != tag)
        return false;
    *content = item.content;
    return true;
}

static enum err take_rsa(struct arena *arena, struct slice bits, struct signature_key *out,
                         const char **why)
{
    struct slice whole, n, e;
    if (!take(&bits, DER_SEQUENCE, &whole) || !take(&whole, DER_INTEGER, &n) ||
        !take(&whole, DER_INTEGER, &e))
        return refuse(why, "is no RSA key");
    return signature_key_rsa(arena, n, e, out, why);
}

/* An uncompressed point: 4, x, y. */
static enum err take_ec(struct arena *arena, struct slice curve, struct slice bits,
                        struct signature_key *out, const char **why)
{
    enum signature_kind kind;
    if (slice_eq(curve, oid_p256))
        kind = SIGNATURE_KEY_P256;
    else if (slice_eq(curve, oid_p384))
        kind = SIGNATURE_KEY_P384;
    else if (slice_eq(curve, oid_p521))
        kind = SIGNATURE_KEY_P521;
    else
        return refuse(why, "is on a curve that is not P-256, P-384 or P-521");
    size_t size = field_size(kind);
    if (bits.len != 1 + 2 * size || bits.ptr[0] != 4)
        return refuse(why, "is no uncompressed point");
    return signature_key_ecdsa(arena, kind, slice_sub(bits, 1, size),
                               slice_sub(bits, 1 + size, size), out, why);
}

/* SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). */
static enum err take_spki(struct arena *arena, struct slice der, struct signature_key *out,
                          const char **why)
{
    struct slice whole, algorithm, oid, curve = {0}, bits;
    if (!take(&der, DER_SEQUENCE, &whole) || !take(&whole, DER_SEQUENCE, &algorithm) ||
        !take(&algorithm, DER_OID, &oid) || !take(&whole, DER_BIT_STRING, &bits) || !bits.len ||
        bits.ptr[0] != 0)
        return refuse(why, "is no SubjectPublicKeyInfo");
    bits = slice_sub(bits, 1, bits.len); /* without the count of unused bits */
    if (slice_eq(oid, oid_rsa))
        return take_rsa(arena, bits, out, why);
    if (slice_eq(oid, oid_ed25519))
        return signature_key_ed25519(arena, bits, out, why);
    if (!slice_eq(oid, oid_ec) || !take(&algorithm, DER_OID, &curve))
        return refuse(why, "is not RSA, ECDSA or Ed25519");
    return take_ec(arena, curve, bits, out, why);
}

enum err signature_key_pem(struct arena *arena, struct slice pem, struct signature_key *out,
                           const char **why)
{
    uint8_t *der;
    size_t len;
    if (pem_find(pem, "PUBLIC KEY", NULL, &der, &len))
        return refuse(why, "has no PEM block PUBLIC KEY");
    enum err e = take_spki(arena, slice_of(der, len), out, why);
    mem_free(der);
    return e;
}
