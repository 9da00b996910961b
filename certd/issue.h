/* One certificate for one proven caller. The SAN comes from the proof alone: a request that names
 * somebody else is refused, one that names nobody is fine. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "certd/ca.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

struct issue_name {
    char *namespace_name, *service_account;
    char *dns_name;
};

#define ISSUE_NAMES_MAX 16

struct issue_policy {
    const char *trust_domain;
    uint64_t leaf_ttl_ms, max_leaf_ttl_ms;
    /* Programs of ours that are called by name get it into their certificates. */
    const struct issue_name *names;
    size_t name_count;
};

struct issued {
    char *cert_pem;
    char serial[65];
    int64_t not_after_ms;
};

/* Everything but signing: ERR_DENIED, ERR_INVALID, ERR_SYNTAX … with a sentence the caller may
 * read. */
MUST_USE enum err issue_check(const struct issue_policy *policy, struct slice csr_pem,
                              const char *spiffe_id, int64_t asked_seconds, struct x509_csr *out,
                              char detail[TLS_DETAIL_MAX]);
/* asked_seconds: 0 for the policy's own; more than the policy allows is shortened. Never outlives
 * the CA. */
MUST_USE enum err issue_sign(const struct issue_policy *policy, const struct ca *ca,
                             const struct x509_csr *csr, const char *spiffe_id,
                             int64_t asked_seconds, int64_t now_ms, struct issued *out,
                             char detail[TLS_DETAIL_MAX]);
void issue_dispose(struct issued *i);
