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

bool authz_decide(const struct authz *a, struct filter_exchange *x, struct slice *reason)
{
    struct authz_facts facts;
    const struct authz_rule *rule;
    const struct forwarded *from = x->client;
    authz_rule_facts(&facts, x->downstream, x->request,
                     x->match_path, from->is_unknown ? NULL : &from->client);
    facts.other_paths = x->other_paths;
    if (authz_decide_facts(a, &facts, &rule))
        return true;
    *reason = rule ? arena_printf(x->arena, "denied by %.*s", SLICE_ARG(rule->label))
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

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    struct slice reason;
    (void)ctx;
    if (x->match_path.len == 0) {
        x->host->fail(x, fail_info(FAIL_BAD_REQUEST), SLICE("the path can be read in two ways"));
        return FILTER_REPLY;
    }
    if (authz_decide(conf, x, &reason))
        return FILTER_NEXT;
    x->host->fail(x, fail_info(FAIL_AUTHZ_DENIED), reason);
    return FILTER_REPLY;
}

const struct filter filter_authz = {
    .name = "authorization",
    .phase = FILTER_PHASE_AUTHORIZE,
    .on_request = on_request,
};
