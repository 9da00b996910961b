/* Pod (core/v1), as much of it as a mesh reads.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"

#define POD_REDIRECT_ANNOTATION "weft.dev/redirect"       /* "none": nothing is redirected */
#define POD_FORWARD_ANNOTATION "weft.dev/inbound-forward" /* 15006 is for one port of the app */
#define POD_MESH_PORT 15006
#define POD_STATUS_ANNOTATION "weft.dev/status" /* "injected": it has a sidecar */

struct pod_port {
    struct slice name;
    int64_t port;
    int protocol; /* enum service_protocol */
};

struct pod_container {
    struct schema_list ports; /* struct pod_port */
};

struct pod_spec {
    struct slice service_account;
    struct schema_list containers, init_containers; /* struct pod_container */
    bool host_network;
    struct slice node; /* empty: on none yet */
};

struct pod_ip {
    struct slice ip;
};

struct pod_status {
    struct slice phase;
    struct slice ip;
    struct schema_list ips; /* struct pod_ip */
};

struct pod {
    struct object object;
    struct pod_spec spec;
    struct pod_status status;
};

/* It has a sidecar, which speaks mutual TLS. */
bool pod_is_meshed(const struct pod *p);
/* Where a meshed pod without redirection is called, whichever of its ports is meant; 0: at that
 * port itself. */
uint16_t pod_mesh_port(const struct pod *p);
/* It is over: its address may be another pod's by now. */
bool pod_is_done(const struct pod *p);
/* The port of that name in any container; 0 when there is none. */
uint16_t pod_find_port(const struct pod *p, struct slice name);
