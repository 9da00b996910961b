/* Who this program is: gets a key and a certificate (from certd, or from files that somebody else
 * renews), hands them to its owner, and renews them at half of their life, and at once when they do
 * not chain to the roots in force. While a renewal fails, what there is goes on being used. On one
 * loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/addr.h"
#include "lib/base/buf.h"
#include "lib/identity/identity_material.h"

struct identity;
struct loop;

/* Texts must outlive the identity. */
struct identity_config {
    const char *trust_domain, *namespace_name, *service_account;
    /* The CA, as host and port; NULL: none to ask. The name is what its certificate says, or the
     * SPIFFE ID of weft-certd in control_namespace (NULL: weft-system). */
    const char *certd_address, *certd_name, *control_namespace;
    struct addr certd_ip; /* where its name does not resolve; family 0: none */
    const char *trust_bundle_file; /* watched: other roots are other contexts, at once */
    /* What proves to the CA who we are while there is no certificate: a token that Kubernetes keeps
     * fresh and that is read again each time, or one that works once. NULL: none. */
    const char *token_file, *join_token_file;
    const char *keep_dir;             /* where certificates outlive the process; NULL: nowhere */
    const char *cert_file, *key_file; /* instead of a CA; NULL: none */
    /* A new certificate, checked: the owner makes its TLS contexts of it, or refuses it (with
     * detail). The material stays the identity's. */
    enum err (*use)(void *owner, const char *spiffe_id, const struct identity_material *m,
                    char detail[TLS_DETAIL_MAX]);
    void *owner;
};

/* Starts; `use` is called from the loop, or before this returns when a usable certificate lies on
 * disk. Without certd and without files there is no mutual TLS, which is said in the log. An error
 * only for what waiting cannot mend (files that cannot be read). */
MUST_USE enum err identity_open(struct loop *l, const struct identity_config *config,
                                struct identity **out);
void identity_close(struct identity *id);
/* The roots in force, from a source that is ahead of the trust bundle's file, whose changes do not
 * count from then on. A text that holds no root changes nothing. */
void identity_trust(struct identity *id, const char *roots_pem);

/* How it is now. */
struct identity_state {
    bool is_trusted;      /* the certificate has not expired, and chains to the roots in force */
    unsigned failures;    /* requests (or files) in a row that came to nothing */
    int64_t not_after_ms; /* when the certificate in use ends, wall clock; 0: there is none */
    uint64_t renewals;    /* certificates obtained or loaded since the start */
};
void identity_read(const struct identity *id, struct identity_state *out);
/* weft_certificate_trusted and weft_certificate_request_failures, which mean the same in every
 * program. id: NULL: there is no identity yet. */
void identity_write_metrics(const struct identity *id, struct buf *out);
