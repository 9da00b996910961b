/* authorization: from rules to a decision. DENY, then ALLOW (none: everything is allowed); CUSTOM,
 * which goes before both, is in authz_custom.c. Its specification is in authz_spec.c, and
 * authz_rule.c tests its rules. At a Gateway it stands twice: before a route is known, and behind
 * the filters of the route that read tokens, for what depends on those.
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

/* What was found of rules: the one that holds, and whether one may hold once a token is read. */
struct found {
    const struct authz_rule *rule;
    bool awaits;
};

/* The first rule of the policy that holds, or may hold when `denies`. */
static void find_rule(const struct authz_policy *p, const struct authz_facts *f, bool denies,
                      struct found *to)
{
    for (uint32_t i = 0; i < p->rule_count && !to->rule; i++) {
        const struct authz_rule *r = &p->rules[i];
        enum truth t = authz_rule_test(r, f, denies);
        bool awaits =
            t == TRUTH_UNKNOWN && r->asks_token && f->tokens == AUTHZ_TOKENS_AWAITED;
        bool holds = t == TRUTH_YES || (denies && t == TRUTH_UNKNOWN && !awaits);
        if (f->trace)
            authz_trace_rule(f->trace, p, i, holds);
        to->awaits |= awaits;
        to->rule = holds ? r : NULL;
    }
}

static struct found find_action(const struct authz *a, enum authz_action action,
                                const struct authz_facts *f)
{
    struct found found = {NULL, false};
    for (uint32_t i = 0; i < a->count && !found.rule; i++)
        if (a->policies[i].action == action)
            find_rule(&a->policies[i], f, action != AUTHZ_ALLOW, &found);
    return found;
}

/* Every AUDIT policy writes a line of its own where is_told. True: one of them awaits the token. */
static bool audit_all(const struct authz *a, const struct authz_facts *f, bool is_told)
{
    bool awaits = false;
    for (uint32_t i = 0; i < a->count; i++) {
        struct found found = {NULL, false};
        if (a->policies[i].action != AUTHZ_AUDIT)
            continue;
        find_rule(&a->policies[i], f, true, &found);
        if (found.rule && is_told && !f->trace)
            audit(found.rule, f);
        awaits |= found.awaits && !found.rule;
    }
    return awaits;
}

static enum authz_answer decide(const struct authz *a, const struct authz_facts *f,
                                const struct authz_rule **rule)
{
    struct found deny = find_action(a, AUTHZ_DENY, f), allow = {NULL, false};
    *rule = deny.rule;
    if (deny.rule)
        return AUTHZ_DENIED;
    if (a->has_allow)
        allow = find_action(a, AUTHZ_ALLOW, f);
    *rule = allow.rule;
    if (a->has_allow && !allow.rule && !allow.awaits)
        return AUTHZ_DENIED;
    return deny.awaits || (allow.awaits && !allow.rule) ? AUTHZ_LATER : AUTHZ_ALLOWED;
}

enum authz_answer authz_decide(const struct authz *a, const struct authz_facts *f,
                               const struct authz_rule **rule)
{
    bool is_last = f->tokens != AUTHZ_TOKENS_AWAITED;
    struct authz_facts untold = *f;
    untold.trace = NULL;
    if (is_last)
        audit_all(a, f, true);
    enum authz_answer answer = decide(a, f, rule);
    if (is_last || answer == AUTHZ_LATER)
        return answer;
    if (answer == AUTHZ_ALLOWED && audit_all(a, &untold, false))
        return AUTHZ_LATER;
    audit_all(a, f, true);
    return answer;
}

bool authz_is_turn_of(const struct authz *a, uint32_t provider)
{
    bool is_late = a->tokens_later && a->providers[provider].asks_token;
    return is_late == a->is_late;
}

const struct authz_rule *authz_find_custom(const struct authz *a, uint32_t provider,
                                           const struct authz_facts *f)
{
    struct found found = {NULL, false};
    for (uint32_t i = 0; i < a->count && !found.rule; i++)
        if (a->policies[i].action == AUTHZ_CUSTOM && a->policies[i].provider == provider)
            find_rule(&a->policies[i], f, true, &found);
    return found.rule;
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
    if (!custom && authz_decide(a, &facts, &rule) == AUTHZ_ALLOWED)
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
    if (!a->tokens_later || (x->caller && x->caller->claims))
        f->tokens = AUTHZ_TOKENS_READ;
    else if (!a->is_late)
        f->tokens = AUTHZ_TOKENS_AWAITED;
    else
        f->tokens = x->was_authenticated ? AUTHZ_TOKENS_READ : AUTHZ_TOKENS_UNREAD;
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
    switch (authz_decide(a, &facts, &rule)) {
    case AUTHZ_ALLOWED:
        return FILTER_NEXT;
    case AUTHZ_LATER:
        x->awaits_token = true;
        return FILTER_NEXT;
    case AUTHZ_DENIED:
        break;
    }
    return authz_refuse(x, rule);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct authz *a = conf;
    (void)ctx;
    return a->is_late && !x->awaits_token ? FILTER_NEXT : authz_check(x, a);
}

struct slice authz_describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct authz *a = conf;
    (void)arena;
    (void)prefix;
    return a->is_late ? SLICE("decides what depends on the token")
                      : SLICE("decides by AuthorizationPolicies");
}

const struct filter filter_authz = {
    .name = "authorization",
    .doc = "Decides by AuthorizationPolicies who may do what.",
    .phase = FILTER_PHASE_AUTHORIZE,
    .spec = &authz_schema,
    .conf_size = sizeof(struct authz),
    .prepare = authz_prepare,
    .on_request = on_request,
    .describe = authz_describe,
};
