/* The inside of the compiler: one output a file, and what they share. Messages are built in the
 * arena of the result, so that all of it goes at once. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/map.h"
#include "filters/authz.h"
#include "filters/filter.h"
#include "policies/kinds/finding.h"
#include "policies/compile/backend.h"
#include "policies/compile/compile.h"
#include "policies/kinds/http_route.h"
#include "policies/kinds/mesh_config.h"
#include "policies/kinds/pod.h"
#include "policies/kinds/secret.h"
#include "policies/kinds/service.h"
#include "policies/store/policy_addresses.h"
#include "policies/store/policy_index.h"

/* PB(Cluster) is the message's struct; PB_NEW(c, Cluster, cluster) a new one with its defaults. */
#define PB(type) Weft__Config__V1__##type
#define PB_NEW(c, type, name) \
    ((PB(type) *)compile_build_message((c), &weft__config__v1__##name##__descriptor))
/* PB_PUSH(c, message, routes, route): appends to a repeated field. */
#define PB_PUSH(c, message, field, item)                                                   \
    do {                                                                                   \
        (message)->field = compile_build_grow((c), (message)->field, (message)->n_##field, \
                                              sizeof *(message)->field);                   \
        (message)->field[(message)->n_##field++] = (item);                                 \
    } while (0)

struct policy_scope; /* policy_scope.h */

struct compile {
    struct arena *arena;
    const struct policy_set *set;
    struct diag_list *notes;
    struct compile_target target;
    struct slice trust_domain;
    struct slice cluster_domain; /* of names like "reviews.default.svc.cluster.local" */
    const struct mesh_config *mesh; /* NULL: none */
    const struct pod *self;         /* the target's pod; NULL: not in the set */
    PB(Configuration) * out;
    struct map clusters; /* names of those that are in the result -> themselves */
    struct map filters;  /* names of those that are in the result -> their messages */
    struct map consumers; /* namespaces whose Consumers some filter accepts; "*": all */
    bool is_gateway;
    bool reads_tokens; /* of requests, before it is known which route they have */
    struct slice node, zone; /* empty: not known */
    unsigned locality;       /* enum compile_locality: what was asked of them */
    /* What the Gateway shows to backends that are called over TLS; NULL: nothing. */
    const struct secret *client_certificate;
};

/* ---- compile_build.c: messages, texts, resources ---- */

void *compile_build_message(struct compile *c, const ProtobufCMessageDescriptor *descriptor);
/* Room for one more item. */
void *compile_build_grow(struct compile *c, void *items, size_t count, size_t size);
char *compile_build_text(struct compile *c, struct slice text);
char *compile_build_lower(struct compile *c, struct slice text);
char *compile_build_format(struct compile *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Adds the body to the result; its version is the hash of its bytes. */
void compile_build_resource(struct compile *c, const char *name, PB(Resource__BodyCase) which,
                            void *body);
/* A remark about an object. */
void compile_build_note(struct compile *c, const struct object *o, unsigned line, const char *path,
                        enum finding finding, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/* "reviews.default.svc.cluster.local". */
char *compile_build_service(struct compile *c, const struct service *s);
/* "spiffe://<trust domain>/ns/<namespace>/sa/<account>". */
char *compile_build_spiffe(struct compile *c, struct slice namespace_name, struct slice account);

/* ---- one file each ---- */

void compile_workloads_emit(struct compile *c);
void compile_destinations_emit(struct compile *c);
/* The same for one address: the Service or the headless Services that it is one of, and the pod. */
void compile_destinations_at(struct compile *c, const struct addr *addr);
/* The parentRef of the route that means this port; NULL when none does. */
const struct route_parent *compile_destinations_parent(const struct route *route,
                                                       const struct service *s,
                                                       const struct service_port *port);
void compile_workloads_at(struct compile *c, const struct addr *addr);
void compile_inbound_emit(struct compile *c);
void compile_gateways_emit(struct compile *c);

/* The same for a host outside of the mesh, over TLS where the URI says so. */
struct http_uri;
char *compile_clusters_host(struct compile *c, const struct http_uri *uri, bool allows_local);
/* Sees to it that the cluster of that port is in the result; returns its name
 * ("outbound|9080||reviews.default.svc.cluster.local"). tls: how it is called; NULL: as it is. NULL
 * when that policy cannot be used, which is noted. */
char *compile_clusters_need(struct compile *c, const struct service *s,
                            const struct service_port *port, const struct backend_tls_policy *tls);
/* How such backends are called; NULL when the policy cannot be used, which is noted. */
PB(UpstreamTls) * compile_upstream_tls(struct compile *c, const struct backend_tls_policy *policy);
/* The cluster of a backendRef, at `path` of the route; NULL when it cannot be called, which is
 * noted with what comes of it ("its share gets 500"). */
char *compile_backends_need(struct compile *c, const struct object *route,
                            const struct route_backend *ref, enum backend_use use, const char *path,
                            const char *comes, struct backend *out);

/* The mode for a port of a pod by all PeerAuthentications; port 0: the workload as a whole. Never
 * UNSET. */
PB(MtlsMode)
compile_mtls_mode(struct compile *c, struct slice namespace_name, const struct pod *pod,
                  uint16_t port);

void compile_mtls_note_conflicts(struct compile *c);

/* Policies that are for it: struct authz_policy_spec. */
struct schema_list compile_authz_list(struct compile *c, struct policy_scope *scope);
/* The filter that decides by them; NULL: there are none. */
PB(Filter) * compile_authz_filter(struct compile *c, const struct schema_list *policies);

/* The name of the filter that reads tokens by all RequestAuthentications that are for it; NULL:
 * there are none. */
char *compile_request_auth_filter(struct compile *c, struct policy_scope *scope);

/* What TrafficPolicies say, the narrower ones first; members are NULL where none says anything. */
struct traffic compile_traffic_of_service(struct compile *c, const struct service *s,
                                          const struct service_port *port);
struct traffic compile_traffic_of_route(struct compile *c, const struct route *route,
                                        struct slice rule);
/* Several policies that say the same: who is not listened to. */
void compile_traffic_note_conflicts(struct compile *c, const struct object_list *policies);
/* Fills what `narrow` does not say from `wide`. */
void compile_traffic_merge(struct traffic *narrow, const struct traffic *wide);
const struct traffic *compile_traffic_defaults(const struct compile *c);
/* Whole seconds; 0 where nothing is said. */
PB(TcpKeepalive) *
    compile_traffic_keepalive(struct arena *arena, const struct tcp_keepalive_setting *from);
/* NULL: nothing is said. */
PB(Http2Keepalive) * compile_traffic_http2_keepalive(struct arena *arena,
                                                     const struct http2_keepalive_setting *from);
/* NULL for NULL. */
PB(HealthCheck) * compile_health_check(struct arena *arena,
                                       const struct health_check_setting *from);
/* ---- compile_balancing.c ---- */

/* owner: whose sessions they are; the key that seals them is made of it. */
PB(SessionPersistence) * compile_balancing_session(struct compile *c,
                                                   const struct session_persistence *from,
                                                   const struct object *owner);
/* What loadBalancing says of how a cluster's endpoints are chosen; NULL: nothing. */
void compile_balancing_cluster(struct compile *c, const struct traffic_balancing *from,
                               const struct object *service, PB(Cluster) * to);
uint32_t compile_traffic_connect_ms(const struct traffic_timeouts *const *levels, size_t count);
PB(Timeouts) * compile_traffic_timeouts(struct compile *c, const struct http_route_timeouts *own,
                                        const struct traffic_timeouts *const *levels, size_t count);
/* Complete: what is not said is as the schema has it. NULL: nothing is said. */
PB(RetryPolicy) * compile_traffic_retry_of(struct arena *arena, const struct traffic_retries *said);
PB(RetryPolicy) * compile_traffic_retry(struct compile *c, const struct http_route_retry *own,
                                        const struct traffic_retries *const *levels, size_t count);

/* What holds for connections from clients: of the mesh, complete. */
PB(ClientTraffic) * compile_client_traffic_mesh(struct compile *c);
/* Of a Gateway's listeners of those names, which share their connections; none: of the Gateway
 * alone. NULL: no ListenerPolicy says anything about them. */
PB(ClientTraffic) *
    compile_client_traffic_listeners(struct compile *c, const struct object *gateway,
                                     const struct slice *names, size_t count);
/* ListenerPolicies that say the same for the same: who is not listened to. */
void compile_client_traffic_note_conflicts(struct compile *c, const struct object_list *policies);

/* Routes on their way into a virtual host. */
struct compile_route {
    const struct route *route;
    const struct http_route_rule *rule;
    const struct http_route_match *match; /* NULL: everything */
    size_t rule_index, match_index;
    size_t host_exact, host_len; /* how specific the host name was that led here */
};

struct compile_routes {
    struct compile_route *items;
    size_t count;
};

/* All rules and matches of the route; host: the host name that it is here for, as the route has it
 * (may be empty). */
void compile_routes_add(struct compile *c, struct compile_routes *to, const struct route *route,
                        struct slice host);
/* By precedence: what comes first is asked first. */
void compile_routes_sort(struct compile_routes *routes);
/* What routes are in force at: a Service that is called, or a listener of a Gateway, where
 * references to other namespaces need a grant. */
struct compile_parent {
    const struct traffic *traffic; /* what TrafficPolicies of the Service say; NULL at a Gateway */
    const struct object *gateway;  /* NULL in the mesh */
    struct slice listener;         /* its name; empty: not the Gateway's own */
};

/* In order of precedence into the virtual host. */
void compile_routes_emit(struct compile *c, struct compile_routes *from,
                         const struct compile_parent *parent, PB(VirtualHost) * to);
/* What a rule's backendRefs, filters and matches become, apart from their order. */
PB(Route) * compile_route_one(struct compile *c, const struct compile_route *from,
                              const struct compile_parent *parent);
/* NULL: every request. is_grpc: every call. */
PB(RouteMatch) *
    compile_match(struct compile *c, const struct http_route_match *from, bool is_grpc);
/* The prefix that a replacePrefixMatch replaces; NULL: none. */
char *compile_match_prefix(struct compile *c, const struct http_route_match *from);
/* ---- compile_chain.c: filters of filters.def, each a resource of its own ---- */

/* Sees to it that the filter is in the result, and returns its name, for PB_PUSH(c, route, filters,
 * name): of a Route, a WeightedCluster or an InboundPort. spec: a checked struct of f->spec. id:
 * who configures it, stable over changes of the spec ("shop/limits", an object's namespace and
 * name); only the filter is sent again when it changes. Empty: nobody's own; equal ones are one
 * resource. */
char *compile_chain_filter(struct compile *c, const struct filter *f, const void *spec,
                           struct slice id);
/* The same as a message that lies in another one, instead of a resource. */
PB(Filter) * compile_chain_message(struct compile *c, const struct filter *f, const void *spec);
/* The same of an object's, with what the references in it lead to. Where one leads nowhere, which
 * is noted, it cannot be used. */
char *compile_chain_object(struct compile *c, const struct filter *f, const void *spec,
                           const struct object *owner);
/* The same of one that cannot be used: who names it answers 500, and says why. */
/* A copy with the clusters of its backends, for a filter that is part of another message and refers
 * to backends only. What material_check found good may still lack a cluster (its value has no ptr).
 */
void *compile_chain_filled(struct compile *c, const struct filter *f, const void *spec,
                           const struct object *owner);
char *compile_chain_broken(struct compile *c, struct slice id, struct slice why);
/* ---- compile_consumers.c ---- */

/* Some filter accepts the Consumers of these namespaces: "shop,billing", "shop,*". */
void compile_consumers_need(struct compile *c, struct slice namespaces);
/* Once it is known what is needed. */
void compile_consumers_emit(struct compile *c);
/* Consumers of one namespace that show the same: the older has it. */
void compile_consumers_note_conflicts(struct compile *c);

/* HTTPFilters that a route names, and those that are for it, or for where it is in force: the
 * narrower goes before the wider of the same type, then the older before the younger. */
void compile_chain_route(struct compile *c, const struct compile_route *from,
                         const struct compile_parent *parent, PB(Route) * to);
/* Those that a backendRef names. */
/* Those of the Gateway that see every answer, for requests without a route. listener: the port's
 * only one, may be empty. */
void compile_chain_unrouted(struct compile *c, const struct object *gateway, struct slice listener,
                            PB(GatewayPort) * to);
void compile_chain_share(struct compile *c, const struct compile_route *from,
                         const struct schema_list *filters, PB(WeightedCluster) * to);
/* Those that are for a port of a Service, whose pods have it as that port. */
void compile_chain_port(struct compile *c, const struct service *s, const struct service_port *port,
                        PB(InboundPort) * to);
/* Those that are for a Consumer. */
void compile_chain_consumer(struct compile *c, const struct object *consumer, PB(Consumer) * to);
/* HTTPFilters that are for the same and of one type: who is not listened to. */
void compile_chain_note_conflicts(struct compile *c, const struct object_list *filters);
/* Filters of a rule, and of one of its backends. */
void compile_filters_rule(struct compile *c, const struct compile_route *from, enum backend_use use,
                          PB(Route) * to);
void compile_filters_backend(struct compile *c, const struct compile_route *from,
                             const struct schema_list *filters, enum backend_use use,
                             PB(WeightedCluster) * to);
/* Do they answer with a redirect, so that no backend is needed? */
bool compile_filters_redirect(const struct schema_list *filters);
