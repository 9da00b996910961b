/* Making, reading and naming P-256 keys. Pure but for the random generator; any thread.
 * Must not know where keys are stored.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/x509_key.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/der.h"
#include "lib/tls/digest.h"
#include "lib/tls/pem.h"
#include "lib/tls/tls_err.h"
#include "lib/tls/x509.h"

enum { PKCS8_MAX = 256, P256_SIZE = 32 };

static enum err make_key(ecc_key *key, WC_RNG *rng)
{
    if (wc_ecc_init(key))
        return ERR_CRYPTO;
    if (wc_ecc_make_key_ex(rng, P256_SIZE, key, ECC_SECP256R1)) {
        wc_ecc_free(key);
        return ERR_CRYPTO;
    }
    return ERR_OK;
}

enum err x509_make_key(char **key_pem)
{
    WC_RNG rng;
    ecc_key key;
    uint8_t der[PKCS8_MAX];
    word32 len = sizeof(der);
    if (wc_InitRng(&rng))
        return ERR_CRYPTO;
    enum err e = make_key(&key, &rng);
    wc_FreeRng(&rng);
    if (e)
        return e;
    int n = wc_EccKeyToPKCS8(&key, der, &len);
    wc_ecc_free(&key);
    if (n <= 0)
        return ERR_CRYPTO;
    *key_pem = pem_encode("PRIVATE KEY", slice_of(der, (size_t)n));
    digest_wipe(der, sizeof(der));
    return ERR_OK;
}

static bool is_p256(const ecc_key *key)
{
    return key->dp && key->dp->id == ECC_SECP256R1;
}

/* A key file may hold the private number alone; the public point then has to be computed. */
static bool complete(ecc_key *key)
{
    WC_RNG rng;
    if (wc_InitRng(&rng))
        return false;
    bool ok = key->type != ECC_PRIVATEKEY_ONLY || wc_ecc_make_pub_ex(key, NULL, &rng) == 0;
    ok = ok && wc_ecc_check_key(key) == 0;
    wc_FreeRng(&rng);
    return ok;
}

enum err x509_key_open(struct slice pem, ecc_key *out, char detail[TLS_DETAIL_MAX])
{
    uint8_t *der;
    size_t len;
    word32 at = 0;
    if (pem_find(pem, "PRIVATE KEY", "EC PRIVATE KEY", &der, &len))
        return tls_err_say(ERR_SYNTAX, detail,
                           "private key: no unencrypted PEM block PRIVATE KEY or EC PRIVATE KEY");
    if (wc_ecc_init(out)) {
        mem_free(der);
        return tls_err_say(ERR_CRYPTO, detail, "private key: out of resources");
    }
    int code = wc_EccPrivateKeyDecode(der, &at, out, (word32)len);
    digest_wipe(der, len);
    mem_free(der);
    if (code == 0 && is_p256(out) && complete(out))
        return ERR_OK;
    wc_ecc_free(out);
    return tls_err_say(ERR_UNSUPPORTED, detail, "private key: not a valid ECDSA P-256 key");
}

enum err x509_key_public(ecc_key *key, uint8_t out[X509_SPKI_MAX], size_t *len)
{
    int n = wc_EccPublicKeyToDer(key, out, X509_SPKI_MAX, 1);
    if (n <= 0)
        return ERR_CRYPTO;
    *len = (size_t)n;
    return ERR_OK;
}

enum err x509_key_from_public(struct slice spki, ecc_key *out)
{
    word32 at = 0;
    if (wc_ecc_init(out))
        return ERR_CRYPTO;
    int code = wc_EccPublicKeyDecode((const byte *)spki.ptr, &at, out, (word32)spki.len);
    if (code == 0 && is_p256(out) && wc_ecc_check_key(out) == 0)
        return ERR_OK;
    wc_ecc_free(out);
    return ERR_UNSUPPORTED;
}

void x509_key_id(struct slice spki, uint8_t out[X509_KEY_ID_SIZE])
{
    uint8_t digest[DIGEST_SIZE];
    struct der_item outer, algorithm, bits = {0};
    struct slice rest = spki;
    if (der_next(&rest, &outer)) {
        rest = outer.content;
        if (der_next(&rest, &algorithm))
            (void)der_next(&rest, &bits);
    }
    /* Without the count of unused bits that leads a BIT STRING. */
    digest_sha256(slice_sub(bits.content, 1, bits.content.len), digest);
    memcpy(out, digest, X509_KEY_ID_SIZE);
}
