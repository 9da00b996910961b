/* What a Gateway decides of a request before it has a route, and what of that it leaves until the
 * filters of the route have read the token. Main thread. Must not decide anything itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/preflight.h"
#include "sidecar/config/route/route_table.h"
#include "weftctl/explain/explain.h"

static void take_facts(struct explain *e, struct downstream_info *down, struct authz_facts *f)
{
    *down = (struct downstream_info){.peer = e->peer};
    down->local.port = e->asked.port;
    down->is_tls = slice_eq(e->asked.scheme, SLICE("https"));
    down->sni = down->is_tls ? e->asked.host : SLICE("");
    authz_facts_take(f, down, e->request, e->asked.path,
                     e->client.is_unknown ? NULL : &e->client.client);
    f->other_paths = e->asked.other_paths;
}

static bool authenticates(const struct filter_chain *chain)
{
    for (uint32_t i = 0; chain && i < chain->count; i++)
        if (chain->entries[i].filter->phase == FILTER_PHASE_AUTHENTICATE)
            return true;
    return false;
}

static bool deny(struct explain *e)
{
    e->status = 403;
    e->answer = SLICE("denied at the Gateway");
    return false;
}

bool explain_guard_enter(struct explain *e)
{
    const struct gateway_conf *g = e->gateway;
    struct downstream_info down;
    struct authz_facts facts;
    struct preflight preflight;
    take_facts(e, &down, &facts);
    if (g->authz && g->authz->tokens_later)
        facts.tokens = AUTHZ_TOKENS_AWAITED;
    e->is_preflight = preflight_read(&preflight, e->request);
    const struct route_conf *route =
        e->is_preflight && g->routes
            ? route_table_find(g->routes, e->request, e->asked.path, NULL)
            : NULL;
    e->entry = arena_alloc(&e->arena, sizeof(*e->entry));
    explain_decide(e, g->authz, &facts, e->entry);
    return e->entry->allowed || (route && route->has_cors) || deny(e);
}

bool explain_guard_settle(struct explain *e, const struct route_conf *route)
{
    const struct gateway_conf *g = e->gateway;
    struct downstream_info down;
    struct authz_facts facts;
    bool is_read = g && (authenticates(g->chain) || authenticates(route ? route->chain : NULL));
    if (!g || !e->entry->is_later || (e->is_preflight && route && route->has_cors))
        return true;
    take_facts(e, &down, &facts);
    facts.tokens = is_read ? AUTHZ_TOKENS_READ : AUTHZ_TOKENS_UNREAD;
    explain_decide(e, g->authz, &facts, e->entry);
    e->entry->text = arena_printf(&e->arena, "%.*s%s", SLICE_ARG(e->entry->text),
                                  is_read ? ", as a request without a token" : "");
    return e->entry->allowed || deny(e);
}
