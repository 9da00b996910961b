/* Is a token good, and by which provider? Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/token/jwt_cache.h"
#include "lib/jose/jose_alg.h"
#include "lib/jose/jws.h"

static struct jwt_result refuse(enum jwt_outcome outcome, const char *detail)
{
    return (struct jwt_result){.outcome = outcome, .detail = detail};
}

/* ---- which provider ---- */

static const struct consumer_credential *find_credential(const struct filter_exchange *x,
                                                         const struct jwt_provider *p,
                                                         struct slice issuer)
{
    return p->is_of_consumers ? consumer_find(x->consumers, CREDENTIAL_JWT, &p->scope, issuer)
                              : NULL;
}

/* A provider's tokens come where it says: one that is only to be found in a cookie is not good in a
 * header. An issuer that is named cannot be taken over by a Consumer who calls itself so. There may
 * be several for one issuer: the first `behind` that one; NULL: the first of all. */
static const struct jwt_provider *find_provider(const struct filter_exchange *x,
                                                const struct jwt_conf *c,
                                                const struct claims *claims,
                                                const struct jwt_place *place,
                                                const struct jwt_provider *behind)
{
    const struct jwt_provider *of_consumers = NULL;
    bool is_named = behind != NULL;
    size_t first = behind ? (size_t)(behind - c->providers) + 1 : 0;
    for (size_t i = first; claims->issuer.ptr && i < c->provider_count; i++) {
        const struct jwt_provider *p = &c->providers[i];
        bool is_here = jwt_place_is_in(&p->places, place);
        bool is_its = !p->is_of_consumers && slice_eq(p->issuer, claims->issuer);
        if (is_its && is_here)
            return p;
        is_named |= is_its;
        if (!of_consumers && is_here && find_credential(x, p, claims->issuer))
            of_consumers = p;
    }
    return is_named ? NULL : of_consumers;
}

/* What of a credential decides: another key, another way to sign or another consumer, and nothing
 * that was found good by it is good any more. */
static void digest_credential(const struct consumer_credential *credential, struct arena *arena,
                              uint8_t out[DIGEST_SIZE])
{
    memset(out, 0, DIGEST_SIZE);
    if (credential)
        digest_sha256(arena_printf(arena, "%.*s %.*s %.*s", SLICE_ARG(credential->consumer->id),
                                   SLICE_ARG(credential->algorithm), SLICE_ARG(credential->secret)),
                      out);
}

/* The key's kind is what the consumer has said, and never what the token says. */
static enum jws_fault check_credential(struct filter_exchange *x, const struct jws *jws,
                                       const struct consumer_credential *credential)
{
    const char *why;
    struct signature_key key;
    enum signature_alg alg = jose_alg_find(credential->algorithm);
    bool is_shared = signature_fits(alg, SIGNATURE_KEY_HMAC);
    enum err e = is_shared ? signature_key_hmac(x->arena, credential->secret, &key, &why)
                           : signature_key_pem(x->arena, credential->secret, &key, &why);
    return e ? JWS_NO_KEY : jws_check_key(jws, &key, JOSE_ALG_BIT(alg));
}

/* ---- what it says ---- */

/* RFC 7519 §4.1.4, §4.1.5: not on or after exp, not before nbf, give or take the skew. */
static struct jwt_result check_times(const struct jwt_provider *p, const struct claims *claims,
                                     int64_t now_ms)
{
    if (claims->expires_ms != CLAIMS_NEVER && now_ms - p->clock_skew_ms >= claims->expires_ms)
        return (struct jwt_result){
            .outcome = JWT_EXPIRED, .detail = "has expired", .at_ms = claims->expires_ms};
    if (claims->not_before_ms != INT64_MIN && now_ms + p->clock_skew_ms < claims->not_before_ms)
        return (struct jwt_result){
            .outcome = JWT_EARLY, .detail = "is not valid yet", .at_ms = claims->not_before_ms};
    return (struct jwt_result){.outcome = JWT_GOOD};
}

bool jwt_check_rule(const struct jwt_claim_rule *rule, const struct doc *claims)
{
    const struct doc *claim = claims_find(claims, rule->claim);
    for (size_t i = 0; i < rule->values.count; i++)
        if (claims_value_has(claim, rule->values.items[i], false))
            return true;
    return claim && claim->type != DOC_NULL && !rule->values.count;
}

/* RFC 8693 §4.2; "scp" is what others call it. */
static const struct doc *scopes_of(const struct doc *claims)
{
    const struct doc *scope = doc_get(claims, SLICE("scope"));
    return scope ? scope : doc_get(claims, SLICE("scp"));
}

static struct slice scope_words(const struct doc *scopes, struct arena *arena)
{
    struct slice all = doc_string(scopes);
    for (size_t i = 0; scopes && scopes->type == DOC_ARRAY && i < scopes->count; i++) {
        struct slice word = doc_string(scopes->items[i]);
        all = all.len ? arena_printf(arena, "%.*s %.*s", SLICE_ARG(all), SLICE_ARG(word)) : word;
    }
    return all;
}

static struct jwt_result check_claims(const struct jwt_provider *p, const struct claims *claims,
                                      struct arena *arena)
{
    const struct doc *scopes = scopes_of(claims->all);
    if (p->needs_expiry && claims->expires_ms == CLAIMS_NEVER)
        return refuse(JWT_REFUSED, "does not say when it expires");
    if (p->audiences.count &&
        !claims_have_audience(claims->all, p->audiences.items, p->audiences.count))
        return refuse(JWT_REFUSED, "is for another audience");
    for (size_t i = 0; i < p->rule_count; i++)
        if (!jwt_check_rule(&p->rules[i], claims->all))
            return refuse(JWT_CLAIM_MISSING, "lacks a claim that is required here");
    for (size_t i = 0; i < p->scopes.count; i++)
        if (!claims_value_has(scopes, p->scopes.items[i], true))
            return (struct jwt_result){.outcome = JWT_SCOPE_MISSING,
                                       .detail = "lacks a scope that is required here",
                                       .scopes = scope_words(scopes, arena)};
    return (struct jwt_result){.outcome = JWT_GOOD};
}

/* ---- a good one ---- */

static const struct slice *header_values(const struct jwt_provider *p, struct jwt_verified *v,
                                         struct slice payload_text)
{
    struct slice *values = arena_alloc(&v->arena, p->header_count * sizeof(*values));
    for (size_t i = 0; i < p->header_count; i++) {
        const struct jwt_claim_header *h = &p->headers[i];
        values[i] = h->claim.ptr
                        ? claims_value_text(claims_find(v->claims.all, h->claim), &v->arena)
                        : arena_copy(&v->arena, payload_text);
    }
    return values;
}

/* Read again, into memory of its own: what was checked is read from the same bytes. */
static struct jwt_verified *keep(struct filter_exchange *x, const struct jwt_conf *c,
                                 const struct jwt_provider *p, const struct jws *jws,
                                 const uint8_t digest[DIGEST_SIZE], uint64_t version)
{
    struct jwt_verified *v = jwt_verified_create(digest);
    if (claims_parse(jws->payload, &v->arena, &v->claims)) {
        jwt_verified_unref(v);
        return NULL;
    }
    v->generation = c->generation;
    v->version = version;
    digest_credential(find_credential(x, p, v->claims.issuer), x->arena, v->credential);
    v->provider = p;
    if (v->claims.issuer.len && v->claims.subject.len)
        v->principal = arena_printf(&v->arena, "%.*s/%.*s", SLICE_ARG(v->claims.issuer),
                                    SLICE_ARG(v->claims.subject));
    size_t dot = slice_find_byte(jws->signed_text, '.');
    v->headers = header_values(p, v, slice_sub(jws->signed_text, dot + 1, jws->signed_text.len));
    jwt_cache_put(c->cache, v);
    return v;
}

/* ---- its signature ---- */

/* *version: of the keys, or an older one: then the next request looks again. */
static struct jwt_result check_signature(struct filter_exchange *x, const struct jwt_provider *p,
                                         const struct consumer_credential *credential,
                                         const struct jws *jws, struct published_wait *wait,
                                         uint64_t *version)
{
    struct published_doc *fetched = NULL;
    if (credential) {
        enum jws_fault fault = check_credential(x, jws, credential);
        return refuse(fault ? JWT_REFUSED : JWT_GOOD, jws_fault_text(fault));
    }
    *version = p->source ? atomic_load(&p->source->version) : 0;
    if (p->source) {
        enum published_state state =
            published_take(x, p->source, p->cache_ms, wait, &fetched);
        if (state != PUBLISHED_READY)
            return refuse(state == PUBLISHED_WAIT ? JWT_WAIT : JWT_NO_KEYS, NULL);
    }
    const struct jwk_set *keys =
        fetched ? &((const struct jwt_keys *)(const void *)fetched)->set : &p->keys;
    enum jws_fault fault = jws_check(jws, keys, p->algorithms);
    published_doc_unref(fetched);
    if (fault == JWS_NO_KEY && p->source && published_ask_again(x, p->source, wait))
        return refuse(JWT_WAIT, NULL);
    return refuse(fault ? JWT_REFUSED : JWT_GOOD, jws_fault_text(fault));
}

/* What a token comes to by one provider of its issuer. */
static struct jwt_result check_by(struct filter_exchange *x, const struct jwt_conf *c,
                                  const struct jwt_provider *p, const struct jws *jws,
                                  const struct claims *claims, const uint8_t digest[DIGEST_SIZE],
                                  struct published_wait *wait)
{
    uint64_t version = 0;
    const struct consumer_credential *credential = find_credential(x, p, claims->issuer);
    struct jwt_result r = check_signature(x, p, credential, jws, wait, &version);
    if (r.outcome == JWT_GOOD)
        r = check_times(p, claims, x->host->unix_ms(x));
    if (r.outcome == JWT_GOOD)
        r = check_claims(p, claims, x->arena);
    if (r.outcome == JWT_GOOD)
        r.verified = keep(x, c, p, jws, digest, version);
    if (r.outcome == JWT_GOOD && !r.verified)
        return refuse(JWT_MALFORMED, "has no claims that can be read");
    r.provider = p;
    r.credential = credential;
    return r;
}

static struct jwt_result check_anew(struct filter_exchange *x, const struct jwt_conf *c,
                                    const struct jwt_token *token,
                                    const uint8_t digest[DIGEST_SIZE], struct published_wait *wait)
{
    struct jws jws;
    struct claims claims;
    enum jws_fault fault = jws_parse(token->text, x->arena, &jws);
    if (fault == JWS_MALFORMED || fault == JWS_TOO_LONG)
        return refuse(JWT_MALFORMED, jws_fault_text(fault));
    if (fault)
        return refuse(JWT_REFUSED, jws_fault_text(fault));
    if (claims_parse(jws.payload, x->arena, &claims))
        return refuse(JWT_MALFORMED, "has no claims that can be read");
    const struct jwt_provider *p = find_provider(x, c, &claims, token->place, NULL);
    if (!p)
        return refuse(JWT_REFUSED, "is from an issuer that is not accepted here");
    struct jwt_result first = check_by(x, c, p, &jws, &claims, digest, wait), r = first;
    /* Others of the same issuer may have other keys or audiences; the first says why not. */
    while (r.outcome != JWT_GOOD && r.outcome != JWT_WAIT &&
           (p = find_provider(x, c, &claims, token->place, p)))
        r = check_by(x, c, p, &jws, &claims, digest, wait);
    return r.outcome == JWT_GOOD || r.outcome == JWT_WAIT ? r : first;
}

static bool is_current(struct filter_exchange *x, const struct jwt_verified *v,
                       const struct jwt_token *token)
{
    const struct jwt_provider *p = v->provider;
    uint8_t now[DIGEST_SIZE];
    digest_credential(find_credential(x, p, v->claims.issuer), x->arena, now);
    return memcmp(now, v->credential, DIGEST_SIZE) == 0 &&
           jwt_place_is_in(&p->places, token->place) &&
           (!p->source || published_is_current(x, p->source, p->cache_ms, v->version));
}

struct jwt_result jwt_check(struct filter_exchange *x, const struct jwt_conf *c,
                            const struct jwt_token *token, struct published_wait *wait)
{
    uint8_t digest[DIGEST_SIZE];
    if (token->text.len > JWS_TOKEN_MAX)
        return refuse(JWT_MALFORMED, jws_fault_text(JWS_TOO_LONG));
    digest_sha256(token->text, digest);
    struct jwt_verified *known = jwt_cache_find(c->cache, digest, c->generation);
    if (!known || !is_current(x, known, token)) {
        jwt_verified_unref(known);
        return check_anew(x, c, token, digest, wait);
    }
    struct jwt_result r = check_times(known->provider, &known->claims, x->host->unix_ms(x));
    r.provider = known->provider;
    r.credential = find_credential(x, known->provider, known->claims.issuer);
    if (r.outcome == JWT_GOOD)
        r.verified = known;
    else
        jwt_verified_unref(known);
    return r;
}
