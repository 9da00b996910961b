/* What users write of the filter jwt. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/jwt.h"

#include "lib/schema/schema_format.h"

static const struct schema_field text_element = {.type = SCHEMA_STRING, .min = 1, .max = 2048};

/* ---- keys ---- */

static const struct schema_field keys_fields[] = {
    SCHEMA_FIELD(struct jwt_keys_spec, inline_keys, "inline", STRING,
                 "A JSON Web Key Set, or one key, as JSON (RFC 7517).", .min = 2, .max = 1 << 20),
    SCHEMA_FIELD(struct jwt_keys_spec, config_map, "configMapRef", OBJECT,
                 "A value of a ConfigMap that holds the same.", .object = &schema_ref_config_map),
    SCHEMA_FIELD(struct jwt_keys_spec, secret, "secretRef", OBJECT,
                 "A value of a Secret that holds the same. Symmetric keys (kty oct) are of use "
                 "here alone.",
                 .object = &schema_ref_secret),
    SCHEMA_FIELD(struct jwt_keys_spec, remote, "remote", OBJECT,
                 "Where the issuer publishes its keys: they are fetched when a token first needs "
                 "them, before they grow old, and when a token names a key that is not known.",
                 .object = &schema_ref_uri),
    SCHEMA_FIELD(struct jwt_keys_spec, cache_ms, "cacheTime", DURATION,
                 "Keys of `remote`: for how long they are used without asking again. The issuer's "
                 "Cache-Control can make it shorter, down to a minute. When the issuer cannot be "
                 "asked, the last keys stay in use for a day.",
                 .min = 1000, .max = 86400000, .fallback = 600000),
    SCHEMA_FIELD(struct jwt_keys_spec, timeout_ms, "timeout", DURATION,
                 "Keys of `remote`: for how long they are waited for.",
                 .fallback = PUBLISHED_TIMEOUT_MS),
    {0},
};

static void check_keys(struct schema_run *run, const struct doc *node, void *value)
{
    const struct jwt_keys_spec *s = value;
    int given = (s->inline_keys.ptr != NULL) + (s->config_map != NULL) + (s->secret != NULL) +
                (s->remote != NULL);
    if (given != 1)
        schema_error(run, node, NULL, "exactly one of inline, configMapRef, secretRef and remote "
                                      "must be given");
}

static const struct schema_rule keys_rules[] = {
    {"[has(self.inline), has(self.configMapRef), has(self.secretRef), "
     "has(self.remote)].exists_one(x, x)",
     "exactly one of inline, configMapRef, secretRef and remote must be given"},
    {0},
};

static const struct schema keys_schema = {
    .name = "JWTKeys",
    .doc = "The public keys of an issuer. Keys that are too weak (RSA below 2048 bits) or not for "
           "signatures are left out.",
    .size = sizeof(struct jwt_keys_spec),
    .fields = keys_fields,
    .check = check_keys,
    .rules = keys_rules,
};

/* ---- places ---- */

static const struct schema_field header_fields[] = {
    SCHEMA_FIELD(struct jwt_header_spec, name, "name", STRING, "Name of the header.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 256,
                 .format = &schema_format_mutable_header),
    SCHEMA_FIELD(struct jwt_header_spec, prefix, "prefix", STRING,
                 "What stands before the token, in any case: \"Bearer \".", .max = 64),
    {0},
};

const struct schema jwt_header_schema = {
    .name = "JWTHeader",
    .doc = "A header that tokens are in.",
    .size = sizeof(struct jwt_header_spec),
    .fields = header_fields,
};

static bool is_name(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= 0x20 || (unsigned char)text.ptr[i] >= 0x7f ||
            memchr("=;&,%+#?\"", text.ptr[i], 9))
            return false;
    return text.len > 0;
}

const struct schema_format jwt_name_format = {
    "jwt-name", "must be a name without spaces and without = ; & , % + # ? \"", NULL, is_name};
static const struct schema_field header_element = {.type = SCHEMA_INLINE,
                                                   .object = &jwt_header_schema};
static const struct schema_field name_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 256, .format = &jwt_name_format};

/* ---- claims ---- */

static const struct schema_field claim_fields[] = {
    SCHEMA_FIELD(struct jwt_claim_spec, claim, "claim", STRING,
                 "The claim; members of objects behind dots: \"realm_access.roles\".",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 256),
    SCHEMA_FIELD(struct jwt_claim_spec, values, "values", LIST,
                 "The claim is one of these, or a list with one of these in it; any value when "
                 "left out.",
                 .min = 1, .max = 64, .element = &text_element),
    {0},
};

static const struct schema claim_schema = {
    .name = "JWTClaim",
    .doc = "What a claim must say.",
    .size = sizeof(struct jwt_claim_spec),
    .fields = claim_fields,
};

static const struct schema_field claim_header_fields[] = {
    SCHEMA_FIELD(struct jwt_claim_header_spec, header, "header", STRING,
                 "Name of the header. What a client sends under it is removed.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 256,
                 .format = &schema_format_mutable_header),
    SCHEMA_FIELD(struct jwt_claim_header_spec, claim, "claim", STRING,
                 "The claim; members of objects behind dots. Lists are joined by commas; objects, "
                 "and lists with commas in their items, are JSON in Base64url.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 256),
    {0},
};

const struct schema jwt_claim_header_schema = {
    .name = "JWTClaimHeader",
    .doc = "A claim that the backend gets as a header.",
    .size = sizeof(struct jwt_claim_header_spec),
    .fields = claim_header_fields,
};

const struct schema_field jwt_claim_element = {.type = SCHEMA_INLINE,
                                               .object = &claim_schema};
const struct schema_field jwt_claim_header_element = {.type = SCHEMA_INLINE,
                                                      .object = &jwt_claim_header_schema};

/* ---- providers ---- */

const char *const jwt_algorithm_names[] = {"HS256", "HS384", "HS512", "RS256", "RS384",
                                           "RS512", "PS256", "PS384", "PS512", "ES256",
                                           "ES384", "ES512", "EdDSA", NULL};
const struct schema_field jwt_algorithm_element = {.type = SCHEMA_ENUM,
                                                   .choices = jwt_algorithm_names};

static const struct schema_field provider_fields[] = {
    SCHEMA_FIELD(struct jwt_provider_spec, issuer, "issuer", STRING,
                 "The claim `iss` of its tokens, exactly.", .min = 1, .max = 2048),
    SCHEMA_FIELD(struct jwt_provider_spec, audiences, "audiences", LIST,
                 "The claim `aud` must name one of these; any audience when left out.", .min = 1,
                 .max = 64, .element = &text_element),
    SCHEMA_FIELD(struct jwt_provider_spec, keys, "jwks", OBJECT, "Its keys.",
                 .object = &keys_schema),
    SCHEMA_FIELD(struct jwt_provider_spec, consumers, "consumers", OBJECT,
                 "Instead of issuer and jwks: Consumers' own tokens are accepted. Their credential "
                 "`jwt` names the `iss`, the algorithm and the key.",
                 .object = &schema_ref_consumers),
    SCHEMA_FIELD(struct jwt_provider_spec, algorithms, "algorithms", LIST,
                 "Which algorithms its tokens may be signed with: all that fit the keys when left "
                 "out.",
                 .min = 1, .max = 13, .element = &jwt_algorithm_element),
    SCHEMA_FIELD(struct jwt_provider_spec, from_headers, "fromHeaders", LIST,
                 "Headers that its tokens are in. Without any place: Authorization, behind "
                 "\"Bearer \".",
                 .min = 1, .max = 16, .element = &header_element),
    SCHEMA_FIELD(struct jwt_provider_spec, from_params, "fromParams", LIST,
                 "Parameters of the query that its tokens are in.", .min = 1, .max = 16,
                 .element = &name_element),
    SCHEMA_FIELD(struct jwt_provider_spec, from_cookies, "fromCookies", LIST,
                 "Cookies that its tokens are in.", .min = 1, .max = 16, .element = &name_element),
    SCHEMA_FIELD(struct jwt_provider_spec, forward, "forwardOriginalToken", BOOL,
                 "The backend gets the token as well.", .fallback = true),
    SCHEMA_FIELD(struct jwt_provider_spec, needs_expiry, "requireExpiration", BOOL,
                 "A token without the claim `exp` is refused.", .fallback = true),
    SCHEMA_FIELD(struct jwt_provider_spec, clock_skew_ms, "clockSkew", DURATION,
                 "How much the issuer's clock may differ from ours, for `exp` and `nbf`.",
                 .max = 600000, .fallback = 30000),
    SCHEMA_FIELD(struct jwt_provider_spec, required_claims, "requiredClaims", LIST,
                 "What claims must say, all of it; else 403.", .min = 1, .max = 32,
                 .element = &jwt_claim_element),
    SCHEMA_FIELD(struct jwt_provider_spec, scopes, "scopes", LIST,
                 "Scopes that the token must have, all of them (claims `scope` or `scp`); else "
                 "403.",
                 .min = 1, .max = 64, .element = &text_element),
    SCHEMA_FIELD(struct jwt_provider_spec, claim_headers, "claimToHeaders", LIST,
                 "Claims that the backend gets as headers.", .min = 1, .max = 64,
                 .element = &jwt_claim_header_element),
    SCHEMA_FIELD(struct jwt_provider_spec, payload_header, "outputPayloadToHeader", STRING,
                 "A header in which the backend gets all claims, as JSON in Base64url.", .min = 1,
                 .max = 256, .format = &schema_format_mutable_header),
    {0},
};

static void check_provider(struct schema_run *run, const struct doc *node, void *value)
{
    const struct jwt_provider_spec *s = value;
    if (s->consumers && (s->issuer.ptr || s->keys || s->algorithms.present))
        schema_error(run, node, "consumers",
                     "goes without issuer, jwks and algorithms: the Consumers have them");
    if (!s->consumers && (!s->issuer.ptr || !s->keys))
        schema_error(run, node, NULL, "needs issuer and jwks, or consumers");
}

static const struct schema_rule provider_rules[] = {
    {"has(self.consumers) ? !(has(self.issuer) || has(self.jwks) || has(self.algorithms)) : "
     "(has(self.issuer) && has(self.jwks))",
     "needs either issuer and jwks, or consumers without algorithms"},
    {0},
};

static const struct schema provider_schema = {
    .name = "JWTProvider",
    .doc = "An issuer whose tokens are accepted.",
    .size = sizeof(struct jwt_provider_spec),
    .fields = provider_fields,
    .check = check_provider,
    .rules = provider_rules,
};

static const struct schema_field provider_element = {.type = SCHEMA_INLINE,
                                                     .object = &provider_schema};

/* ---- the whole ---- */

static const char *const errors[] = {
    [JWT_ERRORS_TEXT] = "Text", [JWT_ERRORS_JSON] = "JSON", NULL};

static bool is_realm(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || (unsigned char)text.ptr[i] >= 0x7f ||
            text.ptr[i] == '"' || text.ptr[i] == '\\')
            return false;
    return text.len > 0;
}

static const struct schema_format realm_format = {
    "realm", "must be printable ASCII without quotes and backslashes", NULL, is_realm};
static const struct schema_field path_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 1024, .format = &schema_format_path};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct jwt_spec, providers, "providers", LIST,
                 "Issuers whose tokens are accepted; the claim `iss` of a token chooses.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = JWT_PROVIDERS_MAX,
                 .element = &provider_element),
    SCHEMA_FIELD(struct jwt_spec, is_optional, "optional", BOOL,
                 "A request without a token passes as well; one with a token that is not good is "
                 "refused all the same."),
    SCHEMA_FIELD(struct jwt_spec, excluded_paths, "excludedPaths", LIST,
                 "Paths, exactly, that need no token.", .max = 256, .element = &path_element),
    SCHEMA_FIELD(struct jwt_spec, runs_on_preflight, "runOnPreflight", BOOL,
                 "OPTIONS requests need a token like others.", .fallback = true),
    SCHEMA_FIELD(struct jwt_spec, realm, "realm", STRING,
                 "The realm in WWW-Authenticate; none when left out.", .min = 1, .max = 256,
                 .format = &realm_format),
    SCHEMA_FIELD(struct jwt_spec, errors, "errorFormat", ENUM,
                 "The body of refusals: text as of other failures, or JSON with error and "
                 "message.",
                 .choices = errors),
    {0},
};

const struct schema jwt_schema = {
    .name = "JWT",
    .doc = "Signed tokens (RFC 7519) that say who a request is from.",
    .size = sizeof(struct jwt_spec),
    .fields = fields,
};
