/* A decision of AuthorizationPolicies with what was found on the way, as one sentence and rule by
 * rule. Main thread. Must not decide anything itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "filters/authz/authz_trace.h"
#include "weftctl/explain/explain.h"

enum { NAMED_MAX = 3 }; /* policies that a sentence names */

struct record {
    struct explain *e;
    struct explain_verdict *to;
    size_t capacity;
};

static void record_rule(void *owner, const struct authz_policy *p, uint32_t rule, struct slice miss)
{
    struct record *r = owner;
    struct explain_verdict *v = r->to;
    if (v->rule_count == r->capacity) {
        r->capacity = r->capacity ? 2 * r->capacity : 8;
        struct explain_rule *more = arena_alloc(&r->e->arena, r->capacity * sizeof(*more));
        if (v->rule_count)
            memcpy(more, v->rules, v->rule_count * sizeof(*more));
        v->rules = more;
    }
    v->rules[v->rule_count++] =
        (struct explain_rule){arena_copy(&r->e->arena, p->name), p->action, rule + 1, miss};
}

/* The ALLOW rules that it would have taken, each with what it misses. */
static struct slice say_unmatched(struct explain *e, const struct explain_verdict *v)
{
    struct slice text = SLICE("denied: no ALLOW policy matches");
    size_t named = 0, more = 0;
    for (size_t i = 0; i < v->rule_count; i++) {
        const struct explain_rule *r = &v->rules[i];
        if (r->action != AUTHZ_ALLOW)
            continue;
        if (named == NAMED_MAX) {
            more++;
            continue;
        }
        text = arena_printf(&e->arena, "%.*s%s %.*s rule %u: %.*s", SLICE_ARG(text),
                            named++ ? ";" : ":", SLICE_ARG(r->policy), r->number,
                            SLICE_ARG(r->why_not));
    }
    return more ? arena_printf(&e->arena, "%.*s; and %zu more (-v)", SLICE_ARG(text), more) : text;
}

static struct slice say(struct explain *e, const struct authz_rule *rule,
                        const struct explain_verdict *v)
{
    if (rule)
        return arena_printf(&e->arena, "%s by %.*s", v->allowed ? "allowed" : "denied",
                            SLICE_ARG(rule->label));
    return v->allowed ? SLICE("allowed: no ALLOW policy is for this workload")
                      : say_unmatched(e, v);
}

/* Whom CUSTOM policies would ask first, in words. False: somebody who cannot be asked, so it is
 * denied. */
static bool find_asked(struct explain *e, const struct authz *authz,
                       const struct authz_facts *facts, struct slice *text)
{
    for (uint32_t i = 0; i < authz->provider_count; i++) {
        const struct authz_rule *rule = authz_find_custom(authz, i, facts);
        const struct authz_provider *p = &authz->providers[i];
        if (rule && !p->asks) {
            *text = arena_printf(&e->arena, "denied by %.*s: its provider %.*s cannot be asked",
                                 SLICE_ARG(rule->label), SLICE_ARG(p->name));
            return false;
        }
        if (rule)
            *text = arena_printf(&e->arena, "%.*s%sHTTPFilter %.*s would be asked, by %.*s",
                                 SLICE_ARG(*text), text->len ? "; " : "", SLICE_ARG(p->name),
                                 SLICE_ARG(rule->label));
    }
    return true;
}

/* What the others say then. */
static void decide(struct explain *e, const struct authz *authz, struct authz_facts *facts,
                   struct explain_verdict *out)
{
    const struct authz_rule *rule = NULL;
    struct slice asked = SLICE("");
    out->allowed = find_asked(e, authz, facts, &asked);
    out->text = asked;
    if (!out->allowed)
        return;
    enum authz_answer answer = authz_decide(authz, facts, &rule);
    out->is_later = answer == AUTHZ_LATER;
    out->allowed = answer != AUTHZ_DENIED;
    out->text = out->is_later ? SLICE("decided by the token") : say(e, rule, out);
    if (asked.len)
        out->text = arena_printf(&e->arena, "%.*s; then %.*s", SLICE_ARG(asked),
                                 SLICE_ARG(out->text));
}

void explain_decide(struct explain *e, const struct authz *authz, struct authz_facts *facts,
                    struct explain_verdict *out)
{
    static const struct authz none;
    struct record record = {.e = e, .to = out};
    struct authz_trace trace = {.arena = &e->arena, .on_rule = record_rule, .owner = &record};
    *out = (struct explain_verdict){.allowed = true};
    facts->trace = &trace;
    decide(e, authz ? authz : &none, facts, out);
    facts->trace = NULL;
    out->is_open = trace.asked_unknown_address;
    if (out->is_open)
        out->text = arena_printf(&e->arena,
                                 "%.*s, as far as can be said without the caller's address "
                                 "(--client-ip)",
                                 SLICE_ARG(out->text));
}
