/* What holds for connections from clients: MeshConfig says it for the mesh (spec.clientTraffic),
 * ListenerPolicy for a Gateway or one of its listeners. Each leaf is taken from the narrowest
 * object that says it, else from its fallback; the data plane has no defaults of its own.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/client_connection.h"
#include "policies/kinds/http2_keepalive.h"
#include "policies/kinds/tcp_keepalive.h"

/* How connections are held is client_connection.h's business, where a setting is a row. To add one
 * here:
 *   1. a member here and a row in the section's table in client_traffic.c, with SCHEMA_INHERIT and
 *      its default as `fallback` (an ENUM for yes and no: a BOOL cannot be left out);
 *   2. a field of the section's message below ClientTraffic in policies/proto/config.proto, and the
 *      line that fills it in policies/compile/compile_client_traffic.c;
 *   3. a member of struct client_conf, the line that reads it in sidecar/config/client_conf.c,
 *      and one in put_clients of sidecar/config/snapshot_dump.c;
 *   4. `weftctl crds` and `weftctl reference` (k8s/base/crds, k8s/helm/weft/crds,
 *      docs/reference/kinds.md), the examples mesh-config.yaml and listener-policy.yaml, and
 *      tests/unit/policies/cases/leaves.yaml.
 * Merging, status conditions and the way to the data plane need nothing. Whoever serves a
 * connection asks session_client_conf (sidecar/session/session.h). */

/* Members are SCHEMA_UNSET where nothing is said. */
struct client_traffic_limits {
    int64_t max_target_bytes, max_header_bytes, max_headers;
};

enum client_traffic_gateways { CLIENT_TRAFFIC_GATEWAYS_ALL, CLIENT_TRAFFIC_GATEWAYS_NONE };

/* What becomes of a request with an underscore in the name of a header. */
enum client_traffic_underscores {
    CLIENT_TRAFFIC_UNDERSCORES_ALLOW,
    CLIENT_TRAFFIC_UNDERSCORES_DROP,
    CLIENT_TRAFFIC_UNDERSCORES_REJECT,
};

/* Whom a Gateway tells why it could not serve a request. */
enum client_traffic_details {
    CLIENT_TRAFFIC_DETAILS_INTERNAL,
    CLIENT_TRAFFIC_DETAILS_NEVER,
    CLIENT_TRAFFIC_DETAILS_ALWAYS,
};

struct client_traffic {
    struct client_traffic_limits limits;
    struct tcp_keepalive_setting keepalive;
    struct http2_keepalive_setting http2_keepalive;
    /* Who may say whom a request is from. */
    int64_t trusted_hops;
    struct schema_list trusted_addresses;  /* of struct slice: prefixes */
    struct schema_list trusted_identities; /* of struct slice: principals, '*' at either end */
    int trusted_gateways;                  /* enum client_traffic_gateways */
    int underscores;                       /* enum client_traffic_underscores */
    int details;                           /* enum client_traffic_details */
    struct client_connection connection;
};

extern const struct schema client_traffic_schema;        /* of struct client_traffic */
extern const struct schema client_traffic_limits_schema; /* of its sections, for the rows below */

extern const struct schema_field client_traffic_address, client_traffic_identity;
extern const char *const client_traffic_underscore_names[], *const client_traffic_gateway_names[];
extern const char *const client_traffic_detail_names[];

#define CLIENT_TRAFFIC_HOPS_DOC                                                                   \
    "How many proxies in front of a Gateway are trusted to say whom a request is from, by what "  \
    "they add to X-Forwarded-For; the Gateway's peer is the first. Without meaning for sidecars."
#define CLIENT_TRAFFIC_ADDRESSES_DOC                                                            \
    "Addresses of proxies that are trusted to say whom a request is from. The client is the "   \
    "last address of X-Forwarded-For that is not among them."
#define CLIENT_TRAFFIC_IDENTITIES_DOC                                                           \
    "Workloads of the mesh, by the identity in their certificate, that are trusted to say whom " \
    "a request is from, like cluster.local/ns/ingress/sa/nginx; a '*' may stand at the "        \
    "beginning or at the end. For sidecars; peers of a Gateway have no identity of the mesh."
#define CLIENT_TRAFFIC_GATEWAYS_DOC                                                             \
    "Whether sidecars trust the Gateways of the mesh, by the identity of their service account, " \
    "to say whom a request is from."
#define CLIENT_TRAFFIC_UNDERSCORES_DOC                                                          \
    "What becomes of a request header with an underscore in its name: it is passed on (Allow), " \
    "left out (Drop), or the request is answered 400 (Reject). Names that some servers take "   \
    "for a header that Weft sets or that a policy looks at are never passed on."

#define CLIENT_TRAFFIC_HTTP2_KEEPALIVE_DOC                                                      \
    "Whether clients are asked over HTTP/2 if they are still there: at sidecars, those in the "  \
    "mesh (left out: after 10s); at Gateways all, where this is said."

#define CLIENT_TRAFFIC_DETAILS_DOC                                                              \
    "Whom a Gateway tells why it could not serve a request, in the answer's text and in its "   \
    "x-weft-reason header: clients whose own address is among trustedAddresses (Internal), "    \
    "nobody (Never), or everybody (Always). Others get the status, its name and the request's " \
    "id, also in place of what sidecars behind the Gateway say; the reason is in the access "   \
    "log and the metrics. Without meaning for sidecars."

/* Who is trusted to say whom a request is from. */
#define CLIENT_TRAFFIC_TRUST_FIELDS(struct_, prefix)                                            \
    SCHEMA_FIELD(struct_, prefix trusted_hops, "trustedHops", INT, CLIENT_TRAFFIC_HOPS_DOC,     \
                 .flags = SCHEMA_INHERIT, .max = 32),                                           \
        SCHEMA_FIELD(struct_, prefix trusted_addresses, "trustedAddresses", LIST,               \
                     CLIENT_TRAFFIC_ADDRESSES_DOC, .flags = SCHEMA_INHERIT, .max = 256,         \
                     .element = &client_traffic_address),                                       \
        SCHEMA_FIELD(struct_, prefix trusted_identities, "trustedIdentities", LIST,             \
                     CLIENT_TRAFFIC_IDENTITIES_DOC, .flags = SCHEMA_INHERIT, .max = 256,        \
                     .element = &client_traffic_identity),                                      \
        SCHEMA_FIELD(struct_, prefix trusted_gateways, "trustedGateways", ENUM,                 \
                     CLIENT_TRAFFIC_GATEWAYS_DOC, .flags = SCHEMA_INHERIT,                      \
                     .choices = client_traffic_gateway_names,                                   \
                     .fallback = CLIENT_TRAFFIC_GATEWAYS_ALL)

/* The rows of a struct that has a struct client_traffic at `prefix`. */
#define CLIENT_TRAFFIC_FIELDS(struct_, prefix)                                                  \
    SCHEMA_FIELD(struct_, prefix limits, "limits", INLINE, "How large a request's head may be.", \
                 .object = &client_traffic_limits_schema),                                       \
        SCHEMA_FIELD(struct_, prefix keepalive, "tcpKeepalive", INLINE,                         \
                     "How a client that disappeared is detected.",                              \
                     .object = &tcp_keepalive_client_schema),                                   \
        SCHEMA_FIELD(struct_, prefix http2_keepalive, "http2Keepalive", INLINE,                 \
                     CLIENT_TRAFFIC_HTTP2_KEEPALIVE_DOC,                                        \
                     .object = &http2_keepalive_client_schema),                                 \
        CLIENT_TRAFFIC_TRUST_FIELDS(struct_, prefix),                                           \
        SCHEMA_FIELD(struct_, prefix underscores, "headersWithUnderscores", ENUM,               \
                     CLIENT_TRAFFIC_UNDERSCORES_DOC, .flags = SCHEMA_INHERIT,                   \
                     .choices = client_traffic_underscore_names,                                \
                     .fallback = CLIENT_TRAFFIC_UNDERSCORES_ALLOW),                             \
        SCHEMA_FIELD(struct_, prefix details, "failureDetails", ENUM,                           \
                     CLIENT_TRAFFIC_DETAILS_DOC, .flags = SCHEMA_INHERIT,                       \
                     .choices = client_traffic_detail_names,                                    \
                     .fallback = CLIENT_TRAFFIC_DETAILS_INTERNAL),                              \
        CLIENT_CONNECTION_FIELDS(struct_, prefix connection.)
