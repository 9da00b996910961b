/* EndpointSlice (discovery.k8s.io/v1): who answers for a Service right now.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"

#define ENDPOINT_SLICE_SERVICE_LABEL "kubernetes.io/service-name"

/* All as kube-proxy takes them where they are not said. */
struct endpoint_slice_conditions {
    bool ready, serving; /* yes */
    bool terminating;    /* no */
};

struct endpoint_slice_hint {
    struct slice name;
};

/* Whom the endpoint is meant for, as the controller has worked it out from topology. */
struct endpoint_slice_hints {
    struct schema_list zones, nodes; /* struct endpoint_slice_hint */
};

struct endpoint_slice_target {
    struct slice kind, name, namespace_name;
};

struct endpoint_slice_endpoint {
    struct schema_list addresses; /* struct slice */
    struct endpoint_slice_conditions conditions;
    struct endpoint_slice_target target; /* the pod, usually */
    struct slice node; /* where it runs; empty: not said */
    struct endpoint_slice_hints hints;
};

struct endpoint_slice_port {
    struct slice name;
    int64_t port; /* 0: none given */
    int protocol; /* enum service_protocol */
};

struct endpoint_slice {
    struct object object;
    struct slice address_type;    /* "IPv4", "IPv6", "FQDN" */
    struct schema_list endpoints; /* struct endpoint_slice_endpoint */
    struct schema_list ports;     /* struct endpoint_slice_port */
};
