/* Service (core/v1), as much of it as a mesh reads.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"

enum service_protocol { SERVICE_TCP, SERVICE_UDP, SERVICE_SCTP };

struct service_port {
    struct slice name;
    int protocol; /* enum service_protocol */
    int64_t port;
    struct schema_port target; /* absent: the port itself */
    struct slice app_protocol;
};

/* How long a client's endpoint stays its own while it is not called, where nothing is said. */
#define SERVICE_AFFINITY_S 10800

struct service_client_ip {
    int64_t timeout_s;
};

struct service_affinity {
    struct service_client_ip client_ip;
};

enum service_policy { SERVICE_CLUSTER, SERVICE_LOCAL };

struct service_spec {
    struct slice type; /* "ExternalName" is of interest */
    struct slice cluster_ip;
    struct schema_list cluster_ips; /* struct slice */
    struct schema_list selector;    /* struct schema_pair */
    struct schema_list ports;       /* struct service_port */
    struct slice session_affinity;  /* "ClientIP" is of interest */
    struct service_affinity affinity;
    struct slice internal_policy; /* "Local" is of interest */
    struct schema_list external_ips, source_ranges; /* struct slice */
};

struct service_ingress {
    struct slice ip;
    struct slice ip_mode; /* "Proxy": the load balancer must see the connections */
};

struct service_balancer {
    struct schema_list ingress; /* struct service_ingress */
};

struct service_status {
    struct service_balancer balancer;
};

struct service {
    struct object object;
    struct service_spec spec;
    struct service_status status;
};

/* Names of enum service_protocol, for the tables of other kinds. */
extern const char *const service_protocols[];

/* It has no cluster IP: clients resolve its endpoints themselves. */
bool service_is_headless(const struct service *s);
bool service_is_external(const struct service *s);
/* Pods call endpoints on their own node only. */
bool service_is_node_local(const struct service *s);
/* For how long a client keeps the endpoint that it called last; 0: it has none of its own. */
uint32_t service_affinity_s(const struct service *s);
/* Addresses from outside that nodes take for the Service's, as kube-proxy has them: externalIPs,
 * and those of a load balancer that need not see the connections. */
void service_each_external(const struct service *s, void (*each)(void *owner, struct slice ip),
                           void *owner);
/* The port of that number and protocol (enum service_protocol); NULL when there is none. */
const struct service_port *service_find_port_of(const struct service *s, int protocol,
                                                int64_t port);
/* The TCP port of that number; NULL when there is none. */
const struct service_port *service_find_port(const struct service *s, int64_t port);
