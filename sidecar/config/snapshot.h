/* The configuration a data plane runs with at one moment: an immutable root of reference-counted,
 * immutable parts (a new snapshot shares every part that did not change). Built on the control
 * thread from the messages of policies/proto/config.proto, read by every worker. Whatever changes
 * while requests run (pools, balancer state, ejection) is elsewhere; what must be shared exactly
 * between workers is struct endpoint_health and struct cluster_usage.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "filters/token/claim_match.h"
#include "lib/base/addr.h"
#include "lib/io/tcp.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/codec/http/match.h"
#include "policies/proto/config.pb-c.h"

struct affinity;    /* config/affinity.h */
struct backend_tls; /* config/backend_tls.h */
struct client_conf; /* config/client_conf.h */
struct hash_table;  /* config/hash_table.h */
struct consumer_directory; /* filters/caller/consumer.h */
struct filter_chain;
struct tls_ctx;

#define LB(symbol, name, doc) LB_##symbol,
enum lb_id {
#include "policies/kinds/lb.def"
    LB_COUNT
};
#undef LB

struct timeouts_conf {
    uint32_t request_ms, backend_ms, idle_ms; /* 0: none; idle_ms is 0 for calls that come in */
    bool idle_said;                           /* by a policy, and so it holds for tunnels too */
    uint32_t tunnel_ms;                       /* of what has switched, and of opaque TCP; 0: none */
};

struct retry_conf {
    uint32_t attempts; /* after the first */
    const uint16_t *status_codes;
    uint16_t status_count;
    bool on_connect_failure, on_reset, on_gateway_error, only_idempotent;
    uint32_t per_try_timeout_ms, backoff_base_ms, backoff_max_ms;
    uint32_t budget_percent, budget_min_per_second;
};

/* What kind of failure it is that an endpoint is blamed for. ANY: of those that are not counted for
 * themselves. */
enum outlier_kind {
    OUTLIER_ANY,
    OUTLIER_HTTP,
    OUTLIER_TCP,
    OUTLIER_TIMEOUT,
    OUTLIER_KIND_COUNT
};

struct outlier_conf {
    bool enabled;
    uint32_t base_ejection_ms, max_ejection_ms, max_ejection_percent;
    uint32_t failures[OUTLIER_KIND_COUNT]; /* that eject; 0, of a kind: it counts as ANY */
    uint32_t window_ms; /* failures within it count; 0: those in a row */
    uint32_t successes; /* in a row, until one that was ejected is like others; 0: it is at once */
    const uint16_t *statuses; /* that are failures; none: 500, 502, 503, 504 */
    uint32_t status_count;
};

#define PERSISTENCE_KEY_SIZE 32

/* A client stays with the endpoint that it met first (upstream/persistence.h). */
struct persistence_conf {
    uint8_t key[PERSISTENCE_KEY_SIZE];
    struct slice name; /* of the cookie or header; empty: made of the route's name */
    bool is_header;    /* else a cookie */
    bool is_permanent; /* the cookie is kept for absolute_s */
    uint32_t absolute_s, idle_s; /* 0: for ever */
};

/* What of a request a cluster's balancer chooses by (exchange/exchange_hash.c). */
struct hash_on_conf {
    Weft__Config__V1__HashSource source;
    struct slice name;       /* of a header, cookie, parameter or claim */
    struct slice attributes; /* of a cookie that is given: "; Path=/; HttpOnly" */
};

enum health_check_kind { HEALTH_CHECK_TCP, HEALTH_CHECK_HTTP, HEALTH_CHECK_GRPC };

struct health_check_conf {
    enum health_check_kind kind;
    uint32_t interval_ms, unhealthy_interval_ms, timeout_ms;
    uint32_t healthy_threshold, unhealthy_threshold;
    struct slice method, path, host; /* HTTP; host empty: the cluster's service */
    const uint16_t *statuses;        /* of a healthy endpoint; none: 200 to 399 */
    uint32_t status_count;
    struct slice service; /* gRPC */
};

/* The one thing about an endpoint that every worker must see alike. Lives as long as any snapshot
 * or worker holds it, by stable id (cluster name + address), across snapshots. */
struct endpoint_health {
    _Atomic uint32_t refs;
    _Atomic uint32_t failures[OUTLIER_KIND_COUNT]; /* in a row, or those of the window */
    _Atomic uint64_t window_ms;            /* since when they count, as ejected_until_ms */
    _Atomic uint32_t ejections;        /* in a row: the ejection time doubles */
    _Atomic uint64_t ejected_until_ms; /* clock_mono_ns()/1e6; 0: not ejected */
    _Atomic uint32_t owes; /* good answers in a row until it is like others */
    _Atomic bool is_unhealthy;         /* by its health checks (upstream/health_checker.h) */
};

struct endpoint_conf {
    struct addr addr;
    uint16_t mesh_port;     /* where its sidecar is dialled; 0: at addr */
    struct slice port_name; /* with mesh_port: "p<port of addr>.weft", which says what it is for */
    uint32_t weight;
    bool meshed, ready;
    bool is_backup; /* called only while no other is healthy, or all others were tried */
    struct slice address_text; /* "10.0.0.1:9080" */
    struct slice spiffe_id, workload, namespace_name;
    uint64_t
        party_hash; /* metrics_party_hash of workload, namespace and SPIFFE id; 0: not computed */
    uint64_t address_hash; /* of address_text, where the cluster has affinity */
    struct endpoint_health *health;
};

/* PINGs on HTTP/2 connections with requests under way, see http_client_config. */
struct http2_keepalive_conf {
    bool is_said;                     /* else what the settings say for each kind of connection */
    uint32_t interval_ms, timeout_ms; /* interval 0: none are sent */
};

struct cluster_part;  /* config/cluster_part.h */
struct cluster_usage; /* config/cluster_usage.h */

struct cluster_conf {
    _Atomic uint32_t refs;
    struct cluster_part
        *part; /* what the last unref gives back; NULL: this is one mem_alloc block */
    uint64_t version;
    uint32_t
        slot; /* small stable number for this name while it is in use: index into worker tables */
    struct slice name, service, service_name, service_namespace;
    uint64_t service_hash; /* metrics_service_hash; 0: not computed */
    uint16_t port;
    Weft__Config__V1__Protocol protocol;
    enum lb_id lb;
    uint32_t connect_timeout_ms, max_requests_per_connection;
    struct tcp_keepalive keepalive; /* zeros: the default */
    struct http2_keepalive_conf http2_keepalive; /* for endpoints with a sidecar */
    unsigned proxy_version; /* of the PROXY header that opaque connections begin with; 0: none */
    struct cluster_usage *usage;    /* of all workers; NULL: each worker has its own */
    uint32_t max_connections, max_requests, max_pending;
    bool mtls_disabled;
    bool is_weighted;         /* endpoints have different weights */
    bool node_local;          /* only endpoints of our own node are here */
    bool affinity_by_client;  /* clients are told apart by their address; else we are the client */
    uint32_t affinity_s;      /* how long a client keeps its endpoint */
    struct affinity *affinity; /* of all workers; NULL: none is kept (config/affinity.h) */
    struct backend_tls *tls; /* NULL: in the clear, or mutual TLS of the mesh */
    const struct persistence_conf *persistence; /* where a route says nothing; may be NULL */
    const struct hash_on_conf *hash_on;         /* the first that a request has */
    uint32_t hash_on_count;
    const struct hash_table *hash_table; /* for balancers that have one (config/hash_table.h) */
    uint32_t slow_start_ms, slow_start_percent; /* of new endpoints; 0: they are like others */
    uint32_t panic_percent; /* fewer healthy ones: health does not count; 0: unless there is none */
    uint32_t max_idle_connections;       /* of each worker; 0: no limit */
    uint32_t idle_connection_ms;         /* 0: as pools have it */
    struct outlier_conf outlier;
    const struct health_check_conf *health_check; /* NULL: endpoints are not asked */
    bool has_timeouts;
    struct timeouts_conf timeouts;
    struct retry_conf retry;
    const struct endpoint_conf *endpoints;
    uint32_t endpoint_count;
    /* A host whose addresses are the endpoints, looked up by each worker (upstream/named_host.h);
     * empty: there is none. */
    struct slice host;
    bool host_allows_local;
    const struct cluster_conf *base; /* that a worker made this one of; referenced; else NULL */
};

/* Of `denominator` requests, `numerator` are copied there. */
struct mirror_conf {
    const struct cluster_conf *cluster; /* NULL: nowhere */
    uint32_t numerator, denominator;
};

struct backend_conf {
    const struct cluster_conf *cluster; /* NULL: does not resolve, 500 */
    uint32_t weight;
    const struct filter_chain *chain; /* of this backendRef; may be NULL */
    const struct mirror_conf *mirrors;
    uint16_t mirror_count;
};

/* A claim of the token that a request has shown. */
struct claim_match {
    struct claim_path path;
    struct slice text; /* "realm_access.roles", for people */
    struct string_match value;
};

struct route_conf {
    struct slice name;
    struct string_match path;
    struct slice method; /* empty: any */
    const struct named_match *headers;
    const struct named_match *query;
    const struct claim_match *claims;
    uint16_t header_count, query_count, claim_count, backend_count;
    uint16_t direct_status; /* 0: forward */
    uint16_t mirror_count;
    const struct backend_conf *backends;
    const struct mirror_conf *mirrors;
    uint32_t total_weight;
    const struct filter_chain *chain; /* may be NULL */
    bool has_cors;                    /* its first filter is CORS */
    struct slice matched_prefix;
    uint16_t listener_port;        /* of the listener or Service that the route belongs to */
    struct timeouts_conf timeouts; /* route's, else cluster's, else defaults: already merged */
    struct retry_conf retry;       /* ditto */
    const struct persistence_conf *persistence; /* ditto; NULL: clients go anywhere */
    struct slice persistence_name;              /* of the cookie or header; empty without it */
};

struct route_table; /* route/route_table.h */

struct destination_conf {
    struct slice name;
    uint16_t port;
    Weft__Config__V1__Protocol protocol;
    const struct route_table *routes;           /* NULL: all to default_cluster */
    const struct cluster_conf *default_cluster; /* may be NULL */
    const struct route_conf
        *default_route; /* a ready-made "everything to default_cluster"; NULL with it */
};

struct inbound_port_conf {
    uint16_t port;
    Weft__Config__V1__Protocol protocol;
    Weft__Config__V1__MtlsMode mtls; /* never UNSET */
    struct slice service, service_name, service_namespace;
    uint64_t service_hash; /* metrics_service_hash; 0: not computed */
    const struct filter_chain *chain; /* authorization, and the port's own; NULL: none */
};

struct inbound_conf {
    struct slice workload;
    Weft__Config__V1__MtlsMode mtls; /* for ports that are not listed; never UNSET */
    const struct inbound_port_conf *ports;
    uint32_t port_count;
    const struct filter_chain *chain; /* authorization, for other ports; NULL: none */
    uint64_t authz_version;           /* changes when live connections must be judged anew */
    const struct authz *authz;        /* for opaque TCP; NULL: none (filters/authz.h) */
};

struct route_hosts; /* route/route_hosts.h */

/* What holds for the whole mesh. */
struct mesh_conf {
    struct slice trust_domain;
    Weft__Config__V1__AccessLogMode access_log;
    bool access_log_json;
    bool metrics_body_sizes;           /* are the sizes of bodies counted? */
    const struct client_conf *clients; /* never NULL */
};

/* One listener among those that share a gateway's port. */
struct gateway_listener_conf {
    struct slice name;
    Weft__Config__V1__ListenerProtocol protocol;
    bool is_passthrough;               /* TLS that is not ours to end */
    bool has_certificate;              /* its own: another listener's is shown to nobody */
    const struct route_hosts *streams; /* TLS, TCP, UDP: by name, one of gateway_conf.routes */
    const struct client_conf *clients; /* NULL: the port's */
    struct tls_ctx *tls;               /* NULL: the port's */
    const struct listener_tls_conf *own_tls; /* what that is made of; NULL: the port's */
};

/* How many connections a gateway's port has, by all workers together. Lives as long as the port is
 * there or one of them. */
struct port_usage {
    _Atomic uint32_t refs, connections;
};

struct port_usage *port_usage_ref(struct port_usage *u);
void port_usage_unref(struct port_usage *u); /* NULL is allowed */

/* Questions about listeners and names are answered by route/listener_choice.h. */
struct gateway_conf {
    struct slice name;
    uint16_t port;
    Weft__Config__V1__ListenerProtocol protocol;
    struct tls_ctx *tls;       /* for HTTPS listeners; NULL: there are none */
    struct tls_ctx *tls_bytes; /* for TLS listeners that end TLS here; NULL: there are none */
    const struct route_table *routes;
    const struct filter_chain *chain;    /* before a route is known; may be NULL */
    const struct filter_chain *late;     /* what routes have of it; may be NULL */
    const struct filter_chain *unrouted; /* sees answers to requests without a route; may be NULL */
    const struct authz *authz;         /* for opaque connections; NULL: none */
    const struct client_conf *clients; /* NULL: the mesh's */
    struct port_usage *usage;
    const struct gateway_listener_conf *listeners;
    uint32_t listener_count;           /* 0: one that is not told apart */
    const struct route_hosts *by_name; /* TLS: which listener; NULL: they are not told apart */
};

static inline bool gateway_is_udp(const struct gateway_conf *g)
{
    return g->protocol == WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_UDP;
}

struct workload_conf {
    struct addr ip;
    struct slice name, namespace_name, service_account, spiffe_id;
    bool meshed;
};

struct snapshot; /* config/snapshot.c */

struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s);
uint64_t snapshot_version(const struct snapshot *s); /* counts up */
struct slice snapshot_trust_domain(const struct snapshot *s);
const struct mesh_conf *snapshot_mesh(const struct snapshot *s); /* never NULL */
/* What holds for a client's connection at a gateway's port, where its TLS hello asked for that name
 * (empty: it did not, or has not yet); gateway_port 0: at a sidecar. Never NULL; lives as long as
 * the snapshot. */
const struct client_conf *snapshot_client_conf(const struct snapshot *s, uint16_t gateway_port,
                                               struct slice sni);

/* Lookups: O(1), NULL when absent. */
const struct destination_conf *snapshot_destination_by_addr(const struct snapshot *s,
                                                            const struct addr *vip);
/* host: lower-case or not, without port. */
const struct destination_conf *snapshot_destination_by_host(const struct snapshot *s,
                                                            struct slice host, uint16_t port);
const struct workload_conf *snapshot_workload(const struct snapshot *s, const struct addr *ip);
const struct inbound_conf *
snapshot_inbound(const struct snapshot *s); /* never NULL: a permissive default */
/* What a port of the app asks of its clients. Never UNSET. */
Weft__Config__V1__MtlsMode snapshot_mtls_mode(const struct snapshot *s, uint16_t port);
const struct inbound_port_conf *snapshot_inbound_port(const struct snapshot *s, uint16_t port);
/* A gateway's port for connections, and that of the same number for datagrams. */
const struct gateway_conf *snapshot_gateway(const struct snapshot *s, uint16_t port);
const struct gateway_conf *snapshot_udp_gateway(const struct snapshot *s, uint16_t port);
/* All gateways, for opening listeners. */
const struct gateway_conf *const *snapshot_gateways(const struct snapshot *s, uint32_t *count);
/* NULL when there is none of that name. snapshot: a struct snapshot. */
const struct cluster_conf *snapshot_find_cluster(const void *snapshot, struct slice name);
/* For filters that authenticate; NULL: there are none. */
const struct consumer_directory *snapshot_consumers(const struct snapshot *s);
/* Every cluster, for reconciling worker state. */
const struct cluster_conf *const *snapshot_clusters(const struct snapshot *s, uint32_t *count);
/* A cluster may outlive the snapshot in a worker's hands. */
const struct cluster_conf *cluster_conf_ref(const struct cluster_conf *c);
void cluster_conf_unref(const struct cluster_conf *c);

/* ---- building: control thread ---- */

/* What survives from one build to the next: the parts by resource name and version, cluster slots,
 * endpoint health. */
struct snapshot_builder;
struct snapshot_builder *snapshot_builder_create(void);
void snapshot_builder_destroy(struct snapshot_builder *b);
/* As filter_keeps_purge, of all filters. */
struct filter_purge;
unsigned snapshot_builder_purge(struct snapshot_builder *b, const struct filter_purge *what);
/* Told of a resource that cannot be built; why: a sentence that begins with its name. */
typedef void (*snapshot_refused_fn)(void *owner, const char *resource, const char *why);
/* A new snapshot, never NULL, of all that can be built. What cannot be is told, and stays as the
 * builder had it; where there was nothing, a gateway's port is not opened, what would go to a
 * destination is answered 500, and nobody may call a workload whose inbound rules they were. */
struct snapshot *snapshot_build_what_can_be(struct snapshot_builder *b,
                                            const Weft__Config__V1__Configuration *configuration,
                                            snapshot_refused_fn refused, void *owner);
/* A new snapshot from the whole configuration, or an error with a sentence that names the resource;
 * the builder is unchanged then. `regex`, certificates and everything else that can fail is made
 * here, never at request time. */
MUST_USE enum err snapshot_build(struct snapshot_builder *b,
                                 const Weft__Config__V1__Configuration *configuration,
                                 struct snapshot **out, char detail[256]);
