/* customAuthorization: authorization where some AuthorizationPolicy has the action CUSTOM. Its
 * rules choose the requests that its provider is asked about; whatever that lets pass, DENY and
 * ALLOW see then, with the headers that the provider has set. Where tokens are read later, a
 * provider by whose rules a token counts is asked then, before what is left of DENY and ALLOW.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/authz.h"
#include "filters/ext_auth.h"

struct ctx {
    struct ext_auth_state *states; /* of each provider; NULL: nobody was asked */
    uint32_t at;                   /* providers before this one were asked, or need not be */
};

static enum filter_verdict ask(struct filter_exchange *x, const struct authz *a, struct ctx *own)
{
    const struct authz_provider *p = &a->providers[own->at];
    struct authz_facts facts;
    if (!own->states)
        own->states = arena_zalloc(x->arena, a->provider_count * sizeof(*own->states));
    struct ext_auth_state *state = &own->states[own->at];
    /* While it waits for an answer the rules have had their say. */
    if (!state->is_begun) {
        authz_facts_of(&facts, x, a);
        const struct authz_rule *rule = authz_find_custom(a, own->at, &facts);
        if (!rule)
            return FILTER_NEXT;
        if (!p->asks)
            return authz_refuse(x, rule);
    }
    return ext_auth_decide(x, p->asks, state);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct authz *a = conf;
    struct ctx *own = ctx;
    for (; own->at < a->provider_count && x->match_path.len; own->at++) {
        enum filter_verdict verdict =
            authz_is_turn_of(a, own->at) ? ask(x, a, own) : FILTER_NEXT;
        if (verdict != FILTER_NEXT)
            return verdict;
    }
    return a->is_late && !x->awaits_token ? FILTER_NEXT : authz_check(x, a);
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct authz *a = conf;
    const struct ctx *own = ctx;
    for (uint32_t i = 0; own->states && i < a->provider_count; i++)
        ext_auth_respond(x, &own->states[i]);
    return FILTER_NEXT;
}

const struct filter filter_authz_custom = {
    .name = "customAuthorization",
    .doc = "Decides by AuthorizationPolicies, of which some have others decide (CUSTOM).",
    .phase = FILTER_PHASE_AUTHORIZE,
    .spec = &authz_schema,
    .conf_size = sizeof(struct authz),
    .ctx_size = sizeof(struct ctx),
    .prepare = authz_prepare,
    .on_request = on_request,
    .on_response = on_response,
    .describe = authz_describe,
};
