/* oidc: browsers log in at an OpenID provider (OpenID Connect Core 1.0, authorization code flow
 * with PKCE). Sessions lie in encrypted cookies, so gateways need no store; the steps of a login
 * are in filters/oidc.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/oidc/oidc_answer.h"
#include "filters/strip.h"

/* ---- hooks ---- */

/* What only we may tell the backend. */
static void strip(struct filter_exchange *x, const struct oidc_conf *c)
{
    for (size_t i = 0; i < c->header_count; i++)
        strip_header(x, c->headers[i].header);
    if (c->id_token_header.len)
        strip_header(x, c->id_token_header);
    if (c->forward)
        strip_header(x, SLICE("authorization"));
    if (!x->caller)
        consumer_headers_drop(x);
}

/* A path that may mean another one is none of ours, and needs a session as all others do. */
static enum oidc_step first_step(struct filter_exchange *x, const struct oidc_conf *c)
{
    static const struct slice secrets[] = {{"code", 4}, {"state", 5}};
    if (slice_eq(x->match_path, c->logout_path))
        return OIDC_STEP_LOGOUT;
    if (!slice_eq(x->match_path, c->redirect_path))
        return OIDC_STEP_GUARD;
    strip_logged_query(x, secrets, sizeof(secrets) / sizeof(*secrets));
    return OIDC_STEP_CALLBACK;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct oidc_conf *c = conf;
    struct oidc_run *run = ctx;
    if (run->step == OIDC_STEP_BEGIN) {
        strip(x, c);
        oidc_jar_read(x, c, &run->jar);
        run->step = first_step(x, c);
    }
    switch (run->step) {
    case OIDC_STEP_CALLBACK:
        return oidc_callback(x, c, run);
    case OIDC_STEP_LOGOUT:
        return oidc_logout(x, c, run);
    case OIDC_STEP_LOGIN:
        return oidc_login_begin(x, c, run);
    case OIDC_STEP_REFRESH:
        return oidc_refresh(x, c, run);
    case OIDC_STEP_BEGIN:
    case OIDC_STEP_GUARD:
        return oidc_guard(x, c, run);
    case OIDC_STEP_OVER:
        break;
    }
    return FILTER_NEXT;
}

/* Cookies of a session that was refreshed, or used. */
static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    struct oidc_run *run = ctx;
    (void)conf;
    oidc_jar_hand_out(&run->jar, x->response);
    return FILTER_NEXT;
}

static void on_end(struct filter_exchange *x, const void *conf, void *ctx)
{
    (void)x;
    oidc_refresh_end(conf, ctx);
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct oidc_conf *c = conf;
    (void)prefix;
    return arena_printf(arena, "wants a session, and %s who has none; %.*s logs in, %.*s ends it",
                        c->redirects ? "redirects browsers" : "refuses", SLICE_ARG(c->issuer),
                        SLICE_ARG(c->logout_path));
}

const struct filter filter_oidc = {
    .name = "oidc",
    .doc = "Logs browsers in at an OpenID provider, and keeps the session in encrypted cookies.",
    .phase = FILTER_PHASE_AUTHENTICATE,
    .spec = &oidc_schema,
    .conf_size = sizeof(struct oidc_conf),
    .ctx_size = sizeof(struct oidc_run),
    .prepare = oidc_prepare,
    .on_request = on_request,
    .on_response = on_response,
    .on_end = on_end,
    .describe = describe,
    .events = oidc_events,
    .fails = oidc_fails,
    .fail_count = OIDC_FAIL_COUNT,
};
