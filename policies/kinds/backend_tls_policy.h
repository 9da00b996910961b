/* BackendTLSPolicy (Gateway API): a Gateway calls a Service over TLS, and how it knows whom it
 * called. What is valid but beyond us makes the backend unusable: it must not mean plaintext.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"
#include "policies/kinds/policy_target.h"

struct backend_tls_policy_ca_ref {
    struct slice group, kind, name;
    unsigned line;
};

enum backend_tls_policy_san_type { BACKEND_TLS_POLICY_SAN_DNS, BACKEND_TLS_POLICY_SAN_URI };

struct backend_tls_policy_san {
    int type; /* enum backend_tls_policy_san_type */
    struct slice hostname, uri;
};

struct backend_tls_policy_validation {
    struct schema_list ca_refs; /* struct backend_tls_policy_ca_ref */
    struct slice well_known;    /* "System": the roots of the machine */
    struct slice hostname;
    struct schema_list sans; /* struct backend_tls_policy_san */
};

struct backend_tls_policy_spec {
    struct schema_list targets; /* struct policy_target */
    struct backend_tls_policy_validation validation;
    struct schema_list options; /* struct schema_pair; we know none */
    const char *unusable;       /* what it says that we cannot do; NULL: nothing */
};

struct backend_tls_policy {
    struct object object;
    struct backend_tls_policy_spec spec;
};

extern const struct schema backend_tls_policy_validation_schema;

/* A Service of the policy's namespace. */
bool backend_tls_policy_target_is_service(const struct policy_target *t);
