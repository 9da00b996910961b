/* The certificate's public key against the one that the private key makes. wolfSSL's own check
 * parses the whole certificate as if a peer had shown it, and refuses names that are legal to own.
 * Pure; any thread. Must not know contexts.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_key_match.h"

#include "lib/base/mem.h"
#include "lib/tls/digest.h"
#include "lib/tls/pem.h"
#include "lib/tls/tls_priv.h"
#include "lib/tls/x509_spki.h"

enum { NUMBER_MAX = 1024 };

static bool is_same_rsa(RsaKey *a, RsaKey *b)
{
    byte exponent[2][NUMBER_MAX], modulus[2][NUMBER_MAX];
    word32 e[2] = {NUMBER_MAX, NUMBER_MAX}, n[2] = {NUMBER_MAX, NUMBER_MAX};
    return wc_RsaFlattenPublicKey(a, exponent[0], &e[0], modulus[0], &n[0]) == 0 &&
           wc_RsaFlattenPublicKey(b, exponent[1], &e[1], modulus[1], &n[1]) == 0 &&
           slice_eq(slice_of(exponent[0], e[0]), slice_of(exponent[1], e[1])) &&
           slice_eq(slice_of(modulus[0], n[0]), slice_of(modulus[1], n[1]));
}

static bool match_rsa(struct slice spki, struct slice key)
{
    RsaKey ours, theirs;
    word32 at = 0, of = 0;
    if (wc_InitRsaKey(&ours, NULL))
        return false;
    bool same = false;
    if (wc_InitRsaKey(&theirs, NULL) == 0) {
        same = wc_RsaPrivateKeyDecode((const byte *)key.ptr, &at, &ours, (word32)key.len) == 0 &&
               wc_RsaPublicKeyDecode((const byte *)spki.ptr, &of, &theirs, (word32)spki.len) == 0 &&
               is_same_rsa(&ours, &theirs);
        wc_FreeRsaKey(&theirs);
    }
    wc_FreeRsaKey(&ours);
    return same;
}

/* A key file may hold the private number alone; the public point then has to be computed. */
static bool complete(ecc_key *key)
{
    WC_RNG rng;
    if (key->type != ECC_PRIVATEKEY_ONLY)
        return true;
    if (wc_InitRng(&rng))
        return false;
    bool ok = wc_ecc_make_pub_ex(key, NULL, &rng) == 0;
    wc_FreeRng(&rng);
    return ok;
}

static bool is_same_ecc(ecc_key *a, ecc_key *b)
{
    byte point[2][NUMBER_MAX];
    word32 len[2] = {NUMBER_MAX, NUMBER_MAX};
    return complete(a) && wc_ecc_export_x963(a, point[0], &len[0]) == 0 &&
           wc_ecc_export_x963(b, point[1], &len[1]) == 0 &&
           slice_eq(slice_of(point[0], len[0]), slice_of(point[1], len[1]));
}

static bool match_ecc(struct slice spki, struct slice key)
{
    ecc_key ours, theirs;
    word32 at = 0, of = 0;
    if (wc_ecc_init(&ours))
        return false;
    bool same = false;
    if (wc_ecc_init(&theirs) == 0) {
        same = wc_EccPrivateKeyDecode((const byte *)key.ptr, &at, &ours, (word32)key.len) == 0 &&
               wc_EccPublicKeyDecode((const byte *)spki.ptr, &of, &theirs, (word32)spki.len) == 0 &&
               is_same_ecc(&ours, &theirs);
        wc_ecc_free(&theirs);
    }
    wc_ecc_free(&ours);
    return same;
}

/* The first block whose label ends in "PRIVATE KEY". */
static bool find_private_key(struct slice pem, uint8_t **der, size_t *len)
{
    return pem_find(pem, "PRIVATE KEY", "EC PRIVATE KEY", der, len) == ERR_OK ||
           pem_find(pem, "RSA PRIVATE KEY", NULL, der, len) == ERR_OK;
}

bool tls_key_match(struct slice chain_pem, struct slice key_pem)
{
    uint8_t *certificate, *key;
    size_t certificate_len, key_len;
    struct slice spki;
    if (pem_find(chain_pem, "CERTIFICATE", NULL, &certificate, &certificate_len))
        return false;
    bool same = false;
    if (find_private_key(key_pem, &key, &key_len)) {
        struct slice der = slice_of(key, key_len);
        same = x509_spki_find(slice_of(certificate, certificate_len), &spki) &&
               (match_rsa(spki, der) || match_ecc(spki, der));
        digest_wipe(key, key_len);
        mem_free(key);
    }
    mem_free(certificate);
    return same;
}
