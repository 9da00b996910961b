/* Making and reading certificates, for certd and for the workload's own requests. ECDSA P-256 only
 * for what we make. Times are wall-clock milliseconds. All PEM. Results are mem_alloc'ed strings.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/tls/tls_ctx.h"

/* A fresh P-256 private key. */
MUST_USE enum err x509_make_key(char **key_pem);
/* A CSR with one URI SAN (spiffe id), signed by key. */
MUST_USE enum err x509_make_csr(struct slice key_pem, struct slice spiffe_id, char **csr_pem);

struct x509_csr {
    struct slice public_key_der; /* view into storage */
    char *uri_san;               /* the only URI SAN, or NULL when it asks for none */
    void *storage;
};
/* Checks size, syntax, the self-signature (proof of possession) and the key's kind (P-256). More
 * than one URI SAN, CA:TRUE, or keyCertSign asked for: ERR_DENIED. detail says why. */
MUST_USE enum err x509_parse_csr(struct slice csr_pem, struct x509_csr *out,
                                 char detail[TLS_DETAIL_MAX]);
void x509_csr_dispose(struct x509_csr *csr);

struct x509_authority; /* a CA certificate and its key */
MUST_USE enum err x509_authority_load(struct slice cert_pem, struct slice key_pem,
                                      struct x509_authority **out, char detail[TLS_DETAIL_MAX]);
void x509_authority_destroy(struct x509_authority *a);
int64_t x509_authority_not_after_ms(const struct x509_authority *a);
/* Self-signed root: CA:TRUE, keyCertSign|cRLSign. */
MUST_USE enum err x509_make_root(struct slice common_name, struct slice key_pem,
                                 int64_t not_before_ms, int64_t not_after_ms, char **cert_pem);
/* CA:TRUE pathlen 0, spiffe://<trust domain> as its URI SAN, signed by issuer. */
MUST_USE enum err x509_make_intermediate(const struct x509_authority *issuer,
                                         struct slice common_name, struct slice trust_domain,
                                         struct slice key_pem, int64_t not_before_ms,
                                         int64_t not_after_ms, char **cert_pem);
/* An X.509-SVID: one critical-when-subject-is-empty URI SAN, CA:FALSE, digitalSignature critical,
 * both EKUs, random positive 128-bit serial; never outlives the issuer. dns_names: extra DNS SANs
 * (certd's and the webhook's own serving certificates), NULL-terminated, may be NULL. The result is
 * verified against the issuer before it is returned. */
MUST_USE enum err x509_issue_svid(const struct x509_authority *issuer, struct slice public_key_der,
                                  struct slice spiffe_id, const char *const *dns_names,
                                  int64_t not_before_ms, int64_t not_after_ms, char **cert_pem,
                                  char detail[TLS_DETAIL_MAX]);

struct x509_facts {
    int64_t not_before_ms, not_after_ms;
    char *spiffe_id; /* or NULL */
    char serial[65]; /* hex */
    bool is_ca;
    bool is_self_issued; /* subject and issuer are the same name: a root */
};
/* Of the first certificate in pem. Dispose with x509_facts_dispose. */
MUST_USE enum err x509_read(struct slice pem, struct x509_facts *out);
void x509_facts_dispose(struct x509_facts *f);
