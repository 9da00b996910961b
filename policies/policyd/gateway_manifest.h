/* The objects of a Gateway's data plane as JSON, for server-side apply. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"
#include "policies/kinds/gateway.h"
#include "policies/kinds/gateway_settings.h"
#include "policies/policyd/policyd_options.h"

#define GATEWAY_MANIFEST_MANAGED_BY "weft-policyd"
/* Annotations of a Gateway. */
#define GATEWAY_MANIFEST_REPLICAS "weft.dev/replicas"
#define GATEWAY_MANIFEST_EXTERNAL "weft.dev/external-traffic-policy" /* Cluster or Local */

struct gateway_manifest_port {
    uint16_t number;
    bool is_udp;
};

struct gateway_manifest {
    const struct gateway *gateway;
    const struct gateway_settings_spec *settings; /* complete: gateway_parameters_find */
    const struct policyd_options *options;
    const char *name; /* of all of them */
    const struct gateway_manifest_port *ports;
    size_t n_ports;
    uint64_t replicas; /* that there are, as far as is known; of use with autoscaling */
};

void gateway_manifest_account(const struct gateway_manifest *m, struct buf *to);
void gateway_manifest_deployment(const struct gateway_manifest *m, struct buf *to);
/* Needs at least one port. */
void gateway_manifest_service(const struct gateway_manifest *m, struct buf *to);
/* Needs autoscaling in the settings. */
void gateway_manifest_autoscaler(const struct gateway_manifest *m, struct buf *to);
