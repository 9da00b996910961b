/* oidc, the usual request: has it a session, and what is the backend told of the user?
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/oidc/oidc_answer.h"

#include <string.h>

/* ---- without a session ---- */

static bool accepts_html(const struct headers *h)
{
    for (uint32_t i = 0; i < h->count; i++) {
        struct slice rest = h->items[i].value, type;
        while (h->items[i].id == HEADER_ACCEPT && slice_split(&rest, ',', &type)) {
            type = slice_trim(slice_sub(type, 0, slice_find_byte(type, ';')));
            if (slice_eq_nocase(type, SLICE("text/html")))
                return true;
        }
    }
    return false;
}

/* A user who looks at the address bar: scripts could not follow a redirect to another site, and
 * what they ask for is no place to come back to. Old browsers do not say (Fetch Metadata). */
static bool is_navigation(const struct message *m)
{
    const struct header *mode = headers_find(&m->headers, SLICE("sec-fetch-mode"));
    const struct header *script = headers_find(&m->headers, SLICE("x-requested-with"));
    bool is_get = slice_eq_cstr(m->method, "GET") || slice_eq_cstr(m->method, "HEAD");
    return is_get && !m->upgrade.len && !script && accepts_html(&m->headers) &&
           (!mode || slice_eq(mode->value, SLICE("navigate")));
}

enum filter_verdict oidc_guard_stop(struct filter_exchange *x, const struct oidc_conf *c,
                                    struct oidc_run *run)
{
    if (c->redirects && is_navigation(x->request)) {
        run->step = OIDC_STEP_LOGIN;
        return oidc_login_begin(x, c, run);
    }
    return oidc_answer_fail(x, c, run, OIDC_FAIL_LOGIN_REQUIRED, (struct slice){0});
}

/* ---- with one ---- */

static const struct consumer *find_consumer(struct filter_exchange *x, const struct oidc_conf *c,
                                            const struct claims *claims)
{
    struct slice name = doc_string(claims_find(claims->all, c->consumer_claim));
    return name.len ? consumer_find_named(x->consumers, &c->scope, name) : NULL;
}

static void set_caller(struct filter_exchange *x, const struct consumer *consumer,
                       const struct claims *claims)
{
    if (consumer)
        consumer_accept_named(x, "oidc", consumer);
    else
        filter_caller_set(x, "oidc");
    /* In the exchange's arena, and ours: nobody else has seen it yet. */
    struct filter_caller *caller = (struct filter_caller *)(uintptr_t)x->caller;
    caller->issuer = claims->issuer;
    caller->subject = claims->subject;
    caller->principal = arena_printf(x->arena, "%.*s/%.*s", SLICE_ARG(claims->issuer),
                                     SLICE_ARG(claims->subject));
    caller->claims = claims->all;
}

static void tell_backend(struct filter_exchange *x, const struct oidc_conf *c,
                         const struct oidc_run *run)
{
    struct headers *h = &x->request->headers;
    for (size_t i = 0; i < c->header_count; i++) {
        const struct doc *claim = claims_find(run->claims.all, c->headers[i].claim);
        struct slice text = claims_value_text(claim, x->arena);
        if (text.len)
            headers_add(h, c->headers[i].header, text);
    }
    if (c->id_token_header.len)
        headers_add(h, c->id_token_header, run->session.id_token)->never_index = true;
    if (c->forward)
        headers_set_id(h, HEADER_AUTHORIZATION,
                       arena_printf(x->arena, "Bearer %.*s",
                                    SLICE_ARG(run->session.access_token)));
}

/* In a cookie of its own, which holds no tokens: one that comes late replaces nothing newer. */
static void note_use(struct filter_exchange *x, const struct oidc_conf *c, struct oidc_run *run)
{
    struct oidc_seen seen;
    int64_t now_ms = x->host->unix_ms(x);
    if (c->idle_ms && oidc_jar_seen(x->arena, c, &run->jar, &seen) &&
        now_ms - seen.at_ms >= c->idle_ms / 10)
        oidc_jar_set_seen(x->arena, c, &run->jar, &run->session, now_ms);
}

enum filter_verdict oidc_guard_pass(struct filter_exchange *x, const struct oidc_conf *c,
                                    struct oidc_run *run)
{
    const struct consumer *consumer =
        c->consumer_claim.len ? find_consumer(x, c, &run->claims) : NULL;
    for (size_t i = 0; i < c->rule_count; i++)
        if (!jwt_check_rule(&c->rules[i], run->claims.all))
            return oidc_answer_fail(x, c, run, OIDC_FAIL_CLAIM, c->rules[i].claim);
    if (c->consumer_claim.len && !consumer && !c->consumer_is_optional)
        return oidc_answer_fail(x, c, run, OIDC_FAIL_CONSUMER, (struct slice){0});
    set_caller(x, consumer, &run->claims);
    tell_backend(x, c, run);
    note_use(x, c, run);
    oidc_answer_count(x, OIDC_EVENT_ACCEPTED);
    run->step = OIDC_STEP_OVER;
    return FILTER_NEXT;
}

/* ---- is there one? ---- */

static bool is_in_use(struct filter_exchange *x, const struct oidc_conf *c,
                      const struct oidc_run *run, int64_t now_ms)
{
    struct oidc_seen seen;
    return !c->idle_ms || (oidc_jar_seen(x->arena, c, &run->jar, &seen) &&
                           memcmp(seen.id, run->session.id, OIDC_ID_SIZE) == 0 &&
                           now_ms - seen.at_ms < c->idle_ms);
}

/* A minute before its tokens expire, or when a fifth of their time is left. */
static bool is_due(const struct oidc_conf *c, const struct oidc_session *s, int64_t now_ms)
{
    enum { AHEAD_MS = 60000, PART = 5 };
    int64_t part_ms = (s->expires_ms - s->renewed_ms) / PART;
    int64_t ahead_ms = part_ms < AHEAD_MS ? part_ms : AHEAD_MS;
    return c->refreshes && s->refresh_token.len && now_ms >= s->expires_ms - ahead_ms;
}

enum filter_verdict oidc_guard(struct filter_exchange *x, const struct oidc_conf *c,
                               struct oidc_run *run)
{
    struct oidc_session *s = &run->session;
    int64_t now_ms = x->host->unix_ms(x);
    bool is_there = oidc_jar_session(x->arena, c, &run->jar, s) &&
                    now_ms < s->begun_ms + c->lifetime_ms && is_in_use(x, c, run, now_ms) &&
                    (!c->forward || s->access_token.len) &&
                    oidc_tokens_claims(x->arena, s->id_token, &run->claims);
    if (!is_there)
        return oidc_guard_stop(x, c, run);
    if (is_due(c, s, now_ms)) {
        run->step = OIDC_STEP_REFRESH;
        return oidc_refresh(x, c, run);
    }
    return now_ms < s->expires_ms ? oidc_guard_pass(x, c, run) : oidc_guard_stop(x, c, run);
}
