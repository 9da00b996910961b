/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/oidc/oidc_answer.h"

#include <string.h>

extern const struct filter filter_oidc;

const char *const oidc_events[] = {
    [OIDC_EVENT_ACCEPTED] = "accepted",     [OIDC_EVENT_REFUSED] = "refused",
    [OIDC_EVENT_LOGIN] = "login",           [OIDC_EVENT_LOGGED_IN] = "logged_in",
    [OIDC_EVENT_REFRESHED] = "refreshed",   [OIDC_EVENT_LOGGED_OUT] = "logged_out",
    [OIDC_EVENT_ERROR] = "error",           NULL,
};

#define ROW(status_, grpc_, text_)                                     \
    .http_status = status_, .grpc_status = grpc_, .flag = FAIL_TEXT("UAEX"), \
    .text = FAIL_TEXT(text_), .is_public = true

const struct fail_info oidc_fails[OIDC_FAIL_COUNT] = {
    [OIDC_FAIL_LOGIN_REQUIRED] = {.label = FAIL_TEXT("oidc_login_required"),
                                  ROW(401, 16,
                                      "the request has no session: log in with a browser")},
    [OIDC_FAIL_CALLBACK] = {.label = FAIL_TEXT("oidc_callback_malformed"),
                            ROW(400, 3, "this is no answer of the identity provider")},
    [OIDC_FAIL_STATE] = {.label = FAIL_TEXT("oidc_state_unknown"),
                         ROW(403, 7, "this browser has not begun that login, or too long ago")},
    [OIDC_FAIL_DENIED] = {.label = FAIL_TEXT("oidc_login_denied"),
                          ROW(403, 7, "the identity provider has not let the user in")},
    [OIDC_FAIL_CODE] = {.label = FAIL_TEXT("oidc_code_refused"),
                        ROW(403, 7, "the login was used already, or took too long")},
    [OIDC_FAIL_ID_TOKEN] = {.label = FAIL_TEXT("oidc_id_token_invalid"),
                            ROW(403, 7, "the identity provider's token is not valid")},
    [OIDC_FAIL_PROVIDER] = {.label = FAIL_TEXT("oidc_provider_unavailable"),
                            ROW(503, 14, "the identity provider cannot be asked")},
    [OIDC_FAIL_NONSENSE] = {.label = FAIL_TEXT("oidc_provider_error"),
                            ROW(502, 14, "the identity provider's answer is of no use")},
    [OIDC_FAIL_TOO_LARGE] = {.label = FAIL_TEXT("oidc_session_too_large"),
                             ROW(502, 8, "the tokens of the session do not fit into cookies")},
    [OIDC_FAIL_CLAIM] = {.label = FAIL_TEXT("oidc_claim_missing"),
                         ROW(403, 7, "the user lacks a claim that is required here")},
    [OIDC_FAIL_CONSUMER] = {.label = FAIL_TEXT("oidc_consumer_unknown"),
                            ROW(403, 7, "the user is not a consumer")},
};

void oidc_answer_count(struct filter_exchange *x, enum oidc_event event)
{
    x->host->count(x, &filter_oidc, event);
}

static void seal(struct oidc_run *run, struct message *m)
{
    headers_set_id(&m->headers, HEADER_CACHE_CONTROL, SLICE("no-store"));
    oidc_jar_hand_out(&run->jar, m);
    run->step = OIDC_STEP_OVER;
}

enum filter_verdict oidc_answer_fail(struct filter_exchange *x, const struct oidc_conf *c,
                                     struct oidc_run *run, enum oidc_fail why, struct slice detail)
{
    const struct fail_info *info = &oidc_fails[why];
    struct message *m = x->host->fail(x, info, detail);
    oidc_answer_count(x, info->http_status >= 500 ? OIDC_EVENT_ERROR : OIDC_EVENT_REFUSED);
    if (info->http_status == 401)
        headers_add_id(&m->headers, HEADER_WWW_AUTHENTICATE,
                       arena_printf(x->arena, "Cookie cookie-name=\"%.*s\"",
                                    SLICE_ARG(c->cookie)));
    seal(run, m);
    return FILTER_REPLY;
}

/* What the provider sent along stays out of the Referer of what comes next. */
static struct message *reply(struct filter_exchange *x, unsigned status, struct slice body)
{
    struct message *m = x->host->reply(x, status, body);
    headers_add(&m->headers, SLICE("referrer-policy"), SLICE("no-referrer"));
    return m;
}

enum filter_verdict oidc_answer_redirect(struct filter_exchange *x, struct oidc_run *run,
                                         struct slice location)
{
    struct message *m = reply(x, 302, SLICE(""));
    headers_add_id(&m->headers, HEADER_LOCATION, location);
    seal(run, m);
    return FILTER_REPLY;
}

static struct slice escape(struct arena *arena, struct slice text)
{
    enum { LONGEST = 5 };
    char *to = arena_alloc(arena, text.len * LONGEST + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        const char *as = c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;"
                       : c == '"' ? "&#34;" : c == '\'' ? "&#39;" : NULL;
        size_t n = as ? strlen(as) : 1;
        memcpy(to + len, as ? as : &c, n);
        len += n;
    }
    return slice_of(to, len);
}

enum filter_verdict oidc_answer_page(struct filter_exchange *x, struct oidc_run *run,
                                     struct slice location)
{
    struct slice to = escape(x->arena, location);
    struct slice body = arena_printf(x->arena,
                                     "<!DOCTYPE html><html><head><meta http-equiv=\"refresh\" "
                                     "content=\"0; url=%.*s\"><title>Logged in</title></head>"
                                     "<body><a href=\"%.*s\">Go on</a></body></html>\n",
                                     SLICE_ARG(to), SLICE_ARG(to));
    struct message *m = reply(x, 200, body);
    headers_set_id(&m->headers, HEADER_CONTENT_TYPE, SLICE("text/html; charset=utf-8"));
    seal(run, m);
    return FILTER_REPLY;
}

enum filter_verdict oidc_answer_text(struct filter_exchange *x, struct oidc_run *run,
                                     struct slice text)
{
    struct message *m = reply(x, 200, text);
    headers_set_id(&m->headers, HEADER_CONTENT_TYPE, SLICE("text/plain; charset=utf-8"));
    seal(run, m);
    return FILTER_REPLY;
}

struct slice oidc_answer_origin(struct filter_exchange *x, const struct oidc_conf *c)
{
    const struct message *m = x->request;
    struct slice scheme = m->scheme.len            ? m->scheme
                          : x->downstream->is_tls ? SLICE("https")
                                                  : SLICE("http");
    return c->origin.len ? c->origin
                         : arena_printf(x->arena, "%.*s://%.*s", SLICE_ARG(scheme),
                                        SLICE_ARG(m->authority));
}

struct slice oidc_answer_query(struct arena *arena, struct slice uri, struct slice query)
{
    const char *join = slice_find_byte(uri, '?') < uri.len ? "&" : "?";
    return arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(uri), join, SLICE_ARG(query));
}
