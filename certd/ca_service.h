/* certd's gRPC methods: istio.v1.auth.IstioCertificateService/CreateCertificate and
 * weft.ca.v1.Trust/FetchBundle. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "certd/audit.h"
#include "certd/ca.h"
#include "certd/issue.h"
#include "certd/rate.h"
#include "lib/net/grpc_server.h"

struct token_review;

struct ca_service_config {
    /* One of the two: whose join tokens are taken, or who reviews service-account tokens. */
    const char *state_dir;
    struct token_review *reviews;
    struct issue_policy policy;
    const struct ca *ca; /* certd's, replaced in place */
    struct audit *audit;
    unsigned rate_per_minute;
};

struct ca_service {
    struct grpc_service grpc;
    struct issue_policy policy;
    const char *state_dir;
    struct token_review *reviews;
    const struct ca *ca;
    struct audit *audit;
    struct rate by_identity;
    struct rate by_address; /* attempts that led to no certificate */
    uint64_t issued, refused;
    uint64_t unreviewed; /* of these: too many attempts from an address for a TokenReview */
};

/* What config points at must outlive it. */
void ca_service_init(struct ca_service *s, const struct ca_service_config *config);
/* After the reviews have ended. */
void ca_service_dispose(struct ca_service *s);
