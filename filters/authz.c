/* authorization: from rules to a decision. DENY, then ALLOW (none: everything is allowed); CUSTOM,
 * which goes before both, is in authz_custom.c. Its specification is in authz_spec.c, and
 * authz_rule.c tests its rules.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/authz.h"

#include <stdio.h>

#include "filters/authz/authz_trace.h"
#include "lib/base/log.h"

static const struct slice not_allowed = {"no ALLOW policy matches", 23};

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

static const struct authz_rule *find_action(const struct authz *a, enum authz_action action,
                                            const struct authz_facts *f)
{
    bool denies = action != AUTHZ_ALLOW;
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
        if (a->policies[i].action != AUTHZ_AUDIT)
            continue;
        const struct authz_rule *rule = find_rule(&a->policies[i], f, true);
        if (rule && !f->trace)
            audit(rule, f);
    }
}

bool authz_decide(const struct authz *a, const struct authz_facts *f,
                  const struct authz_rule **rule)
{
    audit_all(a, f);
    *rule = find_action(a, AUTHZ_DENY, f);
    if (*rule)
        return false;
    if (!a->has_allow)
        return true;
    *rule = find_action(a, AUTHZ_ALLOW, f);
    return *rule != NULL;
}

const struct authz_rule *authz_find_custom(const struct authz *a, uint32_t provider,
                                           const struct authz_facts *f)
{
    const struct authz_rule *rule = NULL;
    for (uint32_t i = 0; i < a->count && !rule; i++)
        if (a->policies[i].action == AUTHZ_CUSTOM && a->policies[i].provider == provider)
            rule = find_rule(&a->policies[i], f, true);
    return rule;
}

/* By the first provider that would have to be asked. */
static const struct authz_rule *find_any_custom(const struct authz *a, const struct authz_facts *f)
{
    const struct authz_rule *rule = NULL;
    for (uint32_t i = 0; i < a->provider_count && !rule; i++)
        rule = authz_find_custom(a, i, f);
    return rule;
}

bool authz_decide_tcp(const struct authz *a, const struct downstream_info *down,
                      char reason[AUTHZ_REASON_MAX])
{
    struct authz_facts facts;
    const struct authz_rule *rule;
    authz_facts_take(&facts, down, NULL, SLICE(""), &down->peer);
    const struct authz_rule *custom = find_any_custom(a, &facts);
    if (!custom && authz_decide(a, &facts, &rule))
        return true;
    if (custom)
        snprintf(reason, AUTHZ_REASON_MAX, "nobody can be asked about a connection, as %.*s wants",
                 SLICE_ARG(custom->label));
    else if (rule)
        snprintf(reason, AUTHZ_REASON_MAX, "denied by %.*s", SLICE_ARG(rule->label));
    else
        snprintf(reason, AUTHZ_REASON_MAX, "%.*s", SLICE_ARG(not_allowed));
    return false;
}

/* ---- hooks ---- */

enum filter_verdict authz_refuse(struct filter_exchange *x, const struct authz_rule *rule)
{
    x->host->fail(x, fail_info(FAIL_AUTHZ_DENIED),
                  rule ? arena_printf(x->arena, "denied by %.*s", SLICE_ARG(rule->label))
                       : not_allowed);
    return FILTER_REPLY;
}

void authz_facts_of(struct authz_facts *f, const struct filter_exchange *x, const struct authz *a)
{
    const struct forwarded *from = x->client;
    authz_facts_take(f, x->downstream, x->request, x->match_path,
                     from->is_unknown ? NULL : &from->client);
    f->other_paths = x->other_paths;
    f->caller = x->caller;
    f->tokens_unknown = a->tokens_unknown;
}

enum filter_verdict authz_check(struct filter_exchange *x, const struct authz *a)
{
    struct authz_facts facts;
    const struct authz_rule *rule;
    if (x->match_path.len == 0) {
        x->host->fail(x, fail_info(FAIL_BAD_REQUEST), SLICE("the path can be read in two ways"));
        return FILTER_REPLY;
    }
    authz_facts_of(&facts, x, a);
    return authz_decide(a, &facts, &rule) ? FILTER_NEXT : authz_refuse(x, rule);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    (void)ctx;
    return authz_check(x, conf);
}

const struct filter filter_authz = {
    .name = "authorization",
    .doc = "Decides by AuthorizationPolicies who may do what.",
    .phase = FILTER_PHASE_AUTHORIZE,
    .spec = &authz_schema,
    .conf_size = sizeof(struct authz),
    .prepare = authz_prepare,
    .on_request = on_request,
};
