/* P-256 keys, for the files of this room that make certificates.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/tls/tls_priv.h"

#define X509_SPKI_MAX 256
#define X509_KEY_ID_SIZE 20

/* From a PEM "PRIVATE KEY" or "EC PRIVATE KEY". ERR_SYNTAX; ERR_UNSUPPORTED for anything but an
 * unencrypted P-256 key. Close it with wc_ecc_free. */
MUST_USE enum err x509_key_open(struct slice pem, ecc_key *out, char detail[TLS_DETAIL_MAX]);
/* SubjectPublicKeyInfo. */
MUST_USE enum err x509_key_public(ecc_key *key, uint8_t out[X509_SPKI_MAX], size_t *len);
/* From a SubjectPublicKeyInfo; P-256 only. Close it with wc_ecc_free. */
MUST_USE enum err x509_key_from_public(struct slice spki, ecc_key *out);
/* The leftmost 160 bits of the SHA-256 of the key's bits (RFC 7093 §2, method 1). */
void x509_key_id(struct slice spki, uint8_t out[X509_KEY_ID_SIZE]);
