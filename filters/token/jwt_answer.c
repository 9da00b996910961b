/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/token/jwt_answer.h"

#include "lib/base/civil.h"
#include "lib/base/json_write.h"

const struct fail_info jwt_fails[JWT_FAIL_COUNT] = {
    [JWT_FAIL_MISSING] = {.label = FAIL_TEXT("jwt_missing"),
                          .http_status = 401,
                          .grpc_status = 16,
                          .flag = FAIL_TEXT("UAEX"),
                          .text = FAIL_TEXT("the request has no token"),
                          .is_absence = true},
    [JWT_FAIL_SEVERAL] = {.label = FAIL_TEXT("jwt_several"),
                          .http_status = 401,
                          .grpc_status = 16,
                          .flag = FAIL_TEXT("UAEX"),
                          .text = FAIL_TEXT("the request has more than one token")},
    [JWT_FAIL_INVALID] = {.label = FAIL_TEXT("jwt_invalid"),
                          .http_status = 401,
                          .grpc_status = 16,
                          .flag = FAIL_TEXT("UAEX"),
                          .text = FAIL_TEXT("the token is not good")},
    [JWT_FAIL_EXPIRED] = {.label = FAIL_TEXT("jwt_expired"),
                          .http_status = 401,
                          .grpc_status = 16,
                          .flag = FAIL_TEXT("UAEX"),
                          .text = FAIL_TEXT("the token has expired")},
    [JWT_FAIL_EARLY] = {.label = FAIL_TEXT("jwt_not_yet_valid"),
                        .http_status = 401,
                        .grpc_status = 16,
                        .flag = FAIL_TEXT("UAEX"),
                        .text = FAIL_TEXT("the token is not valid yet")},
    [JWT_FAIL_CLAIM] = {.label = FAIL_TEXT("jwt_claim_missing"),
                        .http_status = 403,
                        .grpc_status = 7,
                        .flag = FAIL_TEXT("UAEX"),
                        .text = FAIL_TEXT("the token lacks a claim that is required here")},
    [JWT_FAIL_SCOPE] = {.label = FAIL_TEXT("jwt_scope_missing"),
                        .http_status = 403,
                        .grpc_status = 7,
                        .flag = FAIL_TEXT("UAEX"),
                        .text = FAIL_TEXT("the token lacks a scope that is required here")},
    [JWT_FAIL_KEYS] = {.label = FAIL_TEXT("jwt_keys_unavailable"),
                       .http_status = 503,
                       .grpc_status = 14,
                       .flag = FAIL_TEXT("UAEX"),
                       .text = FAIL_TEXT("the keys of the token's issuer could not be fetched")},
};

/* ---- the body in JSON ---- */

struct body {
    const char *error, *message;
    int64_t expired_ms; /* 0: it has not */
    const struct jwt_texts *required;
    struct slice current; /* between spaces */
};

static void write_words(struct json_write *w, const char *key, struct slice words)
{
    struct slice word;
    json_write_key(w, key);
    json_write_array(w);
    while (slice_split(&words, ' ', &word))
        if (word.len)
            json_write_string(w, word);
    json_write_array_end(w);
}

static struct slice time_text(struct arena *arena, int64_t ms)
{
    struct civil t;
    civil_from_ms(ms, &t);
    return arena_printf(arena, "%04u-%02u-%02uT%02u:%02u:%02uZ", t.year, t.month, t.day, t.hour,
                        t.minute, t.second);
}

static struct slice join(struct arena *arena, const struct jwt_texts *texts)
{
    struct slice all = {0};
    for (size_t i = 0; i < texts->count; i++)
        all = arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(all), i ? " " : "",
                           SLICE_ARG(texts->items[i]));
    return all;
}

static struct slice write_body(struct arena *arena, const struct body *b)
{
    struct json_write w;
    struct buf text;
    buf_init(&text);
    json_write_init(&w, &text);
    json_write_object(&w);
    json_write_field(&w, "error", slice_from_cstr(b->error));
    json_write_field(&w, "message", slice_from_cstr(b->message));
    if (b->expired_ms)
        json_write_field(&w, "expiredAt", time_text(arena, b->expired_ms));
    if (b->required) {
        write_words(&w, "requiredScopes", join(arena, b->required));
        write_words(&w, "currentScopes", b->current);
    }
    json_write_object_end(&w);
    struct slice whole = buf_take_into(&text, arena);
    buf_dispose(&text);
    return whole;
}

/* ---- the whole ---- */

/* The reason goes into the log and the metrics either way. */
static enum filter_verdict answer(struct filter_exchange *x, const struct jwt_conf *c, int why,
                                  struct slice detail, struct slice challenge,
                                  const struct body *body)
{
    const struct fail_info *info = &jwt_fails[why];
    struct message *m = x->host->fail(x, info, detail);
    if (c->errors == JWT_ERRORS_JSON && !message_is_grpc(x->request)) {
        m = x->host->reply(x, info->http_status, write_body(x->arena, body));
        headers_set_id(&m->headers, HEADER_CONTENT_TYPE, SLICE("application/json"));
    }
    if (info->http_status == 503)
        return FILTER_REPLY; /* another token would not help */
    if (c->realm.len)
        challenge = arena_printf(x->arena, "realm=\"%.*s\"%s%.*s", SLICE_ARG(c->realm),
                                 challenge.len ? ", " : "", SLICE_ARG(challenge));
    headers_set(&m->headers, SLICE("www-authenticate"),
                arena_printf(x->arena, "Bearer%s%.*s", challenge.len ? " " : "",
                             SLICE_ARG(challenge)));
    return FILTER_REPLY;
}

/* No code where nothing was shown (RFC 6750 §3.1). */
enum filter_verdict jwt_answer_missing(struct filter_exchange *x, const struct jwt_conf *c)
{
    static const struct body body = {.error = "unauthorized",
                                     .message = "Missing or invalid Authorization header"};
    return answer(x, c, JWT_FAIL_MISSING, (struct slice){0}, (struct slice){0}, &body);
}

enum filter_verdict jwt_answer_several(struct filter_exchange *x, const struct jwt_conf *c)
{
    static const struct body body = {.error = "invalid_request",
                                     .message = "Multiple tokens provided"};
    return answer(x, c, JWT_FAIL_SEVERAL, (struct slice){0},
                  SLICE("error=\"invalid_request\", error_description=\"the request has more than "
                        "one token\""),
                  &body);
}

static struct slice invalid_token(struct filter_exchange *x, const char *detail)
{
    return arena_printf(x->arena, "error=\"invalid_token\", error_description=\"the token %s\"",
                        detail);
}

static enum filter_verdict refuse_scope(struct filter_exchange *x, const struct jwt_conf *c,
                                        const struct jwt_result *r)
{
    struct slice needed = join(x->arena, &r->provider->scopes);
    struct body body = {.error = "insufficient_scope",
                        .message = "The token does not have the required scopes",
                        .required = &r->provider->scopes,
                        .current = r->scopes};
    return answer(x, c, JWT_FAIL_SCOPE, (struct slice){0},
                  arena_printf(x->arena, "error=\"insufficient_scope\", scope=\"%.*s\"",
                               SLICE_ARG(needed)),
                  &body);
}

static enum filter_verdict refuse_claim(struct filter_exchange *x, const struct jwt_conf *c)
{
    static const struct body body = {.error = "forbidden",
                                     .message = "The token lacks a required claim"};
    return answer(x, c, JWT_FAIL_CLAIM, (struct slice){0},
                  SLICE("error=\"insufficient_scope\", error_description=\"the token lacks a "
                        "claim that is required here\""),
                  &body);
}

static enum filter_verdict refuse_token(struct filter_exchange *x, const struct jwt_conf *c,
                                        const struct jwt_result *r)
{
    struct body body = {.error = "invalid_token", .message = "The token is not valid"};
    int why = JWT_FAIL_INVALID;
    struct slice detail = {0};
    if (r->outcome == JWT_EXPIRED) {
        why = JWT_FAIL_EXPIRED;
        body = (struct body){
            .error = "token_expired", .message = "Token has expired", .expired_ms = r->at_ms};
    } else if (r->outcome == JWT_EARLY) {
        why = JWT_FAIL_EARLY;
        body.message = "Token is not valid yet";
    } else {
        detail = arena_printf(x->arena, "it %s", r->detail);
        if (r->outcome == JWT_MALFORMED)
            body.message = "Token could not be decoded";
    }
    return answer(x, c, why, detail, invalid_token(x, r->detail), &body);
}

enum filter_verdict jwt_answer_refuse(struct filter_exchange *x, const struct jwt_conf *c,
                                      const struct jwt_result *r)
{
    static const struct body no_keys = {.error = "internal_error",
                                        .message = "Authentication service unavailable"};
    if (r->outcome == JWT_NO_KEYS)
        return answer(x, c, JWT_FAIL_KEYS, (struct slice){0}, (struct slice){0}, &no_keys);
    if (r->outcome == JWT_SCOPE_MISSING)
        return refuse_scope(x, c, r);
    if (r->outcome == JWT_CLAIM_MISSING)
        return refuse_claim(x, c);
    return refuse_token(x, c, r);
}
