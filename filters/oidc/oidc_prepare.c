/* oidc: from the specification to what requests are judged by. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/oidc/oidc_provider.h"
#include "filters/token/introspection.h"
#include "lib/codec/http/http_uri.h"
#include "lib/codec/http/normalize.h"
#include "lib/jose/jose_alg.h"

enum { KEY_MIN = 32 };

static void dispose_keep(struct filter_keep *keep)
{
    struct oidc_keep *k = (struct oidc_keep *)(void *)keep;
    introspection_cache_dispose(keep);
    published_destroy_all(k->discoveries);
    published_destroy_all(k->keys);
}

/* ---- keys of cookies ---- */

/* One secret may be used elsewhere too: what seals cookies is derived from it. */
static enum err take_seal_keys(const struct filter_build *b, const struct oidc_spec *s,
                               struct oidc_conf *c)
{
    uint8_t (*keys)[SEAL_KEY_SIZE] =
        arena_alloc(b->arena, s->session_keys.count * sizeof(*keys));
    c->seal_keys = (const uint8_t (*)[SEAL_KEY_SIZE])keys;
    for (SCHEMA_EACH(s->session_keys, struct schema_ref, ref)) {
        if (ref->value.len < KEY_MIN)
            return filter_refuse(b, "sessionKeys[%zu] has less than %d bytes", c->seal_key_count,
                                 KEY_MIN);
        digest_hmac_sha256(ref->value, SLICE("weft oidc cookies"), keys[c->seal_key_count++]);
    }
    return ERR_OK;
}

/* A cookie is good for one purpose of one filter with one client of one issuer. */
static void take_contexts(const struct filter_build *b, struct oidc_conf *c)
{
    static const char *const purposes[] = {
        [OIDC_SESSION] = "session", [OIDC_LOGIN] = "login", [OIDC_SEEN] = "seen"};
    struct slice whose = arena_printf(b->arena, "%.*s\n%.*s\n%.*s", SLICE_ARG(b->id),
                                      SLICE_ARG(c->issuer), SLICE_ARG(c->client_id));
    for (int i = 0; i < OIDC_PURPOSES; i++)
        c->contexts[i] = arena_printf(b->arena, "weft oidc 1 %s\n%.*s", purposes[i],
                                      SLICE_ARG(whose));
    c->salt = arena_printf(b->arena, "%.*s\n", SLICE_ARG(whose));
}

static void take_cookie(const struct filter_build *b, const struct oidc_cookie_spec *s,
                        struct oidc_conf *c)
{
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_HEX_MAX];
    const char *prefix = !s->is_secure ? "" : s->domain.len ? "__Secure-" : "__Host-";
    digest_sha256(c->contexts[OIDC_SESSION], digest);
    c->cookie = s->name.len ? s->name
                            : arena_printf(b->arena, "%sweft-%.8s", prefix,
                                           digest_hex(digest, hex));
    c->attributes = arena_printf(b->arena, "; Path=/; HttpOnly%s%s%.*s",
                                 s->is_secure ? "; Secure" : "", s->domain.len ? "; Domain=" : "",
                                 SLICE_ARG(s->domain));
    c->same_site = s->same_site;
}

/* ---- the provider ---- */

static void take_endpoints(const struct oidc_spec *s, struct oidc_conf *c)
{
    struct http_uri uri;
    if (s->discovery)
        c->discovery = oidc_provider_discovery(&c->keep->discoveries,
                                               (struct filter_keep *)(void *)c->keep,
                                               s->discovery->name, s->discovery->value);
    if (s->jwks)
        c->keys = jwt_source_of(&c->keep->keys, (struct filter_keep *)(void *)c->keep,
                                s->jwks->name, s->jwks->value, 0);
    if (s->token && http_uri_read(s->token->name, &uri))
        c->token = (struct oidc_endpoint){s->token->value, uri.authority, uri.path};
    c->authorization = s->authorization;
    c->end_session = s->end_session;
}

static struct slice encode(const struct filter_build *b, struct slice text)
{
    return introspection_encode(b->arena, text);
}

/* client_secret_basic needs no client_id in the form; the others do (RFC 6749 §2.3.1, §3.2.1). */
static void take_client(const struct filter_build *b, const struct oidc_spec *s,
                        struct oidc_conf *c)
{
    struct slice id = encode(b, s->client_id);
    c->client_id = s->client_id;
    if (!s->client_secret)
        c->credential = arena_printf(b->arena, "&client_id=%.*s", SLICE_ARG(id));
    else if (s->client_authentication == OIDC_AUTH_POST)
        c->credential = arena_printf(b->arena, "&client_id=%.*s&client_secret=%.*s", SLICE_ARG(id),
                                     SLICE_ARG(encode(b, s->client_secret->value)));
    else
        c->basic = introspection_basic(b->arena, s->client_id, s->client_secret->value);
}

static void take_request(const struct filter_build *b, const struct oidc_spec *s,
                         struct oidc_conf *c)
{
    struct slice scopes = SLICE("openid"), more = SLICE("");
    for (SCHEMA_EACH(s->scopes, struct slice, scope))
        if (!slice_eq(*scope, SLICE("openid")))
            scopes = arena_printf(b->arena, "%.*s %.*s", SLICE_ARG(scopes), SLICE_ARG(*scope));
    for (SCHEMA_EACH(s->parameters, struct oidc_param_spec, p))
        more = arena_printf(b->arena, "%.*s&%.*s=%.*s", SLICE_ARG(more),
                            SLICE_ARG(encode(b, p->name)), SLICE_ARG(encode(b, p->value)));
    c->request = arena_printf(b->arena,
                              "response_type=code&client_id=%.*s&scope=%.*s%.*s"
                              "&code_challenge_method=S256",
                              SLICE_ARG(encode(b, s->client_id)), SLICE_ARG(encode(b, scopes)),
                              SLICE_ARG(more));
}

/* ---- users ---- */

static enum err take_users(const struct filter_build *b, const struct oidc_spec *s,
                           struct oidc_conf *c)
{
    struct jwt_claim_header *headers =
        arena_alloc(b->arena, (s->claim_headers.count + 1) * sizeof(*headers));
    enum err e = ERR_OK;
    for (SCHEMA_EACH(s->claim_headers, struct jwt_claim_header_spec, h))
        e = e ? e : jwt_prepare_header(b, headers, &c->header_count, h->header, h->claim);
    c->headers = headers;
    c->rules = jwt_prepare_rules(b, &s->required_claims);
    c->rule_count = s->required_claims.count;
    c->id_token_header = arena_copy_lower(b->arena, s->id_token_header);
    if (s->consumer) {
        c->consumer_claim = s->consumer->claim;
        c->scope = consumer_scope_read(b->arena, s->consumer->namespaces.value);
        c->consumer_is_optional = s->consumer->is_optional;
    }
    return e;
}

/* Paths are compared as they are after normalization. */
static enum err check_path(const struct filter_build *b, struct slice path)
{
    if (slice_eq(normalize_path(b->arena, path), path))
        return ERR_OK;
    return filter_refuse(b, "path %.*s would never match: it must begin with / and have no "
                            "escapes, no ;, no // and no dot segments",
                         SLICE_ARG(path));
}

enum err oidc_prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct oidc_spec *s = spec;
    struct oidc_conf *c = conf;
    *c = (struct oidc_conf){
        .issuer = s->issuer,
        .origin = s->origin,
        .redirect_path = s->redirect_path,
        .logout_path = s->logout_path,
        .post_logout = s->post_logout,
        .lifetime_ms = s->lifetime_ms,
        .idle_ms = s->idle_ms,
        .login_ms = s->login_ms,
        .clock_skew_ms = s->clock_skew_ms,
        .timeout_ms = (uint32_t)s->timeout_ms,
        .algorithms = jwt_prepare_algorithms(&s->algorithms) & JOSE_ALGS_PUBLIC,
        .refreshes = s->refreshes,
        .forward = s->forward,
        .redirects = s->unauthenticated == OIDC_REDIRECT,
        .keep = filter_keep(b, sizeof(struct oidc_keep), NULL, dispose_keep),
    };
    take_client(b, s, c);
    take_contexts(b, c);
    take_cookie(b, &s->cookie, c);
    take_endpoints(s, c);
    take_request(b, s, c);
    enum err e = take_seal_keys(b, s, c);
    e = e ? e : take_users(b, s, c);
    e = e ? e : check_path(b, c->redirect_path);
    return e ? e : check_path(b, c->logout_path);
}
