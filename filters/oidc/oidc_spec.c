/* oidc: what users write. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "filters/oidc/oidc_conf.h"
#include "lib/codec/http/http_uri.h"
#include "lib/schema/schema_format.h"

/* ---- cookies ---- */

static bool is_token(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= 0x20 || (unsigned char)text.ptr[i] >= 0x7f ||
            strchr("()<>@,;:\\\"/[]?={}", text.ptr[i]))
            return false;
    return text.len > 0;
}

static const struct schema_format cookie_name_format = {
    "cookie-name", "must be a token (RFC 9110 section 5.6.2): letters, digits, - and _, say", NULL,
    is_token};

const char *const oidc_same_site_names[] = {[OIDC_SAME_SITE_LAX] = "Lax",
                                            [OIDC_SAME_SITE_STRICT] = "Strict",
                                            [OIDC_SAME_SITE_NONE] = "None", NULL};

static const struct schema_field cookie_fields[] = {
    SCHEMA_FIELD(struct oidc_cookie_spec, name, "name", STRING,
                 "Name of the session's cookie, with which the others' begin. Left out, one that "
                 "is the filter's own, behind __Host- or __Secure- where browsers allow it.",
                 .min = 1, .max = 64, .format = &cookie_name_format),
    SCHEMA_FIELD(struct oidc_cookie_spec, domain, "domain", STRING,
                 "Domain of the cookies, where several hosts share a session; the host alone when "
                 "left out.",
                 .format = &schema_format_precise_hostname),
    SCHEMA_FIELD(struct oidc_cookie_spec, same_site, "sameSite", ENUM,
                 "SameSite of the session's cookies. The cookie of a login under way is Lax unless "
                 "this is None, since the browser comes back from another site.",
                 .choices = oidc_same_site_names),
    SCHEMA_FIELD(struct oidc_cookie_spec, is_secure, "secure", BOOL,
                 "Browsers send the cookies over TLS alone.", .fallback = true),
    {0},
};

static bool has_prefix(struct slice name, const char *prefix)
{
    size_t len = strlen(prefix);
    return slice_eq_nocase(slice_sub(name, 0, len), slice_of(prefix, len));
}

static void check_cookie(struct schema_run *run, const struct doc *node, void *value)
{
    const struct oidc_cookie_spec *s = value;
    if (has_prefix(s->name, "__Host-") && (s->domain.len || !s->is_secure))
        schema_error(run, node, "name", "begins with __Host-, which goes with secure and without "
                                        "domain");
    if (has_prefix(s->name, "__Secure-") && !s->is_secure)
        schema_error(run, node, "name", "begins with __Secure-, which goes with secure");
    if (s->same_site == OIDC_SAME_SITE_NONE && !s->is_secure)
        schema_error(run, node, "sameSite", "must not be None without secure: browsers refuse such "
                                            "cookies");
}

static const struct schema cookie_schema = {
    .name = "OIDCCookie",
    .doc = "The cookies: always HttpOnly, with the path /.",
    .size = sizeof(struct oidc_cookie_spec),
    .fields = cookie_fields,
    .check = check_cookie,
};

/* ---- parameters ---- */

static const struct schema_field param_fields[] = {
    SCHEMA_FIELD(struct oidc_param_spec, name, "name", STRING, "Name of the parameter.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 64, .format = &cookie_name_format),
    SCHEMA_FIELD(struct oidc_param_spec, value, "value", STRING, "Its value.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 1024),
    {0},
};

static const char *const own_params[] = {
    "response_type", "response_mode", "client_id", "client_secret", "redirect_uri", "scope",
    "state", "nonce", "code_challenge", "code_challenge_method", "request", "request_uri", NULL};

static void check_param(struct schema_run *run, const struct doc *node, void *value)
{
    const struct oidc_param_spec *s = value;
    for (const char *const *own = own_params; *own; own++)
        if (slice_eq_cstr(s->name, *own))
            schema_error(run, node, "name", "must not be %s, which the filter sets itself", *own);
}

static const struct schema param_schema = {
    .name = "OIDCParameter",
    .doc = "A parameter of the request for authorization: prompt, audience, kc_idp_hint.",
    .size = sizeof(struct oidc_param_spec),
    .fields = param_fields,
    .check = check_param,
};

/* ---- consumers ---- */

static const struct schema_field consumer_fields[] = {
    SCHEMA_FIELD(struct oidc_consumer_spec, claim, "claim", STRING,
                 "The claim that is the Consumer's name: \"preferred_username\".",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 256),
    SCHEMA_FIELD(struct oidc_consumer_spec, namespaces, "consumerNamespaces", INLINE,
                 "Where the Consumers are.", .object = &schema_ref_consumers),
    SCHEMA_FIELD(struct oidc_consumer_spec, is_optional, "optional", BOOL,
                 "Who is none of them passes as well, without being a Consumer."),
    {0},
};

static const struct schema consumer_schema = {
    .name = "OIDCConsumer",
    .doc = "Which Consumer a user is.",
    .size = sizeof(struct oidc_consumer_spec),
    .fields = consumer_fields,
};

/* ---- the whole ---- */

static bool is_scope(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || strchr("\"\\", text.ptr[i]))
            return false;
    return text.len > 0;
}

/* "https://shop.example.com:8443", without a path. */
static bool is_origin(struct slice text)
{
    struct http_uri uri;
    return http_uri_read(text, &uri) && slice_ends_with(text, uri.authority);
}

static bool is_place(struct slice text)
{
    struct http_uri uri;
    bool is_local = slice_starts_with(text, SLICE("/")) && message_path_is_valid(text);
    return (is_local && !slice_starts_with(text, SLICE("//"))) || http_uri_read(text, &uri);
}

static const struct schema_format scope_format = {
    "scope", "must be a scope token: printable, without spaces, quotes and backslashes", NULL,
    is_scope};
static const struct schema_format origin_format = {
    "http-origin", "must be a scheme and a host, like \"https://shop.example.com\"", NULL,
    is_origin};
static const struct schema_format place_format = {
    "http-place", "must be a path or an absolute URI, like \"/bye\" or \"https://example.com/\"",
    NULL, is_place};

static const struct schema_field scope_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 128, .format = &scope_format};
static const struct schema_field param_element = {.type = SCHEMA_INLINE, .object = &param_schema};
static const struct schema_field key_element = {.type = SCHEMA_INLINE,
                                                .object = &schema_ref_secret};
static const char *const authentications[] = {
    [OIDC_AUTH_BASIC] = "Basic", [OIDC_AUTH_POST] = "Post", NULL};
static const char *const unauthenticated[] = {
    [OIDC_REDIRECT] = "Redirect", [OIDC_UNAUTHORIZED] = "Unauthorized", NULL};

#define HOUR_MS INT64_C(3600000)

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct oidc_spec, issuer, "issuer", STRING,
                 "The OpenID provider: the claim `iss` of its tokens, exactly.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 2048,
                 .format = &schema_format_http_uri),
    SCHEMA_FIELD(struct oidc_spec, discovery, "discovery", OBJECT,
                 "Its discovery document, mostly the issuer with "
                 "/.well-known/openid-configuration behind it. Endpoints at the document's host "
                 "or the issuer's are called where the document is.",
                 .object = &schema_ref_uri),
    SCHEMA_FIELD(struct oidc_spec, authorization, "authorizationEndpoint", STRING,
                 "Where browsers are sent to log in; as discovered when left out.", .min = 1,
                 .max = 2048, .format = &schema_format_http_uri),
    SCHEMA_FIELD(struct oidc_spec, token, "tokenEndpoint", OBJECT,
                 "Where codes are exchanged for tokens. Needed as well where the document names "
                 "one at another host.",
                 .object = &schema_ref_uri),
    SCHEMA_FIELD(struct oidc_spec, jwks, "jwks", OBJECT,
                 "The provider's keys. Needed as well where the document names them at another "
                 "host.",
                 .object = &schema_ref_uri),
    SCHEMA_FIELD(struct oidc_spec, end_session, "endSessionEndpoint", STRING,
                 "Where browsers are sent to log out; as discovered when left out.", .min = 1,
                 .max = 2048, .format = &schema_format_http_uri),
    SCHEMA_FIELD(struct oidc_spec, client_id, "clientId", STRING,
                 "As whom the provider knows this gateway.", .flags = SCHEMA_REQUIRED, .min = 1,
                 .max = 256),
    SCHEMA_FIELD(struct oidc_spec, client_secret, "clientSecretRef", OBJECT,
                 "The client's secret; a public client when left out.",
                 .object = &schema_ref_secret),
    SCHEMA_FIELD(struct oidc_spec, client_authentication, "clientAuthentication", ENUM,
                 "How the secret is shown: client_secret_basic or client_secret_post.",
                 .choices = authentications),
    SCHEMA_FIELD(struct oidc_spec, scopes, "scopes", LIST,
                 "Scopes to ask for, beside openid. Some providers give refresh tokens for "
                 "offline_access alone.",
                 .max = 32, .element = &scope_element),
    SCHEMA_FIELD(struct oidc_spec, parameters, "authorizationParameters", LIST,
                 "More parameters of the request for authorization.", .max = 16,
                 .element = &param_element),
    SCHEMA_FIELD(struct oidc_spec, origin, "origin", STRING,
                 "Scheme and host under which browsers reach the gateway; the request's own when "
                 "left out.",
                 .min = 1, .max = 512, .format = &origin_format),
    SCHEMA_FIELD(struct oidc_spec, redirect_path, "redirectPath", STRING,
                 "Where the provider sends browsers back to. The filter answers there itself, so "
                 "a route that has the filter must match it.",
                 .text = "/oauth2/callback", .min = 1, .max = 512, .format = &schema_format_path),
    SCHEMA_FIELD(struct oidc_spec, logout_path, "logoutPath", STRING,
                 "A path that ends the session, here and at the provider.",
                 .text = "/oauth2/logout", .min = 1, .max = 512, .format = &schema_format_path),
    SCHEMA_FIELD(struct oidc_spec, post_logout, "postLogoutRedirect", STRING,
                 "Where the browser goes then: a path, or an absolute URI. The provider has to "
                 "know it.",
                 .min = 1, .max = 1024, .format = &place_format),
    SCHEMA_FIELD(struct oidc_spec, session_keys, "sessionKeys", LIST,
                 "Values of Secrets, of at least 32 bytes each, by which cookies are encrypted "
                 "(AES-256-GCM): the first encrypts, all decrypt. Gateways with the same keys know "
                 "each other's sessions.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = OIDC_KEYS_MAX,
                 .element = &key_element),
    SCHEMA_FIELD(struct oidc_spec, cookie, "cookie", INLINE, "The cookies.",
                 .object = &cookie_schema),
    SCHEMA_FIELD(struct oidc_spec, lifetime_ms, "sessionLifetime", DURATION,
                 "How long a session may last. It ends with its tokens before, unless these are "
                 "refreshed.",
                 .min = 60000, .max = 400 * 24 * HOUR_MS, .fallback = 8 * HOUR_MS),
    SCHEMA_FIELD(struct oidc_spec, idle_ms, "idleTimeout", DURATION,
                 "A session ends when it was not used for so long; 0s: it does not.",
                 .max = 400 * 24 * HOUR_MS),
    SCHEMA_FIELD(struct oidc_spec, login_ms, "loginTimeout", DURATION,
                 "How long a user may take to log in.", .min = 10000, .max = HOUR_MS,
                 .fallback = 600000),
    SCHEMA_FIELD(struct oidc_spec, refreshes, "refresh", BOOL,
                 "Where the provider gives a refresh token: tokens are refreshed shortly before "
                 "they expire.",
                 .fallback = true),
    SCHEMA_FIELD(struct oidc_spec, algorithms, "algorithms", LIST,
                 "Which algorithms ID tokens may be signed with: all with public keys when left "
                 "out.",
                 .min = 1, .max = 13, .element = &jwt_algorithm_element),
    SCHEMA_FIELD(struct oidc_spec, clock_skew_ms, "clockSkew", DURATION,
                 "How much the provider's clock may differ from ours.", .max = 600000,
                 .fallback = 30000),
    SCHEMA_FIELD(struct oidc_spec, timeout_ms, "timeout", DURATION,
                 "How long an answer of the token endpoint may take.", .min = 1, .max = 60000,
                 .fallback = 5000),
    SCHEMA_FIELD(struct oidc_spec, forward, "forwardAccessToken", BOOL,
                 "The backend gets the access token, as \"Authorization: Bearer\"."),
    SCHEMA_FIELD(struct oidc_spec, id_token_header, "idTokenHeader", STRING,
                 "A header in which the backend gets the ID token.", .min = 1, .max = 256,
                 .format = &schema_format_mutable_header),
    SCHEMA_FIELD(struct oidc_spec, claim_headers, "claimToHeaders", LIST,
                 "Claims of the ID token that the backend gets as headers.", .min = 1, .max = 64,
                 .element = &jwt_claim_header_element),
    SCHEMA_FIELD(struct oidc_spec, required_claims, "requiredClaims", LIST,
                 "What claims of the ID token must say, all of it; else 403.", .min = 1, .max = 32,
                 .element = &jwt_claim_element),
    SCHEMA_FIELD(struct oidc_spec, consumer, "consumer", OBJECT,
                 "Users are Consumers, for groups and limits.", .object = &consumer_schema),
    SCHEMA_FIELD(struct oidc_spec, unauthenticated, "unauthenticated", ENUM,
                 "What a browser gets that is not logged in: Redirect: it is sent to log in, and "
                 "whatever is no navigation (scripts, other programs) gets 401; Unauthorized: 401.",
                 .choices = unauthenticated),
    {0},
};

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct oidc_spec *s = value;
    if (!s->discovery && (!s->authorization.ptr || !s->token || !s->jwks))
        schema_error(run, node, NULL, "needs discovery, or authorizationEndpoint, tokenEndpoint "
                                      "and jwks");
    if (slice_eq(s->redirect_path, s->logout_path))
        schema_error(run, node, "logoutPath", "must not be redirectPath");
    for (SCHEMA_EACH(s->algorithms, int, index))
        if (slice_starts_with(slice_from_cstr(jwt_algorithm_names[*index]), SLICE("HS")))
            schema_error(run, node, "algorithms",
                         "must not be symmetric: keys that are published let everybody sign");
}

static const struct schema_rule rules[] = {
    {"has(self.discovery) || (has(self.authorizationEndpoint) && has(self.tokenEndpoint) && "
     "has(self.jwks))",
     "needs discovery, or authorizationEndpoint, tokenEndpoint and jwks"},
    {0},
};

const struct schema oidc_schema = {
    .name = "OIDC",
    .doc = "Logs browsers in at an OpenID provider, and keeps the session in encrypted cookies.",
    .size = sizeof(struct oidc_spec),
    .fields = fields,
    .check = check,
    .rules = rules,
};
