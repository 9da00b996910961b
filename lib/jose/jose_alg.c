/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/jose/jose_alg.h"

static const char *const names[SIGNATURE_ALG_COUNT] = {
    [SIGNATURE_NONE] = "none",         [SIGNATURE_HMAC_SHA256] = "HS256",
    [SIGNATURE_HMAC_SHA384] = "HS384", [SIGNATURE_HMAC_SHA512] = "HS512",
    [SIGNATURE_RSA_SHA256] = "RS256",  [SIGNATURE_RSA_SHA384] = "RS384",
    [SIGNATURE_RSA_SHA512] = "RS512",  [SIGNATURE_PSS_SHA256] = "PS256",
    [SIGNATURE_PSS_SHA384] = "PS384",  [SIGNATURE_PSS_SHA512] = "PS512",
    [SIGNATURE_P256_SHA256] = "ES256", [SIGNATURE_P384_SHA384] = "ES384",
    [SIGNATURE_P521_SHA512] = "ES512", [SIGNATURE_ED25519] = "EdDSA",
};

enum signature_alg jose_alg_find(struct slice name)
{
    for (enum signature_alg alg = SIGNATURE_NONE + 1; alg < SIGNATURE_ALG_COUNT; alg++)
        if (slice_eq_cstr(name, names[alg]))
            return alg;
    return SIGNATURE_NONE;
}

const char *jose_alg_name(enum signature_alg alg)
{
    return names[alg];
}
