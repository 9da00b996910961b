/* A client that stays with the endpoint that it met first (sessionPersistence): what it shows of
 * that comes before the weights of the rule and before the balancer, and what it is to keep goes
 * with the response. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/clock.h"
#include "lib/codec/http/cookie.h"
#include "sidecar/exchange/exchange_priv.h"
#include "sidecar/upstream/persistence.h"

enum { SHOWN_MAX = 4, MS_PER_S = 1000 }; /* cookies of that name that are looked at */

/* In the exchange's arena, of those whose route has it. */
struct exchange_persistence {
    struct persistence_token token;
    bool has_token;
    uint32_t now_s;
};

/* ---- what it shows ---- */

static bool try_text(struct exchange *ex, struct slice text)
{
    struct exchange_persistence *kept = ex->persistence;
    kept->has_token =
        persistence_open(&ex->arena, ex->route, text, kept->now_s, &kept->token);
    return kept->has_token;
}

static void read_cookies(struct exchange *ex)
{
    struct cookie_walk walk = cookie_walk_of(&ex->request->headers);
    struct cookie cookie;
    unsigned seen = 0;
    while (seen < SHOWN_MAX && cookie_walk_next(&walk, &cookie))
        if (slice_eq(cookie.name, ex->route->persistence_name) && seen++ < SHOWN_MAX &&
            try_text(ex, cookie.value))
            return;
}

static void read_token(struct exchange *ex)
{
    ex->persistence = arena_zalloc(&ex->arena, sizeof(*ex->persistence));
    ex->persistence->now_s = (uint32_t)(clock_wall_ms() / MS_PER_S);
    if (!ex->route->persistence->is_header) {
        read_cookies(ex);
        return;
    }
    const struct header *h = headers_find(&ex->request->headers, ex->route->persistence_name);
    if (h)
        try_text(ex, h->value);
}

/* ---- where it goes ---- */

static bool has_somebody(const struct cluster *c)
{
    for (uint32_t i = 0; i < c->endpoint_count; i++)
        if (balancer_may_keep(c->endpoints[i]))
            return true;
    return false;
}

/* A share of weight 0 keeps the clients that it has, as long as their endpoints are there. Whoever
 * has lost its endpoint stays with its share, which is a version as a rule. */
static bool keeps(struct exchange *ex, const struct backend_conf *b)
{
    const struct persistence_token *token = &ex->persistence->token;
    if (!b->cluster || persistence_cluster(b->cluster) != token->cluster)
        return false;
    struct cluster *c = cluster_of(&ex->worker->clusters, b->cluster);
    return persistence_endpoint(token, c) || (b->weight && has_somebody(c));
}

const struct backend_conf *exchange_persistent_backend(struct exchange *ex)
{
    const struct route_conf *r = ex->route;
    read_token(ex);
    for (uint16_t i = 0; ex->persistence->has_token && i < r->backend_count; i++)
        if (keeps(ex, &r->backends[i]))
            return &r->backends[i];
    return NULL;
}

struct endpoint *exchange_persistent_endpoint(struct exchange *ex)
{
    const struct exchange_persistence *kept = ex->persistence;
    if (!kept || !kept->has_token || !ex->up.cluster)
        return NULL;
    struct endpoint *e = persistence_endpoint(&kept->token, ex->up.cluster);
    for (unsigned i = 0; e && i < ex->up.tried_count; i++)
        if (ex->up.tried[i] == e)
            return NULL;
    return e;
}

/* ---- what it is to keep ---- */

/* Lax: a link from elsewhere leads to the same endpoint. */
static struct slice make_cookie(struct exchange *ex, struct slice text, uint32_t left_s)
{
    const struct route_conf *r = ex->route;
    const char *secure = ex->session->info.is_tls ? "; Secure" : "";
    if (!r->persistence->is_permanent)
        return arena_printf(&ex->arena, "%.*s=%.*s; Path=/; HttpOnly; SameSite=Lax%s",
                            SLICE_ARG(r->persistence_name), SLICE_ARG(text), secure);
    return arena_printf(&ex->arena, "%.*s=%.*s; Path=/; Max-Age=%u; HttpOnly; SameSite=Lax%s",
                        SLICE_ARG(r->persistence_name), SLICE_ARG(text), left_s, secure);
}

/* It was another endpoint's, which is still there: one request went elsewhere, and the next comes
 * back. */
static bool is_detour(struct exchange *ex)
{
    const struct exchange_persistence *kept = ex->persistence;
    return kept->has_token && persistence_endpoint(&kept->token, ex->up.cluster);
}

static void hand_out(struct exchange *ex, const struct persistence_token *token)
{
    const struct persistence_conf *p = ex->route->persistence;
    struct headers *h = &ex->response->headers;
    uint32_t age_s = ex->persistence->now_s - token->created_s;
    struct slice text = persistence_seal(&ex->arena, ex->route, token);
    if (p->is_header)
        headers_set(h, ex->route->persistence_name, text);
    else
        headers_add_id(h, HEADER_SET_COOKIE,
                       make_cookie(ex, text, p->absolute_s > age_s ? p->absolute_s - age_s : 0));
}

void exchange_persist(struct exchange *ex)
{
    const struct exchange_persistence *kept = ex->persistence;
    struct persistence_token token = {.endpoint = ex->up.endpoint->conf->address_hash,
                                      .cluster = persistence_cluster(ex->up.cluster->conf),
                                      .created_s = kept->now_s,
                                      .used_s = kept->now_s};
    bool is_same = kept->has_token && token.endpoint == kept->token.endpoint &&
                   token.cluster == kept->token.cluster;
    if (!is_same && is_detour(ex))
        return;
    /* A session that may not be unused for long says when it was used last. */
    if (is_same && (!ex->route->persistence->idle_s || kept->token.used_s >= kept->now_s))
        return;
    if (is_same)
        token.created_s = kept->token.created_s;
    hand_out(ex, &token);
}
