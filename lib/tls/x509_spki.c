/* Walking a certificate to its public key, and the object identifiers of kinds of keys. Pure.
 * Must not know what the certificate is for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/x509_spki.h"

#include <stdio.h>

#include "lib/tls/der.h"
#include "lib/tls/tls_priv.h"

enum { TBS_BEFORE_KEY = 5, MIN_CURVE_BITS = 256, MAX_RSA_BITS = 4096 };

struct kind {
    struct slice oid; /* the OID's content */
    const char *name;
    enum { OF_NO_USE, RSA, ECDSA } sort;
};

static const struct kind kinds[] = {
    {SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"), "RSA", RSA},
    {SLICE("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"), "RSASSA-PSS", RSA},
    {SLICE("\x2a\x86\x48\xce\x3d\x02\x01"), "ECDSA", ECDSA},
    {SLICE("\x2b\x65\x70"), "Ed25519", OF_NO_USE},
    {SLICE("\x2b\x65\x71"), "Ed448", OF_NO_USE},
    {SLICE("\x2a\x86\x48\xce\x38\x04\x01"), "DSA", OF_NO_USE},
    {SLICE("\x60\x86\x48\x01\x65\x03\x04\x03\x11"), "ML-DSA-44", OF_NO_USE},
    {SLICE("\x60\x86\x48\x01\x65\x03\x04\x03\x12"), "ML-DSA-65", OF_NO_USE},
    {SLICE("\x60\x86\x48\x01\x65\x03\x04\x03\x13"), "ML-DSA-87", OF_NO_USE},
};

/* tbsCertificate: [version], serial, signature, issuer, validity, subject, subjectPublicKeyInfo. */
bool x509_spki_find(struct slice certificate, struct slice *spki)
{
    struct der_item item;
    struct slice rest = certificate;
    if (!der_next(&rest, &item) || item.tag != DER_SEQUENCE)
        return false;
    rest = item.content;
    if (!der_next(&rest, &item) || item.tag != DER_SEQUENCE)
        return false;
    rest = item.content;
    if (!der_next(&rest, &item))
        return false;
    int left = item.tag == DER_CONTEXT_CONSTRUCTED(0) ? TBS_BEFORE_KEY : TBS_BEFORE_KEY - 1;
    while (left-- > 0)
        if (!der_next(&rest, &item))
            return false;
    if (!der_next(&rest, &item) || item.tag != DER_SEQUENCE)
        return false;
    *spki = item.whole;
    return true;
}

/* AlgorithmIdentifier: the OID, parameters. */
static const struct kind *read_algorithm(struct slice rest)
{
    struct der_item item;
    if (!der_next(&rest, &item) || item.tag != DER_SEQUENCE)
        return NULL;
    rest = item.content;
    if (!der_next(&rest, &item) || item.tag != DER_OID)
        return NULL;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (slice_eq(kinds[i].oid, item.content))
            return &kinds[i];
    return NULL;
}

static const struct kind *find_kind(struct slice certificate)
{
    struct der_item item;
    struct slice rest;
    if (!x509_spki_find(certificate, &rest) || !der_next(&rest, &item))
        return NULL;
    return read_algorithm(item.content);
}

const char *x509_spki_kind(struct slice certificate)
{
    const struct kind *k = find_kind(certificate);
    return k ? k->name : NULL;
}

/* RSAPublicKey: modulus, exponent; within a BIT STRING that has no unused bits. */
static unsigned rsa_bits(struct slice spki)
{
    struct der_item item;
    struct slice rest = spki;
    if (!der_next(&rest, &item))
        return 0;
    rest = item.content;
    if (!der_next(&rest, &item) || !der_next(&rest, &item) || item.content.len < 1)
        return 0;
    rest = slice_sub(item.content, 1, item.content.len);
    if (!der_next(&rest, &item) || item.tag != DER_SEQUENCE)
        return 0;
    rest = item.content;
    if (!der_next(&rest, &item) || item.tag != DER_INTEGER)
        return 0;
    struct slice number = item.content;
    while (number.len && number.ptr[0] == 0)
        number = slice_sub(number, 1, number.len);
    unsigned bits = (unsigned)number.len * 8;
    for (unsigned top = number.len ? (unsigned char)number.ptr[0] : 128; top < 128; top <<= 1)
        bits--;
    return bits;
}

static unsigned curve_bits(struct slice spki)
{
    ecc_key key;
    word32 at = 0;
    int bytes = 0;
    if (wc_ecc_init(&key))
        return 0;
    if (wc_EccPublicKeyDecode((const byte *)spki.ptr, &at, &key, (word32)spki.len) == 0)
        bytes = wc_ecc_size(&key);
    wc_ecc_free(&key);
    return bytes > 0 ? (unsigned)bytes * 8 : 0;
}

const char *x509_spki_flaw(struct slice certificate, char text[X509_SPKI_FLAW_MAX])
{
    struct slice spki = {NULL, 0};
    const struct kind *k = find_kind(certificate);
    (void)x509_spki_find(certificate, &spki);
    unsigned bits = k && k->sort == RSA ? rsa_bits(spki) : 0;
    if (!k)
        snprintf(text, X509_SPKI_FLAW_MAX, "is of a kind that is not supported");
    else if (k->sort == OF_NO_USE)
        snprintf(text, X509_SPKI_FLAW_MAX, "is %s, which is not supported", k->name);
    else if (k->sort == RSA && bits < TLS_MIN_RSA_BITS)
        snprintf(text, X509_SPKI_FLAW_MAX, "has %u bits (RSA); at least %d are needed", bits,
                 TLS_MIN_RSA_BITS);
    else if (k->sort == RSA && bits > MAX_RSA_BITS)
        snprintf(text, X509_SPKI_FLAW_MAX, "has %u bits (RSA); at most %d are supported", bits,
                 MAX_RSA_BITS);
    else if (k->sort == ECDSA && curve_bits(spki) < MIN_CURVE_BITS)
        snprintf(text, X509_SPKI_FLAW_MAX, "is on an elliptic curve that is not supported");
    else
        return NULL;
    return text;
}

const char *x509_spki_private_flaw(struct slice key, char text[X509_SPKI_FLAW_MAX])
{
    struct der_item item;
    struct slice rest = key;
    if (!der_next(&rest, &item) || item.tag != DER_SEQUENCE)
        return NULL;
    rest = item.content;
    if (!der_next(&rest, &item) || item.tag != DER_INTEGER)
        return NULL;
    const struct kind *k = read_algorithm(rest);
    if (!k || k->sort != OF_NO_USE)
        return NULL;
    snprintf(text, X509_SPKI_FLAW_MAX, "is %s, which is not supported", k->name);
    return text;
}
