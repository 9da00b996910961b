/* oauth2Introspection: asks an authorization server what a token is worth (RFC 7662), remembers
 * that for a while, and says of the request whose it is. Answers are those of RFC 6750 §3.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "filters/caller/caller.h"
#include "filters/token/introspection.h"
#include "filters/strip.h"
#include "lib/jose/claims.h"

#define NAME "oauth2Introspection"

/* ---- answers ---- */

static const char *const events[] = {"accepted", "refused", "asked", "error", NULL};
enum { EVENT_ACCEPTED, EVENT_REFUSED, EVENT_ASKED, EVENT_ERROR };

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("access_token_missing"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("the request has no access token"),
     .is_public = true,
     .is_absence = true},
    {.label = FAIL_TEXT("access_token_doubled"),
     .http_status = 400,
     .grpc_status = 3,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("the request has several access tokens"),
     .is_public = true},
    {.label = FAIL_TEXT("access_token_invalid"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("the access token is not valid"),
     .is_public = true},
    {.label = FAIL_TEXT("access_token_lacks_scope"),
     .http_status = 403,
     .grpc_status = 7,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("the access token lacks a scope"),
     .is_public = true},
    {.label = FAIL_TEXT("introspection_failed"),
     .http_status = 503,
     .grpc_status = 14,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("the authorization server cannot be asked")},
};
enum { MISSING, MALFORMED, INVALID, SCOPE, UNAVAILABLE };
static const char *const errors[] = {
    [MALFORMED] = "invalid_request", [INVALID] = "invalid_token", [SCOPE] = "insufficient_scope"};

extern const struct filter filter_oauth2_introspection;

/* RFC 6750 §3: without a token no error is named. */
static struct slice challenge(struct filter_exchange *x, const struct introspection *c, int why)
{
    struct slice text = SLICE("Bearer");
    if (c->realm.len)
        text = arena_printf(x->arena, "Bearer realm=\"%.*s\"", SLICE_ARG(c->realm));
    if (errors[why])
        text = arena_printf(x->arena, "%.*s%s error=\"%s\"", SLICE_ARG(text),
                            c->realm.len ? "," : "", errors[why]);
    if (why == SCOPE)
        text = arena_printf(x->arena, "%.*s, scope=\"%.*s\"", SLICE_ARG(text),
                            SLICE_ARG(c->scope_text));
    return text;
}

static enum filter_verdict refuse(struct filter_exchange *x, const struct introspection *c, int why,
                                  struct slice detail)
{
    struct message *m = x->host->fail(x, &fails[why], detail);
    x->host->count(x, &filter_oauth2_introspection, why == UNAVAILABLE ? EVENT_ERROR
                                                                       : EVENT_REFUSED);
    if (why != UNAVAILABLE)
        headers_add_id(&m->headers, HEADER_WWW_AUTHENTICATE, challenge(x, c, why));
    return FILTER_REPLY;
}

/* ---- the token ---- */

enum { TOKEN_MAX = 8192, POLL_MS = 5 };

struct ctx {
    bool is_begun, is_over;
    bool has_turn; /* others wait for this call */
    uint64_t waits_since_ms;
    struct slice token;
    uint8_t digest[DIGEST_SIZE];
    struct filter_call call;
};

/* "Bearer" in any case (RFC 9110 §11.1); another scheme is no token of ours. */
static struct slice bearer_of(struct slice value)
{
    struct slice scheme = SLICE("Bearer ");
    return slice_eq_nocase(slice_sub(value, 0, scheme.len), scheme)
               ? slice_trim(slice_sub(value, scheme.len, value.len))
               : (struct slice){0};
}

/* How many fields there are that could have one. */
static unsigned find_token(const struct filter_exchange *x, const struct introspection *c,
                           struct slice *token)
{
    const struct headers *h = &x->request->headers;
    struct slice name = c->token_header.len ? c->token_header : SLICE("authorization");
    unsigned count = 0;
    for (uint32_t i = 0; i < h->count; i++)
        if (slice_eq(h->items[i].name, name) && !count++)
            *token = c->token_header.len ? slice_trim(h->items[i].value)
                                         : bearer_of(h->items[i].value);
    return count;
}

/* RFC 6750 §2.1: b64token. */
static bool is_token(struct slice s)
{
    size_t end = s.len;
    while (end > 0 && s.ptr[end - 1] == '=')
        end--;
    for (size_t i = 0; i < end; i++) {
        char c = s.ptr[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    (c && strchr("-._~+/", c));
        if (!good)
            return false;
    }
    return end > 0 && s.len <= TOKEN_MAX;
}

/* What was known of a token in another place, or by another client, is not known here. */
static void take_digest(struct filter_exchange *x, const struct introspection *c, struct ctx *own)
{
    struct slice text =
        arena_printf(x->arena, "%.*s%.*s", SLICE_ARG(c->salt), SLICE_ARG(own->token));
    digest_sha256(text, own->digest);
}

/* ---- what is said of it ---- */

static bool has_scopes(const struct introspection *c, const struct claims *claims)
{
    const struct doc *scope = claims_find(claims->all, SLICE("scope"));
    for (size_t i = 0; i < c->scope_count; i++)
        if (!scope || !claims_value_has(scope, c->scopes[i], true))
            return false;
    return true;
}

/* Why it is not valid here and now; NULL: it is. */
static const char *find_fault(struct filter_exchange *x, const struct introspection *c,
                              const struct claims *claims)
{
    int64_t now_ms = x->host->unix_ms(x);
    if (claims->expires_ms <= now_ms)
        return "it has expired";
    if (claims->not_before_ms > now_ms)
        return "it is not valid yet";
    if (c->issuer.len && !slice_eq(claims->issuer, c->issuer))
        return "it is of another issuer";
    if (c->audience_count && !claims_have_audience(claims->all, c->audiences, c->audience_count))
        return "it is for somebody else";
    return NULL;
}

static struct slice text_of(const struct claims *claims, const char *name)
{
    return doc_string(doc_get(claims->all, slice_from_cstr(name)));
}

static void set_caller(struct filter_exchange *x, const struct claims *claims)
{
    struct filter_caller *caller = filter_caller_set(x, NAME);
    caller->issuer = claims->issuer;
    caller->subject = claims->subject;
    caller->username = text_of(claims, "username");
    caller->credential_id = text_of(claims, "client_id");
    caller->claims = claims->all;
    if (claims->issuer.len && claims->subject.len)
        caller->principal = arena_printf(x->arena, "%.*s/%.*s", SLICE_ARG(claims->issuer),
                                         SLICE_ARG(claims->subject));
}

static enum filter_verdict let_pass(struct filter_exchange *x, const struct introspection *c,
                                  const struct claims *claims)
{
    set_caller(x, claims);
    for (size_t i = 0; i < c->header_count; i++) {
        const struct doc *claim = claims_find(claims->all, c->headers[i].claim);
        struct slice text = claim ? claims_value_text(claim, x->arena) : SLICE("");
        if (text.len)
            headers_add(&x->request->headers, c->headers[i].header, text);
    }
    if (c->hide)
        strip_header(x, c->token_header.len ? c->token_header : SLICE("authorization"));
    x->host->count(x, &filter_oauth2_introspection, EVENT_ACCEPTED);
    return FILTER_NEXT;
}

static enum filter_verdict judge(struct filter_exchange *x, const struct introspection *c,
                                 const struct introspection_found *found)
{
    struct claims claims;
    if (found->kind == INTROSPECTION_FAILED)
        return refuse(x, c, UNAVAILABLE, found->why);
    if (found->kind == INTROSPECTION_INACTIVE)
        return refuse(x, c, INVALID, SLICE("it is not active"));
    if (claims_parse(found->body, x->arena, &claims))
        return refuse(x, c, UNAVAILABLE, SLICE("its answer cannot be read"));
    const char *fault = find_fault(x, c, &claims);
    if (fault)
        return refuse(x, c, INVALID, slice_from_cstr(fault));
    return has_scopes(c, &claims) ? let_pass(x, c, &claims)
                                  : refuse(x, c, SCOPE, (struct slice){0});
}

/* ---- asking ---- */

static void ask(struct filter_exchange *x, const struct introspection *c, struct ctx *own)
{
    struct message *m = filter_call_request(&own->call, x->arena, SLICE("POST"), c->path);
    m->authority = c->host;
    headers_add_id(&m->headers, HEADER_CONTENT_TYPE, SLICE("application/x-www-form-urlencoded"));
    headers_add_id(&m->headers, HEADER_ACCEPT, SLICE("application/json"));
    headers_add_id(&m->headers, HEADER_AUTHORIZATION, c->authorization)->never_index = true;
    own->call.body = arena_printf(x->arena, "token=%.*s&token_type_hint=access_token",
                                  SLICE_ARG(introspection_encode(x->arena, own->token)));
    own->call.cluster = c->cluster;
    own->call.timeout_ms = c->timeout_ms;
    x->host->count(x, &filter_oauth2_introspection, EVENT_ASKED);
    x->host->call(x, &own->call);
}

/* RFC 7662 §2.2: `active` is a boolean, and the only member that must be there. */
static struct introspection_found read_answer(struct filter_exchange *x,
                                              const struct filter_call *call)
{
    struct introspection_found found = {.kind = INTROSPECTION_FAILED};
    struct claims claims;
    if (call->failed) {
        found.why = call->failed->label;
        return found;
    }
    const struct doc *active = NULL;
    if (call->response->status != 200)
        found.why = SLICE("it did not answer with 200");
    else if (claims_parse(call->response_body, x->arena, &claims))
        found.why = SLICE("its answer is no object in JSON with registered members");
    else if (!(active = doc_get(claims.all, SLICE("active"))) || active->type != DOC_BOOL)
        found.why = SLICE("its answer does not say whether the token is active");
    else
        found = (struct introspection_found){
            .kind = active->boolean ? INTROSPECTION_ACTIVE : INTROSPECTION_INACTIVE,
            .body = active->boolean ? call->response_body : SLICE("")};
    return found;
}

/* Those who wait for this call are told of it, whatever may be kept for others. */
static void remember(struct filter_exchange *x, const struct introspection *c,
                     const struct ctx *own, const struct introspection_found *found)
{
    uint64_t now_ms = x->host->now_ms(x);
    uint32_t ttl_ms = found->kind == INTROSPECTION_ACTIVE     ? c->ttl_ms
                      : found->kind == INTROSPECTION_INACTIVE ? c->negative_ttl_ms
                                                              : 0;
    introspection_cache_put(c->cache, own->digest, found, now_ms, ttl_ms);
}

static void land(const struct introspection *c, struct ctx *own)
{
    if (own->has_turn)
        introspection_cache_land(c->cache, own->digest);
    own->has_turn = false;
}

static enum filter_verdict finish(struct filter_exchange *x, const struct introspection *c,
                                   struct ctx *own)
{
    struct introspection_found found = read_answer(x, &own->call);
    remember(x, c, own, &found);
    land(c, own);
    own->is_over = true;
    return judge(x, c, &found);
}

/* ---- hooks ---- */

static void strip(struct filter_exchange *x, const void *conf)
{
    const struct introspection *c = conf;
    for (size_t i = 0; i < c->header_count; i++)
        strip_header(x, c->headers[i].header);
}

/* FILTER_NEXT: there is a token that may be asked about. */
static enum filter_verdict begin(struct filter_exchange *x, const struct introspection *c,
                                  struct ctx *own)
{
    strip(x, c);
    unsigned count = find_token(x, c, &own->token);
    if (count > 1)
        return refuse(x, c, MALFORMED, (struct slice){0});
    if (!own->token.len)
        return refuse(x, c, MISSING, (struct slice){0});
    if (!is_token(own->token))
        return refuse(x, c, INVALID, SLICE("it has characters that no token has"));
    take_digest(x, c, own);
    own->waits_since_ms = UINT64_MAX;
    own->is_begun = true;
    return FILTER_NEXT;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct introspection *c = conf;
    struct ctx *own = ctx;
    struct introspection_found found;
    if (own->is_over)
        return FILTER_NEXT;
    if (own->call.request)
        return own->call.is_done ? finish(x, c, own) : FILTER_WAIT;
    enum filter_verdict verdict = own->is_begun ? FILTER_NEXT : begin(x, c, own);
    if (verdict != FILTER_NEXT)
        return verdict;
    if (introspection_cache_find(c->cache, own->digest, x->host->now_ms(x), own->waits_since_ms,
                                 x->arena, &found)) {
        own->is_over = true;
        return judge(x, c, &found);
    }
    enum introspection_turn turn = introspection_cache_take(c->cache, own->digest);
    if (turn == INTROSPECTION_THEIRS) {
        if (own->waits_since_ms == UINT64_MAX)
            own->waits_since_ms = x->host->now_ms(x);
        x->host->wake_after(x, POLL_MS);
        return FILTER_WAIT;
    }
    own->has_turn = turn == INTROSPECTION_MINE;
    ask(x, c, own);
    return own->call.is_done ? finish(x, c, own) : FILTER_WAIT;
}

/* Also where the client left while it was asked: somebody else has to ask then. */
static void on_end(struct filter_exchange *x, const void *conf, void *ctx)
{
    (void)x;
    land(conf, ctx);
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct introspection *c = conf;
    (void)prefix;
    return arena_printf(arena, "would ask %.*s about the token%s%.*s", SLICE_ARG(c->backend),
                        c->scope_text.len ? ", which must have the scopes " : "",
                        SLICE_ARG(c->scope_text));
}

const struct filter filter_oauth2_introspection = {
    .name = NAME,
    .doc = "Asks an authorization server whether an access token is active (RFC 7662).",
    .phase = FILTER_PHASE_AUTHENTICATE,
    .spec = &introspection_schema,
    .conf_size = sizeof(struct introspection),
    .ctx_size = sizeof(struct ctx),
    .prepare = introspection_prepare,
    .on_request = on_request,
    .on_end = on_end,
    .strip = strip,
    .describe = describe,
    .events = events,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
