/* Certificates and requests from their parts, with no opinion on whether they make sense: x509_*.c
 * decide that, and tests make bad ones.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/tls/tls_priv.h"

/* GeneralName choices (RFC 5280 §4.2.1.6). */
enum x509_name_kind { X509_NAME_EMAIL = 1, X509_NAME_DNS = 2, X509_NAME_URI = 6, X509_NAME_IP = 7 };

/* The bits of KeyUsage as they lie in its first byte. */
enum x509_key_usage {
    X509_USE_DIGITAL_SIGNATURE = 0x80,
    X509_USE_KEY_ENCIPHERMENT = 0x20,
    X509_USE_CERT_SIGN = 0x04,
    X509_USE_CRL_SIGN = 0x02,
};

struct x509_name {
    enum x509_name_kind kind;
    struct slice value;
};

struct x509_spec {
    struct slice serial;          /* big-endian, positive */
    struct slice issuer, subject; /* whole DER Names */
    int64_t not_before_ms, not_after_ms;
    struct slice public_key; /* SubjectPublicKeyInfo */
    bool no_basic_constraints;
    bool is_ca;
    int path_len;      /* CA: negative for none */
    uint8_t key_usage; /* 0: no extension */
    bool key_usage_not_critical;
    bool use_server, use_client; /* extended key usage; neither: no extension */
    const struct x509_name *names;
    size_t name_count;
    bool names_critical;
    struct slice subject_key_id, authority_key_id; /* empty: no extension */
};

/* Signed by `signer` with ECDSA and SHA-256. ERR_LIMIT when it would exceed 16 KiB. */
MUST_USE enum err x509_build_cert(const struct x509_spec *spec, ecc_key *signer, char **pem);
/* PKCS #10 with an empty subject and these names asked for, and CA:TRUE when ca. */
MUST_USE enum err x509_build_csr(ecc_key *key, const struct x509_name *names, size_t name_count,
                                 bool ca, char **pem);
/* A Name with a commonName alone; empty common_name: the empty Name. Into buffer. */
struct slice x509_build_name(struct slice common_name, uint8_t *buffer, size_t capacity);
