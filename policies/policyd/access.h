/* Who may have which configuration: what a data plane says of itself, held against what its
 * certificate says and what is known of its pod. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/store/policy_set.h"

#define ACCESS_WHY_MAX 240

#define ACCESS_GATEWAY_LABEL "gateway.networking.k8s.io/gateway-name"
#define ACCESS_DEPLOYMENT_ANNOTATION "weft.dev/deployment"

struct access_claim {
    struct slice namespace_name, service_account; /* the certificate's */
    struct slice pod, gateway;                    /* its own words; may be empty */
    bool needs_pod; /* Kubernetes knows all pods; else one that is not known is believed */
};

enum access_verdict {
    ACCESS_YES,
    ACCESS_WAIT, /* what it names may be about to be created */
    ACCESS_NO,
};

enum access_verdict access_judge(const struct policy_set *set, const struct access_claim *claim,
                                 char why[ACCESS_WHY_MAX]);
