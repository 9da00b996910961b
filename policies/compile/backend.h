/* What a backendRef of a route leads to, and why to nothing. What is compiled and what status says
 * are both read from here.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/backend_tls_policy.h"
#include "policies/kinds/external_service.h"
#include "policies/kinds/route.h"
#include "policies/kinds/service.h"
#include "policies/store/policy_set_priv.h"

enum backend_fault {
    BACKEND_OK,
    BACKEND_UNKNOWN_KIND,
    BACKEND_NOT_PERMITTED, /* no ReferenceGrant */
    BACKEND_NO_SERVICE,
    BACKEND_NO_PORT,   /* nor an ExternalName's, which is not in the cluster */
    BACKEND_NEEDS_TLS, /* declared to speak TLS, and no BackendTLSPolicy says how */
};

struct backend {
    const struct service *service; /* or what begins as one: see external_service_is */
    const struct service_port *port;
    const struct backend_tls_policy *tls; /* NULL: in the clear */
};

/* Who calls it, and with what. At a Gateway other namespaces must grant. */
enum backend_use {
    BACKEND_OF_MESH,
    BACKEND_OF_GATEWAY,     /* requests; BackendTLSPolicies count */
    BACKEND_OF_STREAM,      /* a connection's bytes, as TCP or out of TLS; the same */
    BACKEND_OF_PASSTHROUGH, /* a client's own TLS */
    BACKEND_OF_DATAGRAMS,   /* of a UDPRoute: the UDP port of a Service */
};

/* *out is complete only with BACKEND_OK. */
enum backend_fault backend_resolve(const struct policy_set *set, const struct object *route,
                                   const struct route_backend *ref, enum backend_use use,
                                   struct backend *out);
/* Why it leads nowhere: which finding that is, and a sentence for people, in the arena. */
enum finding backend_finding(enum backend_fault fault);
struct slice backend_explain(struct arena *arena, const struct policy_set *set,
                             const struct object *route, const struct route_backend *ref,
                             enum backend_fault fault);
