/* What AuthorizationPolicies say of a request, and which rule of which policy says it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"
#include "policies/proto/config.pb-c.h"
#include "weftctl/asked.h"

/* As the side that decides sees it. */
struct explain_call {
    const struct asked *asked;
    struct slice principal;      /* without "spiffe://"; empty: no certificate */
    struct slice namespace_name; /* of the principal */
    struct slice caller_ip;      /* the connection's other end; empty: not known */
    struct slice remote_ip;      /* the client, as far as proxies are trusted; empty: not known */
    struct slice local_ip;
    uint16_t port; /* that was called */
};

struct explain_rule {
    const char *policy;
    Weft__Config__V1__AuthzAction action;
    size_t number;        /* of the rule, from 1 */
    struct slice why_not; /* empty: it matches */
};

struct explain_verdict {
    bool allowed;
    bool is_open;      /* depends on an address that is not known */
    struct slice text; /* the whole in one sentence */
    struct explain_rule *rules;
    size_t rule_count;
};

/* All memory is the arena's. */
void explain_authz_decide(struct arena *arena, Weft__Config__V1__AuthzPolicy *const *policies,
                          size_t count, const struct explain_call *call,
                          struct explain_verdict *out);
const char *explain_authz_action(Weft__Config__V1__AuthzAction action);
