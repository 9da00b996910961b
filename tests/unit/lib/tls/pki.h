/* Certificates for tests, good and bad, made on the spot: a root, an intermediate under it, and
 * leaves described by a spec.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/mem.h"
#include "lib/tls/tls_ctx.h"
#include "lib/tls/x509.h"
#include "lib/tls/x509_build.h"

#define PKI_DOMAIN "mesh.example.com"
#define PKI_CLIENT_ID "spiffe://mesh.example.com/ns/shop/sa/frontend"
#define PKI_SERVER_ID "spiffe://mesh.example.com/ns/shop/sa/reviews"

struct pki {
    int64_t now_ms;
    char *root_key, *root;
    struct x509_authority *root_ca;
    char *mid_key, *mid;
    struct x509_authority *mid_ca;
};

void pki_init(struct pki *p);
void pki_dispose(struct pki *p);

/* A chain and its key. */
struct pki_leaf {
    char *key, *chain;
};

/* By x509_issue_svid under the intermediate, valid for an hour; the intermediate follows it. */
struct pki_leaf pki_svid(const struct pki *p, const char *spiffe_id);
/* A spec that would make a good leaf; change it, then pki_build. Strings are borrowed. */
struct pki_spec {
    struct x509_spec x;
    struct x509_name names[4];
    const char *signer_key; /* PEM; NULL: the intermediate's */
    const char *above;      /* appended to the chain; NULL: the intermediate */
    uint8_t serial[16], issuer[256], subject[256], spki[256], key_id[32], authority_id[32];
};
void pki_spec_init(const struct pki *p, struct pki_spec *s, const char *spiffe_id);
/* Makes a fresh key, unless key (PEM) is given. */
struct pki_leaf pki_build(const struct pki *p, struct pki_spec *s, const char *key);
/* The certificate alone of a CA by these names and keys (PEM). path_len: negative for none. */
char *pki_make_ca(const struct pki *p, const char *subject, const char *key, const char *issuer,
                  const char *issuer_key, int path_len, int64_t not_after_ms);
void pki_leaf_dispose(struct pki_leaf *l);

/* Mesh contexts; both abort the test when they cannot be made. */
struct tls_ctx *pki_server(const struct pki *p, const struct pki_leaf *l);
struct tls_ctx *pki_client(const struct pki *p, const struct pki_leaf *l);
/* The same, but without our own check of the certificate that is shown: an attacker's end. */
struct tls_ctx *pki_rogue(const struct pki *p, const struct pki_leaf *l, bool is_server);
