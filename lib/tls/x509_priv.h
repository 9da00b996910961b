/* Shared by the files that read certificates.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/tls/tls_priv.h"
#include "lib/tls/x509.h"

struct x509_authority {
    ecc_key key;
    WOLFSSL_CERT_MANAGER *manager; /* holds this certificate alone, to check what it signs */
    uint8_t *der;
    size_t der_len;
    uint8_t *subject; /* whole Name */
    size_t subject_len;
    uint8_t key_id[64];
    size_t key_id_len;
    int64_t not_before_ms, not_after_ms;
    bool only_leaves; /* path length 0: it signs no other CA */
};

/* From DecodedCert's own date fields; 0 when unreadable. */
int64_t x509_date_ms(const byte *date, int len);
/* The first block of kind CERTIFICATE, parsed but not verified; *der must outlive the cert.
 * wc_FreeDecodedCert(cert) and mem_free(*der). */
MUST_USE enum err x509_open_cert(struct slice pem, DecodedCert *cert, uint8_t **der, size_t *len,
                                 char detail[TLS_DETAIL_MAX]);
