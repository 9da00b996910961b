/* Service (core/v1), as much of it as a mesh reads.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kind.h"

enum service_protocol { SERVICE_TCP, SERVICE_UDP, SERVICE_SCTP };

struct service_port {
    struct slice name;
    int protocol; /* enum service_protocol */
    int64_t port;
    struct schema_port target; /* absent: the port itself */
    struct slice app_protocol;
};

struct service_spec {
    struct slice type; /* "ExternalName" is of interest */
    struct slice cluster_ip;
    struct schema_list cluster_ips; /* struct slice */
    struct schema_list selector;    /* struct schema_pair */
    struct schema_list ports;       /* struct service_port */
};

struct service {
    struct object object;
    struct service_spec spec;
};

extern const struct kind service_kind;
/* Names of enum service_protocol, for the tables of other kinds. */
extern const char *const service_protocols[];

/* It has no cluster IP: clients resolve its endpoints themselves. */
bool service_is_headless(const struct service *s);
bool service_is_external(const struct service *s);
/* The TCP port of that number; NULL when there is none. */
const struct service_port *service_find_port(const struct service *s, int64_t port);
