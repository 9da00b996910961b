/* oidc, new tokens for a session (RFC 6749 §6). A refresh token is mostly good once, and browsers
 * send many requests with one cookie: of those, one asks, and the answer is kept for the others for
 * a moment.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/oidc/oidc_answer.h"
#include "filters/token/introspection.h"

enum { POLL_MS = 5, KEPT_MS = 60000, REFUSED_MS = 10000, FAILED_MS = 5000 };

/* ---- what becomes of the session ---- */

static bool is_good_still(struct filter_exchange *x, const struct oidc_run *run)
{
    return x->host->unix_ms(x) < run->session.expires_ms;
}

static enum filter_verdict go_on(struct filter_exchange *x, const struct oidc_conf *c,
                                 struct oidc_run *run, struct slice why)
{
    if (is_good_still(x, run))
        return oidc_guard_pass(x, c, run);
    return oidc_answer_fail(x, c, run, OIDC_FAIL_PROVIDER, why);
}

/* The provider has ended it. */
static enum filter_verdict end(struct filter_exchange *x, const struct oidc_conf *c,
                               struct oidc_run *run)
{
    oidc_jar_drop_session(x->arena, c, &run->jar);
    return oidc_guard_stop(x, c, run);
}

/* What the answer does not have stays as it was. at_ms: when it came, which for those who find it
 * kept is a while ago. */
static enum filter_verdict renew(struct filter_exchange *x, const struct oidc_conf *c,
                                 struct oidc_run *run, const struct oidc_tokens *t, int64_t at_ms)
{
    struct oidc_session *s = &run->session;
    if (t->id.len) {
        s->id_token = t->id;
        if (!oidc_tokens_claims(x->arena, t->id, &run->claims))
            return end(x, c, run);
    }
    if (t->lifetime_ms >= 0)
        s->expires_ms = at_ms + t->lifetime_ms;
    else
        s->expires_ms = t->id.len ? run->claims.expires_ms
                                  : at_ms + (s->expires_ms - s->renewed_ms);
    s->renewed_ms = at_ms;
    s->access_token = c->forward ? t->access : SLICE("");
    s->refresh_token = t->refresh.len ? t->refresh : s->refresh_token;
    if (!oidc_jar_set_session(x->arena, c, &run->jar, s, x->host->unix_ms(x)))
        return oidc_answer_fail(x, c, run, OIDC_FAIL_TOO_LARGE, (struct slice){0});
    oidc_answer_count(x, OIDC_EVENT_REFRESHED);
    return oidc_guard_pass(x, c, run);
}

/* What is kept: when it came, and the answer itself. */
static struct slice keep(struct filter_exchange *x, struct slice answer)
{
    return arena_printf(x->arena, "%lld %.*s", (long long)x->host->unix_ms(x), SLICE_ARG(answer));
}

static bool read_kept(struct arena *arena, struct slice kept, struct oidc_tokens *tokens,
                      int64_t *at_ms)
{
    size_t space = slice_find_byte(kept, ' ');
    struct slice why;
    uint64_t at;
    if (slice_to_u64(slice_sub(kept, 0, space), &at))
        return false;
    *at_ms = (int64_t)at;
    return oidc_tokens_read_body(arena, slice_sub(kept, space + 1, kept.len), tokens, &why) ==
           OIDC_TOLD_TOKENS;
}

static enum filter_verdict judge(struct filter_exchange *x, const struct oidc_conf *c,
                                 struct oidc_run *run, const struct introspection_found *found)
{
    struct oidc_tokens tokens;
    int64_t at_ms;
    if (found->kind == INTROSPECTION_FAILED)
        return go_on(x, c, run, found->why);
    if (found->kind == INTROSPECTION_INACTIVE ||
        !read_kept(x->arena, found->body, &tokens, &at_ms))
        return end(x, c, run);
    return renew(x, c, run, &tokens, at_ms);
}

/* ---- asking ---- */

static void land(const struct oidc_conf *c, struct oidc_run *run)
{
    if (run->has_turn)
        introspection_cache_land(&c->keep->refreshed, run->digest);
    run->has_turn = false;
}

void oidc_refresh_end(const struct oidc_conf *c, struct oidc_run *run)
{
    land(c, run);
}

static enum filter_verdict finish(struct filter_exchange *x, const struct oidc_conf *c,
                                  struct oidc_run *run, struct introspection_found found)
{
    static const uint32_t kept_ms[] = {[INTROSPECTION_ACTIVE] = KEPT_MS,
                                       [INTROSPECTION_INACTIVE] = REFUSED_MS,
                                       [INTROSPECTION_FAILED] = FAILED_MS};
    introspection_cache_put(&c->keep->refreshed, run->digest, &found, x->host->now_ms(x),
                            kept_ms[found.kind]);
    land(c, run);
    return judge(x, c, run, &found);
}

static enum filter_verdict fail(struct filter_exchange *x, const struct oidc_conf *c,
                                struct oidc_run *run)
{
    return finish(x, c, run,
                  (struct introspection_found){.kind = INTROSPECTION_FAILED,
                                               .why = SLICE("its tokens cannot be refreshed")});
}

/* OpenID Connect Core 1.0 §12.2: the same user, and the nonce of the login or none. */
static bool is_same_user(const struct claims *was, const struct claims *is)
{
    const struct doc *nonce = doc_get(is->all, SLICE("nonce"));
    struct slice before = doc_string(doc_get(was->all, SLICE("nonce")));
    return slice_eq(was->subject, is->subject) &&
           (!nonce || slice_eq(doc_string(nonce), before));
}

static enum filter_verdict take_answer(struct filter_exchange *x, const struct oidc_conf *c,
                                       struct oidc_run *run, const struct oidc_provider *p)
{
    struct oidc_tokens tokens;
    struct claims claims;
    struct slice detail;
    const char *why;
    enum oidc_told told = oidc_tokens_read(x->arena, &run->call, &tokens, &detail);
    if (told == OIDC_TOLD_REFUSED)
        return finish(x, c, run,
                      (struct introspection_found){.kind = INTROSPECTION_INACTIVE});
    if (told != OIDC_TOLD_TOKENS)
        return fail(x, c, run);
    if (tokens.id.len) {
        enum oidc_check check =
            oidc_tokens_check(x, c, p, &run->keys_wait, &tokens, SLICE(""), &claims, &why);
        if (check == OIDC_CHECK_WAIT)
            return FILTER_WAIT;
        if (check != OIDC_CHECK_GOOD || !is_same_user(&run->claims, &claims))
            return fail(x, c, run);
    }
    return finish(x, c, run,
                  (struct introspection_found){.kind = INTROSPECTION_ACTIVE,
                                               .body = keep(x, run->call.response_body)});
}

/* FILTER_NEXT: it is for this request to ask. */
static enum filter_verdict queue(struct filter_exchange *x, const struct oidc_conf *c,
                                 struct oidc_run *run)
{
    struct introspection_found found;
    uint64_t now_ms = x->host->now_ms(x);
    if (!run->waits_since_ms) {
        /* A refresh token that stays the same is asked about once for each time that it is due. */
        digest_sha256(arena_printf(x->arena, "%.*s%lld %.*s", SLICE_ARG(c->salt),
                                   (long long)run->session.renewed_ms,
                                   SLICE_ARG(run->session.refresh_token)),
                      run->digest);
        run->waits_since_ms = UINT64_MAX;
    }
    if (introspection_cache_find(&c->keep->refreshed, run->digest, now_ms, run->waits_since_ms,
                                 x->arena, &found))
        return judge(x, c, run, &found);
    enum introspection_turn turn = introspection_cache_take(&c->keep->refreshed, run->digest);
    if (turn == INTROSPECTION_THEIRS && is_good_still(x, run))
        return oidc_guard_pass(x, c, run);
    if (turn == INTROSPECTION_THEIRS) {
        if (run->waits_since_ms == UINT64_MAX)
            run->waits_since_ms = now_ms;
        x->host->wake_after(x, POLL_MS);
        return FILTER_WAIT;
    }
    run->has_turn = turn == INTROSPECTION_MINE;
    run->asks = true;
    return FILTER_NEXT;
}

enum filter_verdict oidc_refresh(struct filter_exchange *x, const struct oidc_conf *c,
                                 struct oidc_run *run)
{
    struct oidc_provider p;
    const char *why;
    if (run->call.request && !run->call.is_done)
        return FILTER_WAIT;
    enum filter_verdict verdict = run->asks ? FILTER_NEXT : queue(x, c, run);
    if (verdict != FILTER_NEXT || !run->asks)
        return verdict;
    enum published_state state = oidc_provider_find(x, c, &run->provider_wait, &p, &why);
    if (state == PUBLISHED_WAIT)
        return FILTER_WAIT;
    if (state == PUBLISHED_NONE)
        return fail(x, c, run);
    if (!run->call.request)
        oidc_tokens_ask(x, c, &p, &run->call,
                        arena_printf(x->arena, "grant_type=refresh_token&refresh_token=%.*s",
                                     SLICE_ARG(introspection_encode(
                                         x->arena, run->session.refresh_token))));
    return run->call.is_done ? take_answer(x, c, run, &p) : FILTER_WAIT;
}
