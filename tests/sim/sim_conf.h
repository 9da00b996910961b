/* Configurations for simulations, as the policy compiler would hand them to a data plane. What a
 * function returns is the message itself, so that a test can set any further field before it is
 * built. Everything lives until sim_conf_dispose. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/authz.h"
#include "lib/base/arena.h"
#include "policies/proto/config.pb-c.h"

typedef Weft__Config__V1__Cluster sim_cluster;
typedef Weft__Config__V1__Endpoint sim_endpoint;
typedef Weft__Config__V1__Destination sim_destination;
typedef Weft__Config__V1__Route sim_route;
typedef Weft__Config__V1__Inbound sim_inbound;
typedef Weft__Config__V1__InboundPort sim_inbound_port;
typedef Weft__Config__V1__GatewayPort sim_gateway;
typedef Weft__Config__V1__GatewayListener sim_listener;
typedef Weft__Config__V1__StreamRoute sim_stream;
typedef Weft__Config__V1__RetryPolicy sim_retry;
typedef Weft__Config__V1__Timeouts sim_timeouts;
typedef struct authz_policy_spec sim_authz;
typedef Weft__Config__V1__ClientTraffic sim_clients;

struct sim_conf {
    struct arena arena;
    Weft__Config__V1__Configuration message;
};

void sim_conf_init(struct sim_conf *c);
void sim_conf_dispose(struct sim_conf *c);

/* Without endpoints. */
sim_cluster *sim_conf_cluster(struct sim_conf *c, const char *name);
/* By its name in policies/kinds/lb.def, a literal; "PeakEWMA" until then. */
void sim_conf_balance(sim_cluster *c, const char *load_balancer);
/* Ready, plain. */
sim_endpoint *sim_conf_endpoint(struct sim_conf *c, sim_cluster *to, const char *address);
/* A Filter resource of that type, named "filter/<id>"; returns its name, for the lists of those who
 * have it (sim_conf_name). */
char *sim_conf_filter(struct sim_conf *c, const char *id, const char *type, const char *spec);
/* The same, with the value of its first reference to a Secret ("value":"0"). */
char *sim_conf_secret_filter(struct sim_conf *c, const char *id, const char *type,
                             const char *spec, const char *secret);
/* The same of one that cannot be used. */
char *sim_conf_broken_filter(struct sim_conf *c, const char *id, const char *why);
/* Appends to a repeated field of texts: sim_conf_name(c, &route->n_filters, &route->filters, name).
 */
void sim_conf_name(struct sim_conf *c, size_t *count, char ***names, const char *name);
sim_retry *sim_conf_retry(struct sim_conf *c);
sim_timeouts *sim_conf_timeouts(struct sim_conf *c);
/* `vip` as "10.96.0.1:80" (may be NULL), its port, `host` (may be NULL); all to `cluster`. */
sim_destination *sim_conf_destination(struct sim_conf *c, const char *vip, const char *host,
                                      Weft__Config__V1__Protocol protocol, const char *cluster);
/* A route of a destination, for every host: paths below `prefix`, to one cluster of weight 1. */
sim_route *sim_conf_route(struct sim_conf *c, sim_destination *d, const char *prefix,
                          const char *cluster);
void sim_conf_backend(struct sim_conf *c, sim_route *r, const char *cluster, uint32_t weight);
sim_inbound *sim_conf_inbound(struct sim_conf *c);
sim_inbound_port *sim_conf_inbound_port(struct sim_conf *c, sim_inbound *in, uint32_t port,
                                        Weft__Config__V1__Protocol protocol);
/* One rule: this action for these methods (NULL: all) on paths below this prefix (NULL: all). */
sim_authz *sim_conf_authz(struct sim_conf *c, enum authz_action action, const char *method,
                          const char *prefix);
/* … and from this principal (without "spiffe://"). */
void sim_conf_principal(struct sim_conf *c, sim_authz *policy, const char *principal);
/* … and where a header says so. */
void sim_conf_when_header(struct sim_conf *c, sim_authz *policy, const char *name,
                          const char *value);
/* … and for clients of this prefix. */
void sim_conf_remote(struct sim_conf *c, sim_authz *policy, const char *prefix);
/* The policy as it is now; for an Inbound or a GatewayPort. */
Weft__Config__V1__Filter *sim_conf_authorization(struct sim_conf *c, sim_authz *policy);
void sim_conf_guard(struct sim_conf *c, sim_inbound *in, sim_authz *policy);
/* Several policies. */
void sim_conf_guards(struct sim_conf *c, sim_inbound *in, sim_authz *policies, size_t count);
/* One host "*", all below "/" to `cluster`. */
sim_gateway *sim_conf_gateway(struct sim_conf *c, uint32_t port, const char *cluster);
/* One route more, behind the others. */
void sim_conf_gateway_route(struct sim_conf *c, sim_gateway *g, const char *prefix,
                            const char *cluster);
/* A port without anything. */
sim_gateway *sim_conf_port(struct sim_conf *c, uint32_t port,
                           Weft__Config__V1__ListenerProtocol protocol);
/* Named like its host. The port's certificate, if there is one already, is for it too. */
sim_listener *sim_conf_listener(struct sim_conf *c, sim_gateway *g, const char *hostname,
                                Weft__Config__V1__ListenerProtocol protocol);
/* The same without a certificate. */
sim_listener *sim_conf_bare_listener(struct sim_conf *c, sim_gateway *g, const char *hostname,
                                     Weft__Config__V1__ListenerProtocol protocol);
/* Connections for `host` (NULL: all) to `cluster` (NULL: see sim_conf_share). */
sim_stream *sim_conf_stream(struct sim_conf *c, sim_listener *l, const char *host,
                            const char *cluster);
void sim_conf_share(struct sim_conf *c, sim_stream *s, const char *cluster, uint32_t weight);
/* One more virtual host, all below "/" to `cluster`. */
sim_route *sim_conf_host(struct sim_conf *c, sim_gateway *g, const char *host, uint32_t listener,
                         const char *cluster);
/* Makes it HTTPS. (What is in the certificate, the simulated TLS does not look at.) */
void sim_conf_https(struct sim_conf *c, sim_gateway *g);
/* MeshConfig. */
Weft__Config__V1__MeshSettings *sim_conf_mesh(struct sim_conf *c);
/* What holds for clients of the mesh (NULL), or of a gateway's port: limits as usual, and nobody is
 * trusted. */
sim_clients *sim_conf_clients(struct sim_conf *c, sim_gateway *g);
void sim_conf_trust(struct sim_conf *c, sim_clients *to, const char *prefix);
void sim_conf_trust_identity(struct sim_conf *c, sim_clients *to, const char *principal);
void sim_conf_workload(struct sim_conf *c, const char *ip, const char *spiffe_id);

#define SIM_AUTO WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_AUTO
#define SIM_HTTP WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP
#define SIM_HTTP1 WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP1
#define SIM_HTTP2 WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP2
#define SIM_TCP WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TCP
#define SIM_LISTENER_HTTP WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTP
#define SIM_LISTENER_HTTPS WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS
#define SIM_LISTENER_TLS WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_TLS
#define SIM_LISTENER_TCP WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_TCP
#define SIM_LISTENER_UDP WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_UDP
#define SIM_STRICT WEFT__CONFIG__V1__MTLS_MODE__MTLS_STRICT
#define SIM_DENY AUTHZ_DENY
#define SIM_ALLOW AUTHZ_ALLOW
