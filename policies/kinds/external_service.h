/* ExternalService (policy.weft.dev): what is outside of the mesh and the cluster, by a host name or
 * by addresses, as a backend of routes. To the compiler it is a Service whose endpoints are said
 * here, so it begins as one.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/backend_tls_policy.h"
#include "policies/kinds/service.h"

struct external_service_endpoint {
    struct slice address; /* an IP address */
    int64_t port;         /* 0: the port that is called */
    int64_t weight;
    bool is_backup;
};

struct external_service_spec {
    struct service_spec service; /* of which only the ports are given */
    struct service_status none;
    struct slice host;            /* one of these two */
    struct schema_list endpoints; /* struct external_service_endpoint */
    struct backend_tls_policy_validation *tls; /* NULL: in the clear */
    bool allows_local;
};

struct external_service {
    struct object object;
    struct external_service_spec spec;
};

/* Is it the part of an external_service that is a Service? */
bool external_service_is(const struct service *s);
static inline const struct external_service *external_service_of(const struct service *s)
{
    return (const void *)s;
}
