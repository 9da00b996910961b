/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/oidc/oidc_tokens.h"

#include "lib/codec/doc/doc_json.h"
#include "lib/codec/text/base64url.h"
#include "lib/jose/jws.h"

/* ---- asking ---- */

void oidc_tokens_ask(struct filter_exchange *x, const struct oidc_conf *c,
                     const struct oidc_provider *p, struct filter_call *call, struct slice form)
{
    struct message *m = filter_call_request(call, x->arena, SLICE("POST"), p->token.path);
    m->authority = p->token.authority;
    headers_add_id(&m->headers, HEADER_CONTENT_TYPE, SLICE("application/x-www-form-urlencoded"));
    headers_add_id(&m->headers, HEADER_ACCEPT, SLICE("application/json"));
    if (c->basic.len)
        headers_add_id(&m->headers, HEADER_AUTHORIZATION, c->basic)->never_index = true;
    call->body = arena_printf(x->arena, "%.*s%.*s", SLICE_ARG(form), SLICE_ARG(c->credential));
    call->cluster = p->token.cluster;
    call->timeout_ms = c->timeout_ms;
    x->host->call(x, call);
}

/* ---- its answer ---- */

static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= 0x20 || (unsigned char)text.ptr[i] >= 0x7f)
            return false;
    return true;
}

/* NumericDate's neighbour: a number of seconds, which some write as a text. */
static int64_t lifetime_of(const struct doc *d)
{
    enum { MOST_S = 400 * 86400 };
    uint64_t seconds = 0;
    if (d && d->type == DOC_INT && d->integer >= 0)
        seconds = (uint64_t)d->integer;
    else if (!d || d->type != DOC_STRING || slice_to_u64(d->string, &seconds))
        return -1;
    return (int64_t)(seconds < MOST_S ? seconds : MOST_S) * 1000;
}

/* Absent and null are the same. *is_good: false where it is something else than a plain text. */
static struct slice text_of(const struct doc *body, const char *name, bool *is_good)
{
    const struct doc *d = doc_get(body, slice_from_cstr(name));
    struct slice text = doc_string(d);
    *is_good &= (!d || d->type == DOC_STRING || d->type == DOC_NULL) && is_plain(text);
    return text;
}

static enum oidc_told nonsense(struct slice *why, const char *what)
{
    *why = slice_from_cstr(what);
    return OIDC_TOLD_NONSENSE;
}

static const struct doc *read_json(struct arena *arena, struct slice body)
{
    const struct doc *doc;
    struct doc_error error;
    return doc_json_parse(body, arena, &doc, &error) || doc->type != DOC_OBJECT ? NULL : doc;
}

enum oidc_told oidc_tokens_read_body(struct arena *arena, struct slice body,
                                     struct oidc_tokens *out, struct slice *why)
{
    const struct doc *doc = read_json(arena, body);
    bool is_good = true;
    *out = (struct oidc_tokens){.lifetime_ms = -1};
    if (!doc)
        return nonsense(why, "the token endpoint's answer is no object in JSON");
    out->id = text_of(doc, "id_token", &is_good);
    out->access = text_of(doc, "access_token", &is_good);
    out->refresh = text_of(doc, "refresh_token", &is_good);
    struct slice type = text_of(doc, "token_type", &is_good);
    out->lifetime_ms = lifetime_of(doc_get(doc, SLICE("expires_in")));
    if (!is_good)
        return nonsense(why, "the token endpoint's answer has tokens that are none");
    if (!out->access.len)
        return nonsense(why, "the token endpoint's answer has no access token");
    if (type.len && !slice_eq_nocase(type, SLICE("Bearer")))
        return nonsense(why, "the access token is of another type than Bearer");
    return OIDC_TOLD_TOKENS;
}

/* RFC 6749 §5.2. What it says of the error may be shown in the log, if it is one word. */
static enum oidc_told read_error(struct arena *arena, const struct filter_call *call,
                                 struct slice *why)
{
    const struct doc *doc = read_json(arena, call->response_body);
    struct slice error = doc_string(doc_get(doc, SLICE("error")));
    if (slice_eq(error, SLICE("invalid_grant"))) {
        *why = SLICE("the token endpoint says invalid_grant");
        return OIDC_TOLD_REFUSED;
    }
    bool is_word = error.len && error.len <= 64 && is_plain(error);
    *why = arena_printf(arena, "the token endpoint answers with status %u%s%.*s",
                        (unsigned)call->response->status, is_word ? " and " : "",
                        is_word ? (int)error.len : 0, error.ptr ? error.ptr : "");
    return OIDC_TOLD_NONSENSE;
}

enum oidc_told oidc_tokens_read(struct arena *arena, const struct filter_call *call,
                                struct oidc_tokens *out, struct slice *why)
{
    *out = (struct oidc_tokens){.lifetime_ms = -1};
    if (call->failed) {
        *why = arena_printf(arena, "the token endpoint cannot be asked: %.*s",
                            SLICE_ARG(call->failed->label));
        return OIDC_TOLD_NOTHING;
    }
    unsigned status = call->response->status;
    if (status == 200)
        return oidc_tokens_read_body(arena, call->response_body, out, why);
    if (status < 500 && status != 429)
        return read_error(arena, call, why);
    *why = arena_printf(arena, "the token endpoint answers with status %u", status);
    return OIDC_TOLD_NOTHING;
}

/* ---- ID tokens ---- */

bool oidc_tokens_claims(struct arena *arena, struct slice id_token, struct claims *out)
{
    struct jws jws;
    *out = (struct claims){0};
    return jws_parse(id_token, arena, &jws) == JWS_OK &&
           claims_parse(jws.payload, arena, out) == ERR_OK;
}

/* The left half of the hash of the access token, by the hash of the signature (§3.1.3.6). */
static bool is_hash_good(struct arena *arena, const struct doc *at_hash, enum signature_alg alg,
                         struct slice access)
{
    uint8_t hash[SIGNATURE_HASH_MAX];
    if (!at_hash)
        return true;
    size_t len = signature_hash(alg, access, hash);
    struct slice want = base64url_encode(arena, slice_of(hash, len / 2));
    return len && digest_is_same(doc_string(at_hash), want);
}

/* For us, and issued to us: of several audiences somebody else's client may be the first. */
static bool is_for_us(const struct oidc_conf *c, const struct claims *claims)
{
    const struct doc *aud = doc_get(claims->all, SLICE("aud"));
    const struct doc *azp = doc_get(claims->all, SLICE("azp"));
    bool has_several = aud && aud->type == DOC_ARRAY && aud->count > 1;
    if (!claims_have_audience(claims->all, &c->client_id, 1))
        return false;
    return azp ? slice_eq(doc_string(azp), c->client_id) : !has_several;
}

static const char *find_fault(struct filter_exchange *x, const struct oidc_conf *c,
                              const struct claims *claims, struct slice nonce)
{
    int64_t now_ms = x->host->unix_ms(x);
    if (!slice_eq(claims->issuer, c->issuer))
        return "is of another issuer";
    if (!claims->subject.len)
        return "has no subject";
    if (!is_for_us(c, claims))
        return "is for another client";
    if (claims->expires_ms == CLAIMS_NEVER || claims->issued_ms == INT64_MIN)
        return "does not say when it was issued or expires";
    if (now_ms - c->clock_skew_ms >= claims->expires_ms)
        return "has expired";
    if (now_ms + c->clock_skew_ms < claims->issued_ms ||
        (claims->not_before_ms != INT64_MIN && now_ms + c->clock_skew_ms < claims->not_before_ms))
        return "is of the future";
    if (nonce.len && !digest_is_same(doc_string(doc_get(claims->all, SLICE("nonce"))), nonce))
        return "is not of this login";
    return NULL;
}

/* *why: set where it is not good. */
static enum oidc_check check_signature(struct filter_exchange *x, const struct oidc_conf *c,
                                       struct published *keys, struct published_wait *wait,
                                       const struct jws *jws, const char **why)
{
    enum { CACHE_MS = 600000 };
    struct published_doc *doc;
    enum published_state state = published_take(x, keys, CACHE_MS, wait, &doc);
    if (state != PUBLISHED_READY)
        return state == PUBLISHED_WAIT ? OIDC_CHECK_WAIT : OIDC_CHECK_NO_KEYS;
    enum jws_fault fault =
        jws_check(jws, &((const struct jwt_keys *)(const void *)doc)->set, c->algorithms);
    published_doc_unref(doc);
    if (fault == JWS_NO_KEY && published_ask_again(x, keys, wait))
        return OIDC_CHECK_WAIT;
    *why = jws_fault_text(fault);
    return fault ? OIDC_CHECK_BAD : OIDC_CHECK_GOOD;
}

enum oidc_check oidc_tokens_check(struct filter_exchange *x, const struct oidc_conf *c,
                                  const struct oidc_provider *p, struct published_wait *wait,
                                  const struct oidc_tokens *tokens, struct slice nonce,
                                  struct claims *out, const char **why)
{
    struct jws jws;
    *out = (struct claims){0};
    *why = "is not there";
    if (!tokens->id.len)
        return OIDC_CHECK_BAD;
    enum jws_fault fault = jws_parse(tokens->id, x->arena, &jws);
    *why = jws_fault_text(fault);
    if (fault)
        return OIDC_CHECK_BAD;
    enum oidc_check check = check_signature(x, c, p->keys, wait, &jws, why);
    if (check != OIDC_CHECK_GOOD)
        return check;
    *why = claims_parse(jws.payload, x->arena, out) ? "has no claims that can be read"
                                                           : NULL;
    if (!*why)
        *why = find_fault(x, c, out, nonce);
    if (!*why && !is_hash_good(x->arena, doc_get(out->all, SLICE("at_hash")), jws.alg,
                               tokens->access))
        *why = "does not belong to the access token";
    return *why ? OIDC_CHECK_BAD : OIDC_CHECK_GOOD;
}
