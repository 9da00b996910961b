/* oidc, the way back from the provider (OpenID Connect Core 1.0 §3.1.2.5, RFC 9207): is this the
 * browser that has begun the login, and what is its code worth?
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/credential_query.h"
#include "filters/oidc/oidc_answer.h"
#include "filters/token/introspection.h"
#include "lib/base/rand.h"

enum { CODE_MAX = 4096 };

/* ---- what the browser brings ---- */

struct params {
    struct slice code, state, error, issuer; /* empty: it is not there */
};

/* False: one is there twice. */
static bool take(const struct filter_exchange *x, const char *name, struct slice *out)
{
    struct credential_query found = {0};
    struct slice text = slice_from_cstr(name);
    credential_query_find(x->arena, x->request->path, &text, 1, &found);
    *out = found.value;
    return found.count <= 1;
}

static bool read_params(const struct filter_exchange *x, struct params *p)
{
    bool is_good = take(x, "code", &p->code);
    is_good &= take(x, "state", &p->state);
    is_good &= take(x, "error", &p->error);
    is_good &= take(x, "iss", &p->issuer);
    return is_good && p->state.len > OIDC_STATE_NAMED && p->code.len <= CODE_MAX &&
           (p->code.len != 0) != (p->error.len != 0);
}

/* What it says to the user is the provider's business; what is logged is one of its words. */
static enum filter_verdict refuse_error(struct filter_exchange *x, const struct oidc_conf *c,
                                        struct oidc_run *run, struct slice error)
{
    static const char *const ours[] = {"server_error", "temporarily_unavailable",
                                       "invalid_request", "unauthorized_client",
                                       "unsupported_response_type", "invalid_scope"};
    static const char *const users[] = {"access_denied", "login_required", "interaction_required",
                                        "consent_required", "account_selection_required"};
    oidc_jar_drop_login(x->arena, c, &run->jar, run->login.state);
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
        if (slice_eq_cstr(error, ours[i]))
            return oidc_answer_fail(x, c, run, OIDC_FAIL_NONSENSE, slice_from_cstr(ours[i]));
    for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++)
        if (slice_eq_cstr(error, users[i]))
            return oidc_answer_fail(x, c, run, OIDC_FAIL_DENIED, slice_from_cstr(users[i]));
    return oidc_answer_fail(x, c, run, OIDC_FAIL_DENIED, SLICE("another error"));
}

/* RFC 9207 §2.4: an answer of another provider is not for us. */
static bool is_its_issuer(const struct oidc_conf *c, const struct oidc_provider *p,
                          struct slice issuer)
{
    return issuer.len ? slice_eq(issuer, c->issuer) : !p->says_issuer;
}

/* ---- what the code is worth ---- */

static void ask(struct filter_exchange *x, const struct oidc_conf *c, struct oidc_run *run,
                const struct oidc_provider *p, struct slice code)
{
    struct slice back = arena_printf(x->arena, "%.*s%.*s", SLICE_ARG(oidc_answer_origin(x, c)),
                                     SLICE_ARG(c->redirect_path));
    struct slice form = arena_printf(
        x->arena, "grant_type=authorization_code&code=%.*s&redirect_uri=%.*s&code_verifier=%.*s",
        SLICE_ARG(introspection_encode(x->arena, code)),
        SLICE_ARG(introspection_encode(x->arena, back)), SLICE_ARG(run->login.verifier));
    oidc_tokens_ask(x, c, p, &run->call, form);
}

static enum filter_verdict begin_session(struct filter_exchange *x, const struct oidc_conf *c,
                                         struct oidc_run *run, const struct oidc_tokens *tokens,
                                         const struct claims *claims)
{
    int64_t now_ms = x->host->unix_ms(x);
    struct oidc_session *s = &run->session;
    *s = (struct oidc_session){
        .begun_ms = now_ms,
        .renewed_ms = now_ms,
        .expires_ms = tokens->lifetime_ms >= 0 ? now_ms + tokens->lifetime_ms
                                               : claims->expires_ms,
        .id_token = tokens->id,
        .access_token = c->forward ? tokens->access : SLICE(""),
        .refresh_token = c->refreshes ? tokens->refresh : SLICE("")};
    rand_secure(s->id, OIDC_ID_SIZE);
    if (!oidc_jar_set_session(x->arena, c, &run->jar, s, now_ms))
        return oidc_answer_fail(x, c, run, OIDC_FAIL_TOO_LARGE, (struct slice){0});
    if (c->idle_ms)
        oidc_jar_set_seen(x->arena, c, &run->jar, s, now_ms);
    oidc_answer_count(x, OIDC_EVENT_LOGGED_IN);
    /* Absolute: a path that begins with // stays one of this host. */
    struct slice to = arena_printf(x->arena, "%.*s%.*s", SLICE_ARG(oidc_answer_origin(x, c)),
                                   SLICE_ARG(run->login.path));
    return c->same_site == OIDC_SAME_SITE_STRICT ? oidc_answer_page(x, run, to)
                                                 : oidc_answer_redirect(x, run, to);
}

static enum filter_verdict judge(struct filter_exchange *x, const struct oidc_conf *c,
                                 struct oidc_run *run, const struct oidc_provider *p)
{
    static const enum oidc_fail fails[] = {[OIDC_TOLD_REFUSED] = OIDC_FAIL_CODE,
                                           [OIDC_TOLD_NONSENSE] = OIDC_FAIL_NONSENSE,
                                           [OIDC_TOLD_NOTHING] = OIDC_FAIL_PROVIDER};
    struct oidc_tokens tokens;
    struct claims claims;
    struct slice detail;
    const char *why;
    enum oidc_told told = oidc_tokens_read(x->arena, &run->call, &tokens, &detail);
    if (told == OIDC_TOLD_TOKENS) {
        enum oidc_check check = oidc_tokens_check(x, c, p, &run->keys_wait, &tokens,
                                                  run->login.nonce, &claims, &why);
        if (check == OIDC_CHECK_WAIT)
            return FILTER_WAIT;
        oidc_jar_drop_login(x->arena, c, &run->jar, run->login.state);
        if (check == OIDC_CHECK_GOOD)
            return begin_session(x, c, run, &tokens, &claims);
        return check == OIDC_CHECK_BAD
                   ? oidc_answer_fail(x, c, run, OIDC_FAIL_ID_TOKEN, slice_from_cstr(why))
                   : oidc_answer_fail(x, c, run, OIDC_FAIL_PROVIDER,
                                      SLICE("its keys cannot be fetched"));
    }
    if (told != OIDC_TOLD_NOTHING) /* else the browser may try again */
        oidc_jar_drop_login(x->arena, c, &run->jar, run->login.state);
    return oidc_answer_fail(x, c, run, fails[told], detail);
}

/* ---- the whole ---- */

/* Is this the answer to a login of this browser? FILTER_NEXT: it is. */
static enum filter_verdict admit(struct filter_exchange *x, const struct oidc_conf *c,
                                 struct oidc_run *run, struct params *p)
{
    if (!slice_eq_cstr(x->request->method, "GET") || !read_params(x, p))
        return oidc_answer_fail(x, c, run, OIDC_FAIL_CALLBACK, (struct slice){0});
    bool is_its = oidc_jar_login(x->arena, c, &run->jar, p->state, &run->login);
    if (!is_its || x->host->unix_ms(x) - run->login.begun_ms >= c->login_ms)
        return oidc_answer_fail(x, c, run, OIDC_FAIL_STATE, (struct slice){0});
    return FILTER_NEXT;
}

enum filter_verdict oidc_callback(struct filter_exchange *x, const struct oidc_conf *c,
                                  struct oidc_run *run)
{
    struct params params = {0};
    struct oidc_provider p;
    const char *why;
    if (run->call.request && !run->call.is_done)
        return FILTER_WAIT;
    enum filter_verdict verdict = admit(x, c, run, &params);
    if (verdict != FILTER_NEXT)
        return verdict;
    enum published_state state = oidc_provider_find(x, c, &run->provider_wait, &p, &why);
    if (state == PUBLISHED_WAIT)
        return FILTER_WAIT;
    if (state == PUBLISHED_NONE)
        return oidc_answer_fail(x, c, run, OIDC_FAIL_PROVIDER, slice_from_cstr(why));
    if (!is_its_issuer(c, &p, params.issuer))
        return oidc_answer_fail(x, c, run, OIDC_FAIL_STATE, SLICE("it is of another issuer"));
    if (params.error.len)
        return refuse_error(x, c, run, params.error);
    if (!run->call.request)
        ask(x, c, run, &p, params.code);
    return run->call.is_done ? judge(x, c, run, &p) : FILTER_WAIT;
}
