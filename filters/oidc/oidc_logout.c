/* oidc, logging out: here, and at the provider (OpenID Connect RP-Initiated Logout 1.0).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/oidc/oidc_answer.h"
#include "filters/token/introspection.h"

/* Empty: nowhere. */
static struct slice place_after(struct filter_exchange *x, const struct oidc_conf *c)
{
    if (!slice_starts_with(c->post_logout, SLICE("/")))
        return c->post_logout;
    return arena_printf(x->arena, "%.*s%.*s", SLICE_ARG(oidc_answer_origin(x, c)),
                        SLICE_ARG(c->post_logout));
}

static struct slice request_of(struct filter_exchange *x, const struct oidc_conf *c,
                               const struct oidc_run *run, struct slice end_session,
                               struct slice after)
{
    struct slice query = arena_printf(
        x->arena, "client_id=%.*s", SLICE_ARG(introspection_encode(x->arena, c->client_id)));
    if (run->session.id_token.len)
        query = arena_printf(x->arena, "id_token_hint=%.*s&%.*s",
                             SLICE_ARG(run->session.id_token), SLICE_ARG(query));
    if (after.len)
        query = arena_printf(x->arena, "%.*s&post_logout_redirect_uri=%.*s", SLICE_ARG(query),
                             SLICE_ARG(introspection_encode(x->arena, after)));
    return oidc_answer_query(x->arena, end_session, query);
}

/* The session ends here whether the provider can be asked or not. */
enum filter_verdict oidc_logout(struct filter_exchange *x, const struct oidc_conf *c,
                                struct oidc_run *run)
{
    struct oidc_provider p;
    const char *why;
    enum published_state state = oidc_provider_find(x, c, &run->provider_wait, &p, &why);
    if (state == PUBLISHED_WAIT)
        return FILTER_WAIT;
    struct slice after = place_after(x, c);
    if (!oidc_jar_session(x->arena, c, &run->jar, &run->session))
        run->session = (struct oidc_session){0};
    oidc_jar_drop_session(x->arena, c, &run->jar);
    oidc_jar_drop_logins(x->arena, c, &run->jar);
    oidc_answer_count(x, OIDC_EVENT_LOGGED_OUT);
    if (p.end_session.len)
        return oidc_answer_redirect(x, run, request_of(x, c, run, p.end_session, after));
    return after.len ? oidc_answer_redirect(x, run, after)
                     : oidc_answer_text(x, run, SLICE("You are logged out.\n"));
}
