/* What becomes of a request: the data plane's own matching, run with a trace over the snapshot that
 * the caller's sidecar or Gateway would have, and over those of the endpoints' sidecars.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/compile/compile.h"
#include "sidecar/config/snapshot.h"
#include "filters/authz.h"
#include "weftctl/explain/asked.h"
#include "weftctl/workload.h"

/* Who asks. */
struct explain_from {
    struct workload workload;
    bool is_meshed;
    struct slice principal; /* without "spiffe://"; empty: shows no certificate */
};

/* A rule of an AuthorizationPolicy that was looked at. */
struct explain_rule {
    struct slice policy;
    enum authz_action action;
    uint32_t number;      /* of the rule, from 1 */
    struct slice why_not; /* empty: it matches */
};

struct explain_verdict {
    bool allowed;
    bool is_open;      /* depends on an address that is not known */
    bool is_later;     /* depends on a token that filters of the route may read */
    unsigned status;   /* that a filter of the port answers instead; 0: none does */
    struct slice text; /* the whole in one sentence */
    struct explain_rule *rules;
    size_t rule_count;
};

/* A route that was looked at before the one that matches. */
struct explain_tried {
    struct slice route, why_not;
};

struct explain_endpoint {
    const struct endpoint_conf *conf;
    bool is_mutual_tls;
    bool has_sidecar; /* which decides */
    struct slice *filters; /* of the port, in words; filter_count of them */
    size_t filter_count;
    struct explain_verdict verdict;
};

struct explain_share {
    const struct cluster_conf *cluster; /* NULL: no backend that can be used, or a pod by its own
                                           address */
    uint32_t weight;
    const struct filter_chain *chain; /* of this backend; NULL: none */
    const struct filter_entry *redirect; /* of its chain, which answers instead; NULL: none does */
    struct message *request;             /* as it is sent there */
    struct explain_endpoint *endpoints;
    size_t count;
};

struct explain {
    struct arena arena;
    const struct policy_set *set;
    struct asked asked;
    struct explain_from from;
    struct snapshot *snapshot; /* of `from` */
    struct slice destination;        /* empty: nothing that the mesh knows */
    Weft__Config__V1__Protocol protocol;
    struct slice certificate; /* at an HTTPS listener: whose it shows, "Secret shop/cert"; empty */
    bool is_routed; /* a route was looked for */
    const struct route_conf *route;
    bool is_preflight; /* of CORS: it is matched as the request that it announces */
    struct explain_tried *tried;
    size_t tried_count;
    struct message *request;       /* as the caller's data plane sees it */
    struct forwarded client;       /* whom it takes the request to be from */
    const struct gateway_conf *gateway; /* NULL: not at a Gateway, like entry */
    struct addr peer;                   /* who calls there */
    struct explain_verdict *entry;      /* of the Gateway itself */
    struct explain_share *shares;
    size_t share_count;
    unsigned status;     /* what the caller is answered without any endpoint; 0: it is forwarded */
    struct slice answer; /* and why, or where it goes, in words */
    bool is_delivered;   /* some ready endpoint takes it */
    /* What it is made of. */
    struct snapshot_builder *builder;
    struct slice refusal; /* why the Gateway's port could not be built; empty: it was */
};

/* asked, workload and set must live as long as the result. */
struct explain *explain_create(const struct policy_set *set, const struct workload *from,
                               const struct asked *asked, struct slice client_ip);
void explain_destroy(struct explain *e);

/* ---- what the parts share ---- */

/* The decision of those policies (NULL: there are none); all memory is the explanation's. */
void explain_decide(struct explain *e, const struct authz *authz, struct authz_facts *facts,
                    struct explain_verdict *out);
/* explain_guard.c: the policies of the Gateway; what a preflight announces is judged when it comes.
 * False: it is denied. */
bool explain_guard_enter(struct explain *e);
/* What they left undecided, once it is known which route it is; NULL: none. True where nothing is
 * left, and where there is no Gateway. */
bool explain_guard_settle(struct explain *e, const struct route_conf *route);
/* The filters of a chain over a request of its own. Returns the entry that answers instead of going
 * on, and with which status; or NULL. */
const struct filter_entry *explain_filters_apply(struct explain *e,
                                                 const struct filter_chain *chain,
                                                 struct message *request, unsigned *status);
/* Of which kind the object is that a filter is from, and its name; empty: the route itself. */
struct slice explain_filters_owner(const struct filter_entry *entry, const char **kind);
/* "redirect to https://a.b (301)". */
struct slice explain_filters_describe(struct explain *e, const struct filter_entry *entry);
/* A destination that is none of the mesh: what may have been meant. */
struct slice explain_hint(struct explain *e);
/* explain_ends.c: endpoints, and what their sidecars say. */
void explain_ends_add(struct explain *e, struct explain_share *share);
void explain_ends_add_workload(struct explain *e, const struct workload_conf *workload);
