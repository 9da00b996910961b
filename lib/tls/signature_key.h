/* The library's own keys from ours, for the files of this room that check signatures.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/tls/signature.h"
#include "lib/tls/tls_priv.h"

#include <wolfssl/wolfcrypt/rsa.h>

#define SIGNATURE_RSA_MAX 512       /* bytes of a modulus */
#define SIGNATURE_ECDSA_DER_MAX 160 /* of r and s of the largest curve */

/* Close them with wc_FreeRsaKey and wc_ecc_free. */
bool signature_key_open_rsa(const struct signature_key *key, RsaKey *out);
bool signature_key_open_ecdsa(const struct signature_key *key, ecc_key *out);
