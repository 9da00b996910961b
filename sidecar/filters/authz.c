/* From rules to a decision: CUSTOM does not exist yet, then DENY, then ALLOW (none: everything is
 * allowed). Worker thread. Must not know how a rule is tested.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/authz.h"

#include <stdio.h>

#include "lib/base/log.h"
#include "sidecar/filters/authz_rule.h"
#include "sidecar/filters/authz_trace.h"

static const struct slice not_allowed = {"no ALLOW policy matches", 23};

Weft__Config__V1__MtlsMode authz_mtls_mode(const struct snapshot *s, uint16_t port)
{
    const struct inbound_port_conf *listed = snapshot_inbound_port(s, port);
    return listed ? listed->mtls : snapshot_inbound(s)->mtls;
}

static void audit(const struct authz_rule *r, const struct authz_facts *f)
{
    char client[ADDR_TEXT_MAX];
    struct slice method = f->request ? f->request->method : SLICE("connection");
    LOG_I("authz", "audit: %.*s matches %.*s %.*s from %s %.*s", SLICE_ARG(r->label),
          SLICE_ARG(method), SLICE_ARG(f->match_path),
          addr_format(f->remote ? f->remote : &f->down->peer, client), SLICE_ARG(f->principal));
}

/* The first rule of the policy that holds, or may hold when `denies`. */
static const struct authz_rule *find_rule(const struct authz_policy *p, const struct authz_facts *f,
                                          bool denies)
{
    for (uint32_t i = 0; i < p->rule_count; i++) {
        enum truth t = authz_rule_test(&p->rules[i], f, denies);
        bool holds = t == TRUTH_YES || (denies && t == TRUTH_UNKNOWN);
        if (f->trace)
            authz_trace_rule(f->trace, p, i, holds);
        if (holds)
            return &p->rules[i];
    }
    return NULL;
}

static const struct authz_rule *find_action(const struct authz *a,
                                            Weft__Config__V1__AuthzAction action,
                                            const struct authz_facts *f)
{
    bool denies = action != WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_ALLOW;
    const struct authz_rule *rule = NULL;
    for (uint32_t i = 0; i < a->count && !rule; i++) {
        if (a->policies[i].action == action)
            rule = find_rule(&a->policies[i], f, denies);
    }
    return rule;
}

static void audit_all(const struct authz *a, const struct authz_facts *f)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->policies[i].action != WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_AUDIT)
            continue;
        const struct authz_rule *rule = find_rule(&a->policies[i], f, true);
        if (rule && !f->trace)
            audit(rule, f);
    }
}

bool authz_decide_facts(const struct authz *a, const struct authz_facts *f,
                        const struct authz_rule **rule)
{
    audit_all(a, f);
    *rule = find_action(a, WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_DENY, f);
    if (*rule)
        return false;
    if (!a->has_allow)
        return true;
    *rule = find_action(a, WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_ALLOW, f);
    return *rule != NULL;
}

bool authz_decide(const struct authz *a, struct exchange *ex, struct slice *reason)
{
    struct authz_facts facts;
    const struct authz_rule *rule;
    const struct forwarded *from = exchange_client(ex);
    authz_rule_facts(&facts, exchange_downstream(ex), exchange_request(ex),
                     exchange_match_path(ex), from->is_unknown ? NULL : &from->client);
    facts.other_paths = exchange_other_paths(ex);
    if (authz_decide_facts(a, &facts, &rule))
        return true;
    *reason = rule ? arena_printf(exchange_arena(ex), "denied by %.*s", SLICE_ARG(rule->label))
                   : not_allowed;
    return false;
}

bool authz_decide_tcp(const struct authz *a, const struct downstream_info *down,
                      char reason[AUTHZ_REASON_MAX])
{
    struct authz_facts facts;
    const struct authz_rule *rule;
    authz_rule_facts(&facts, down, NULL, SLICE(""), &down->peer);
    if (authz_decide_facts(a, &facts, &rule))
        return true;
    if (rule)
        snprintf(reason, AUTHZ_REASON_MAX, "denied by %.*s", SLICE_ARG(rule->label));
    else
        snprintf(reason, AUTHZ_REASON_MAX, "%.*s", SLICE_ARG(not_allowed));
    return false;
}

static enum verdict on_request(struct exchange *ex, const void *conf, void *ctx)
{
    struct slice reason;
    (void)ctx;
    if (exchange_match_path(ex).len == 0) {
        exchange_reply_fail(ex, FAIL_BAD_REQUEST, SLICE("the path can be read in two ways"));
        return VERDICT_REPLY;
    }
    if (authz_decide(conf, ex, &reason))
        return VERDICT_NEXT;
    exchange_reply_fail(ex, FAIL_AUTHZ_DENIED, reason);
    return VERDICT_REPLY;
}

const struct filter_ops authz_ops = {
    .name = "authorization",
    .on_request = on_request,
};
