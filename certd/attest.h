/* Who is asking? One attestor for each kind of proof: a bearer join token, a bearer service-account
 * token that the API server has reviewed, or the certificate that the caller's TLS connection was
 * verified with. Another kind is another row in attest.c. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/io/stream.h"

#define ATTEST_DETAIL_MAX 200

struct attest_request {
    const char *state_dir;       /* where join tokens are; NULL: none are taken */
    struct slice authorization;  /* the header's value; empty: none */
    const char *reviewed_id;     /* whose token the API server says it is; NULL: it was not asked */
    const struct tls_peer *peer; /* NULL: no certificate was shown */
    int64_t now_ms;
};

struct attestor;

struct attest_result {
    char *spiffe_id; /* proven */
    const struct attestor *by;
    const char *method; /* "join-token", "service-account", "svid": for the log */
};

/* The token of "Bearer <token>"; empty when it is none. */
struct slice attest_bearer(struct slice authorization);
/* ERR_OK, or ERR_DENIED with the reason for the log (never for the caller). Spends nothing. Dispose
 * the result. */
MUST_USE enum err attest_caller(const struct attest_request *r, struct attest_result *out,
                                char detail[ATTEST_DETAIL_MAX]);
/* The proof is used for good: once this returns ERR_OK, a one-time proof never works again. */
MUST_USE enum err attest_commit(const struct attest_request *r, const struct attest_result *result,
                                char detail[ATTEST_DETAIL_MAX]);
void attest_result_dispose(struct attest_result *result);
