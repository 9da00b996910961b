/* BackendTLSPolicies: which one is in force for a port of a Service, and whom it trusts. What is
 * compiled and what status says are both read from here.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/backend_tls_policy.h"
#include "policies/kinds/external_service.h"
#include "policies/kinds/service.h"
#include "policies/store/policy_index.h"

enum backend_trust_fault {
    BACKEND_TRUST_OK,
    BACKEND_TRUST_INVALID_REF,  /* to what is not there, or holds no certificate of use */
    BACKEND_TRUST_INVALID_KIND, /* to what is neither a ConfigMap nor a Secret */
    BACKEND_TRUST_UNSUPPORTED,  /* the policy says what we cannot do */
};

struct backend_trust {
    enum backend_trust_fault fault; /* the first; OK: there is none */
    unsigned line;                  /* of the reference; 0: the policy as a whole */
    struct slice text;              /* the fault for people; in the arena */
    struct slice left_out;          /* members of lists that are of use themselves; empty: none */
    bool is_usable;                 /* false: backends are answered 500 */
    bool system_roots;
    struct slice roots_pem; /* of all references that are of use; in the arena */
};

/* The one in force; NULL: none, so the port is called as it is. One that names the port comes
 * before those for the whole Service, then the older. */
const struct backend_tls_policy *backend_trust_find(const struct policy_set *set,
                                                    const struct service *service,
                                                    const struct service_port *port);
/* An older policy is for the same target; NULL: none is. */
const struct backend_tls_policy *
backend_trust_rival(const struct policy_set *set, const struct backend_tls_policy *policy,
                    const struct policy_target *target);
/* What an ExternalService says of TLS, as if a policy said it; NULL: nothing. */
const struct backend_tls_policy *backend_trust_of_external(struct arena *arena,
                                                           const struct external_service *s);
/* Certificates are tried out, so the day counts: expired ones are of no use. */
struct backend_trust backend_trust_of(const struct policy_set *set, struct arena *arena,
                                      const struct backend_tls_policy *policy);
