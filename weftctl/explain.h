/* What becomes of a request: from a workload by its sidecar's configuration to the endpoints, and
 * what the sidecars there say. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/compile.h"
#include "weftctl/explain_authz.h"
#include "weftctl/explain_route.h"
#include "weftctl/workload.h"

/* Who asks. */
struct explain_from {
    struct workload workload;
    bool is_meshed;
    struct slice principal; /* without "spiffe://"; empty: shows no certificate */
};

struct explain_endpoint {
    const Weft__Config__V1__Endpoint *endpoint;
    bool is_mutual_tls;
    bool has_sidecar; /* which decides */
    struct explain_verdict verdict;
};

struct explain_share {
    const char *cluster_name; /* "": it does not resolve */
    const Weft__Config__V1__Cluster *cluster;
    uint32_t weight;
    const Weft__Config__V1__Redirect *redirect;
    struct explain_endpoint *endpoints;
    size_t count;
};

struct explain {
    struct arena arena;
    const struct policy_set *set;
    struct asked asked;
    struct explain_from from;
    const char *destination; /* NULL: nothing that the mesh knows */
    Weft__Config__V1__Protocol protocol;
    bool is_routed; /* a route was looked for */
    struct explain_route route;
    struct slice client; /* at a Gateway: whom the request is from; empty: it cannot be told */
    struct explain_verdict *entry; /* of the Gateway itself; NULL: not at a Gateway */
    struct explain_share *shares;
    size_t share_count;
    unsigned status;     /* what the caller is answered without any endpoint; 0: it is forwarded */
    struct slice answer; /* and why, or where it goes, in words */
    bool is_delivered;   /* some ready endpoint takes it */
    Weft__Config__V1__Configuration *configuration; /* of `from` */
};

/* asked, workload and set must live as long as the result. */
struct explain *explain_create(const struct policy_set *set, const struct workload *from,
                               const struct asked *asked, struct slice client_ip);
void explain_destroy(struct explain *e);
