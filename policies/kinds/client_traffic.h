/* What holds for connections from clients: MeshConfig says it for the mesh (spec.clientTraffic),
 * ListenerPolicy for a Gateway or one of its listeners. Each leaf is taken from the narrowest
 * object that says it, else from its fallback; the data plane has no defaults of its own.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/schema.h"

/* To add a setting:
 *   1. a member here and a row in the section's table in client_traffic.c, with SCHEMA_INHERIT and
 *      its default as `fallback` (an ENUM for yes and no: a BOOL cannot be left out);
 *   2. a field of the section's message below ClientTraffic in policies/proto/config.proto, and the
 *      line that fills it in policies/compile_client_traffic.c;
 *   3. a member of struct client_conf, the line that reads it in sidecar/config/client_conf.c,
 *      and one in put_clients of sidecar/config/snapshot_dump.c;
 *   4. `weftctl crds` and `weftctl reference` (k8s/base/crds, k8s/helm/weft/crds,
 *      docs/reference.md), the examples mesh-config.yaml and listener-policy.yaml.
 * Merging, status conditions and the way to the data plane need nothing. Whoever serves a
 * connection asks session_client_conf (sidecar/session.h). */

/* Members are SCHEMA_UNSET where nothing is said. */
struct client_traffic_limits {
    int64_t max_target_bytes, max_header_bytes, max_headers;
};

struct client_traffic {
    struct client_traffic_limits limits;
};

extern const struct schema client_traffic_schema;        /* of struct client_traffic */
extern const struct schema client_traffic_limits_schema; /* of its sections, for the rows below */

/* The rows of a struct that has a struct client_traffic at `prefix`. */
#define CLIENT_TRAFFIC_FIELDS(struct_, prefix)                                                  \
    SCHEMA_FIELD(struct_, prefix limits, "limits", INLINE, "How large a request's head may be.", \
                 .object = &client_traffic_limits_schema)
