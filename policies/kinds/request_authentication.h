/* RequestAuthentication (policy.weft.dev): whose tokens requests may show. What it means is what
 * Istio's kind of that name means: a request without a token passes, and nobody is known to have
 * sent it; one with a token that is not good does not.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/jwt.h"
#include "policies/kinds/kind.h"
#include "policies/kinds/policy_target.h"
#include "policies/kinds/selector.h"

struct request_authentication_rule {
    struct slice issuer;
    struct schema_list audiences; /* struct slice */
    struct slice jwks_uri, jwks;  /* one of them */
    struct schema_list from_headers; /* struct jwt_header_spec */
    struct schema_list from_params, from_cookies; /* struct slice */
    struct slice payload_header;
    struct schema_list claim_headers; /* struct jwt_claim_header_spec */
    bool forward;
    int64_t timeout_ms;
};

struct request_authentication_spec {
    struct selector *selector;  /* NULL: the namespace, or the mesh */
    struct schema_list targets; /* struct policy_target: Gateways and Services */
    struct schema_list rules;   /* struct request_authentication_rule */
};

struct request_authentication {
    struct object object;
    struct request_authentication_spec spec;
};

/* As the filter jwt says the same, in the arena. */
struct jwt_spec request_authentication_jwt(struct arena *arena,
                                           const struct request_authentication_spec *spec);
