/* certd's gRPC methods: istio.v1.auth.IstioCertificateService/CreateCertificate and
 * weft.ca.v1.Trust/FetchBundle. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "certd/audit.h"
#include "certd/ca.h"
#include "certd/issue.h"
#include "certd/rate.h"
#include "lib/net/grpc_server.h"

struct service {
    struct grpc_service grpc;
    struct issue_policy policy;
    const char *state_dir;
    const struct ca *ca; /* the app's, replaced in place */
    struct audit *audit;
    struct rate by_identity;
    struct rate by_address; /* attempts without a valid proof */
};

/* policy, ca and audit must outlive it. */
void service_init(struct service *s, const char *state_dir, const struct issue_policy *policy,
                  const struct ca *ca, struct audit *audit, unsigned rate_per_minute);
void service_dispose(struct service *s);
