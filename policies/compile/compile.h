/* Policies into configuration: what one data plane (a workload's sidecar, or a gateway) needs,
 * as the messages of proto/config.proto. Pure: no I/O, no clock; equal sets give equal bytes.
 * Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "policies/store/policy_set.h"
#include "policies/proto/config.pb-c.h"

struct compile_target {
    /* sidecar */
    struct slice namespace_name;
    struct slice workload; /* pod name; its labels and ports come from the Pod in the set */
    struct slice service_account;
    struct slice pod_ip; /* finds the Pod where the name does not */
    /* gateway: its name in namespace_name; then workload may be empty */
    struct slice gateway;
    struct slice trust_domain; /* MeshConfig's, or "cluster.local", when empty */
    /* Where it runs. Empty: as the Pod in the set says; where nobody says, Services that keep calls
     * near are like all others. */
    struct slice node, zone;
    struct slice cluster_domain; /* where MeshConfig says none; "cluster.local" when empty */
};

/* What an answer depends on besides the target's namespace: of Services that keep calls near. */
enum compile_locality { COMPILE_BY_ZONE = 1, COMPILE_BY_NODE = 2 };

/* The set must be finished. Never fails: what cannot be used (a route to a backend that does not
 * exist) compiles to what the standard says (500), and is noted in `notes` (may be NULL) as a
 * warning. All of the result lives in one arena: release it with compile_free only, never with
 * ..._free_unpacked. It keeps nothing of set and target. */
Weft__Config__V1__Configuration *compile_configuration(const struct policy_set *set,
                                                       const struct compile_target *target,
                                                       struct diag_list *notes);
/* The same in parts, for data planes that ask for what they need. What always belongs to the
 * target: "mesh", and "inbound" of a workload or everything of a Gateway. */
Weft__Config__V1__Configuration *compile_base(const struct policy_set *set,
                                              const struct compile_target *target,
                                              struct diag_list *notes);
/* What an app's original destination ("10.96.0.10:9080", "10.244.0.7:8080") is: the Destination of
 * a Service with its clusters, or the Workload of a pod with the headless Services that it answers
 * for. No resources: nothing of the mesh. Of the target only its namespace, domains, node and zone
 * count, so the answer may be shared by all sidecars of a namespace (compile_locality says whether
 * on all nodes). */
Weft__Config__V1__Configuration *compile_address(const struct policy_set *set,
                                                 const struct compile_target *target,
                                                 struct slice address);
/* What holds for connections from clients where nobody said anything: for a data plane whose
 * control plane is too old to say it. In the arena. */
Weft__Config__V1__ClientTraffic *compile_client_traffic_fallback(struct arena *arena);
/* How a Service is called of which no policy says anything: for messages that are made by hand. */
void compile_clusters_fallback(struct arena *arena, Weft__Config__V1__Cluster *to);
/* enum compile_locality: another node or zone of the target could give another result. */
unsigned compile_locality(const Weft__Config__V1__Configuration *configuration);
/* Where the pod runs, as far as the set knows; empty where it does not. */
void compile_find_locality(const struct policy_set *set, struct slice namespace_name,
                           struct slice pod, struct slice *node, struct slice *zone);
/* NULL is allowed. */
void compile_free(Weft__Config__V1__Configuration *configuration);
