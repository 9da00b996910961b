/* jwt: who a request is from says a signed token (RFC 7519) that it carries as a bearer (RFC 6750).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/jwt.h"

#include "filters/strip.h"
#include "filters/token/jwt_answer.h"
#include "filters/token/jwt_cache.h"

struct ctx {
    struct jwt_verified *held; /* the claims, for as long as the exchange lasts */
    struct published_wait wait;
};

/* ---- what the backend is told ---- */

/* A client says nothing under these names, whatever becomes of its token. */
static void drop_headers(struct filter_exchange *x, const struct jwt_conf *c)
{
    for (size_t i = 0; i < c->provider_count; i++)
        for (size_t j = 0; j < c->providers[i].header_count; j++)
            strip_header(x, c->providers[i].headers[j].header);
}

static void tell_backend(struct filter_exchange *x, const struct jwt_verified *v)
{
    const struct jwt_provider *p = v->provider;
    for (size_t i = 0; i < p->header_count; i++)
        if (v->headers[i].len)
            headers_add(&x->request->headers, p->headers[i].header,
                        arena_copy(x->arena, v->headers[i]));
    for (size_t i = 0; !p->forward && i < p->places.count; i++)
        jwt_place_clear(x, &p->places.items[i]);
}

static void set_caller(struct filter_exchange *x, const struct jwt_verified *v,
                       const struct consumer_credential *credential)
{
    if (credential)
        consumer_accept(x, filter_jwt.name, credential);
    else
        filter_caller_set(x, filter_jwt.name);
    /* In the exchange's arena, and ours: nobody else has seen it yet. */
    struct filter_caller *caller = (struct filter_caller *)(uintptr_t)x->caller;
    caller->issuer = arena_copy(x->arena, v->claims.issuer);
    caller->subject = arena_copy(x->arena, v->claims.subject);
    caller->principal = arena_copy(x->arena, v->principal);
    caller->claims = v->claims.all;
}

/* ---- hooks ---- */

static bool is_excluded(const struct filter_exchange *x, const struct jwt_conf *c)
{
    if (!c->runs_on_preflight && slice_eq_cstr(x->request->method, "OPTIONS"))
        return true;
    for (size_t i = 0; i < c->excluded_paths.count; i++)
        if (slice_eq(x->match_path, c->excluded_paths.items[i]))
            return !x->other_paths; /* what may mean another path is not excluded */
    return false;
}

static enum filter_verdict take(struct filter_exchange *x, const struct jwt_conf *c,
                                struct ctx *own, const struct jwt_token *token)
{
    struct jwt_result r = jwt_check(x, c, token, &own->wait);
    if (r.outcome == JWT_WAIT)
        return FILTER_WAIT;
    if (r.outcome != JWT_GOOD)
        return jwt_answer_refuse(x, c, &r);
    own->held = r.verified;
    set_caller(x, r.verified, r.credential);
    tell_backend(x, r.verified);
    return FILTER_NEXT;
}

static void strip(struct filter_exchange *x, const void *conf)
{
    drop_headers(x, conf);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct jwt_conf *c = conf;
    struct jwt_token token;
    enum jwt_found found = jwt_place_search(x, &c->places, &token);
    drop_headers(x, c);
    jwt_place_hide(x, &c->places);
    if (!x->caller)
        consumer_headers_drop(x);
    if (is_excluded(x, c))
        return FILTER_NEXT;
    switch (found) {
    case JWT_FOUND_ONE:
        return take(x, c, ctx, &token);
    case JWT_FOUND_SEVERAL:
        return jwt_answer_several(x, c);
    case JWT_FOUND_NONE:
        break;
    }
    return c->is_optional ? FILTER_NEXT : jwt_answer_missing(x, c);
}

static void on_end(struct filter_exchange *x, const void *conf, void *ctx)
{
    struct ctx *own = ctx;
    (void)x;
    (void)conf;
    jwt_verified_unref(own->held);
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct jwt_conf *c = conf;
    struct slice all = {0};
    (void)prefix;
    for (size_t i = 0; i < c->provider_count; i++)
        all = arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(all), i ? " or " : "",
                           SLICE_ARG(c->providers[i].is_of_consumers ? SLICE("a Consumer")
                                                                     : c->providers[i].issuer));
    return arena_printf(arena, "%s a token of %.*s", c->is_optional ? "checks" : "wants",
                        SLICE_ARG(all));
}

const struct filter filter_jwt = {
    .name = "jwt",
    .doc = "Requires a signed JSON Web Token (401 without a good one), and tells the backend what "
           "it says.",
    .phase = FILTER_PHASE_AUTHENTICATE,
    .spec = &jwt_schema,
    .conf_size = sizeof(struct jwt_conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = jwt_prepare,
    .on_request = on_request,
    .on_end = on_end,
    .strip = strip,
    .describe = describe,
    .fails = jwt_fails,
    .fail_count = JWT_FAIL_COUNT,
};
