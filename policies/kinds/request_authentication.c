/* The table of RequestAuthentication, and what it is as a filter. Control thread.
 * Must not know which workloads exist.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/request_authentication.h"

#include "lib/schema/schema_format.h"

#define SKEW_MS 60000      /* as in Envoy, where nobody can say it either */
#define CACHE_MS 600000    /* of keys at a URI */
#define TIMEOUT_MIN_MS 100 /* until they are there */
#define TIMEOUT_MAX_MS 60000
#define BLOCK 4096

/* ---- targets ---- */

static const struct schema_field target_fields[] = {
    SCHEMA_FIELD(struct policy_target, group, "group", STRING,
                 "Group of the target; follows from the kind when left out.", .max = 253),
    SCHEMA_FIELD(struct policy_target, kind, "kind", STRING, "Gateway or Service.",
                 .flags = SCHEMA_REQUIRED, .max = 63),
    SCHEMA_FIELD(struct policy_target, name, "name", STRING,
                 "Name of the target, in the policy's namespace.", .flags = SCHEMA_REQUIRED,
                 .format = &schema_format_name),
    {0},
};

static void check_target(struct schema_run *run, const struct doc *node, void *value)
{
    const struct policy_target *t = value;
    bool is_gateway = slice_eq_cstr(t->kind, "Gateway");
    const char *group = is_gateway ? KIND_GROUP_GATEWAY : KIND_GROUP_CORE;
    if (t->kind.ptr && !is_gateway && !slice_eq_cstr(t->kind, "Service"))
        schema_error(run, node, "kind",
                     "must be Gateway or Service; workloads are chosen by selector");
    else if (t->kind.ptr && t->group.ptr && !slice_eq_cstr(t->group, group))
        schema_error(run, node, "group", "must be \"%s\" for this kind", group);
}

static const struct schema_rule target_rules[] = {
    {"self.kind in ['Gateway', 'Service']",
     "kind must be Gateway or Service; workloads are chosen by selector"},
    {"!has(self.group) || self.group == (self.kind == 'Service' ? '' : "
     "'gateway.networking.k8s.io')",
     "group must be the one of the kind"},
    {0},
};

static const struct schema target_schema = {
    .name = "RequestAuthenticationTarget",
    .doc = "What the policy is for.",
    .size = sizeof(struct policy_target),
    .fields = target_fields,
    .has_line = true,
    .line_offset = offsetof(struct policy_target, line),
    .check = check_target,
    .rules = target_rules,
};

/* ---- rules ---- */

static const struct schema_field audience_element = {.type = SCHEMA_STRING, .min = 1, .max = 2048};
static const struct schema_field header_element = {.type = SCHEMA_INLINE,
                                                   .object = &jwt_header_schema};
static const struct schema_field name_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 256, .format = &jwt_name_format};
static const struct schema_field claim_header_element = {.type = SCHEMA_INLINE,
                                                         .object = &jwt_claim_header_schema};

static const struct schema_field rule_fields[] = {
    SCHEMA_FIELD(struct request_authentication_rule, issuer, "issuer", STRING,
                 "The claim `iss` of the tokens, exactly.", .flags = SCHEMA_REQUIRED, .min = 1,
                 .max = 2048),
    SCHEMA_FIELD(struct request_authentication_rule, audiences, "audiences", LIST,
                 "The claim `aud` must name one of these; any audience when left out.", .min = 1,
                 .max = 64, .element = &audience_element),
    SCHEMA_FIELD(struct request_authentication_rule, jwks_uri, "jwksUri", STRING,
                 "Where the issuer publishes its keys: \"https://login.example.com/keys\". A host "
                 "that is a Service, \"http://login.shop.svc:8080/keys\", is called as a Service of "
                 "the mesh.",
                 .min = 1, .max = 2048, .format = &schema_format_http_uri),
    SCHEMA_FIELD(struct request_authentication_rule, jwks, "jwks", STRING,
                 "The issuer's public keys themselves, instead: a JSON Web Key Set (RFC 7517).",
                 .min = 2, .max = 1 << 20),
    SCHEMA_FIELD(struct request_authentication_rule, from_headers, "fromHeaders", LIST,
                 "Headers that the tokens are in. Without any place: Authorization, behind "
                 "\"Bearer \", and the query parameter access_token.",
                 .min = 1, .max = 16, .element = &header_element),
    SCHEMA_FIELD(struct request_authentication_rule, from_params, "fromParams", LIST,
                 "Parameters of the query that the tokens are in.", .min = 1, .max = 16,
                 .element = &name_element),
    SCHEMA_FIELD(struct request_authentication_rule, from_cookies, "fromCookies", LIST,
                 "Cookies that the tokens are in.", .min = 1, .max = 16,
                 .element = &name_element),
    SCHEMA_FIELD(struct request_authentication_rule, payload_header, "outputPayloadToHeader",
                 STRING,
                 "A header in which the backend gets all claims, as JSON in Base64url. What a "
                 "client sends under it is removed.",
                 .min = 1, .max = 256, .format = &schema_format_mutable_header),
    SCHEMA_FIELD(struct request_authentication_rule, claim_headers, "outputClaimToHeaders", LIST,
                 "Claims that the backend gets as headers.", .min = 1, .max = 64,
                 .element = &claim_header_element),
    SCHEMA_FIELD(struct request_authentication_rule, forward, "forwardOriginalToken", BOOL,
                 "The backend gets the token as well."),
    SCHEMA_FIELD(struct request_authentication_rule, timeout_ms, "timeout", DURATION,
                 "For how long the keys at jwksUri are waited for: 100ms to 1m.",
                 .fallback = PUBLISHED_TIMEOUT_MS),
    {0},
};

/* Keys that are none are said now, and not when the first token comes. */
static void check_keys(struct schema_run *run, const struct doc *node, struct slice text)
{
    char why[JWK_WHY_MAX];
    struct arena arena;
    struct jwk_set set;
    arena_init(&arena, BLOCK);
    if (jwk_set_parse(text, JWK_PUBLIC_ONLY, &arena, &set, why))
        schema_error(run, node, "jwks", "%s", why);
    else if (!set.count)
        schema_error(run, node, "jwks", "has no key of use%s%s", set.unused ? ": " : "",
                     set.unused_why);
    arena_dispose(&arena);
}

static void check_rule(struct schema_run *run, const struct doc *node, void *value)
{
    const struct request_authentication_rule *r = value;
    if ((doc_get(node, SLICE("jwks")) != NULL) == (doc_get(node, SLICE("jwksUri")) != NULL))
        schema_error(run, node, NULL,
                     "exactly one of jwksUri and jwks must be given: keys are not looked for at "
                     "the issuer itself");
    else if (r->jwks.ptr)
        check_keys(run, node, r->jwks);
    if (r->timeout_ms < TIMEOUT_MIN_MS || r->timeout_ms > TIMEOUT_MAX_MS)
        schema_error(run, node, "timeout", "must be from 100ms to 1m");
}

static const struct schema_rule rule_rules[] = {
    {"has(self.jwksUri) != has(self.jwks)", "exactly one of jwksUri and jwks must be given"},
    {"!has(self.timeout) || (duration(self.timeout) >= duration('100ms') && "
     "duration(self.timeout) <= duration('1m'))",
     "timeout must be from 100ms to 1m"},
    {0},
};

static const struct schema rule_schema = {
    .name = "JWTRule",
    .doc = "An issuer whose tokens are accepted.",
    .size = sizeof(struct request_authentication_rule),
    .fields = rule_fields,
    .check = check_rule,
    .rules = rule_rules,
};

/* ---- the whole ---- */

static const struct schema_field target_element = {.type = SCHEMA_INLINE, .object = &target_schema};
static const struct schema_field rule_element = {.type = SCHEMA_INLINE, .object = &rule_schema};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct request_authentication_spec, selector, "selector", OBJECT,
                 "Workloads and Gateways it is for; the namespace (weft-system: the mesh) when "
                 "left out.",
                 .object = &selector_labels_schema),
    SCHEMA_FIELD(struct request_authentication_spec, targets, "targetRefs", LIST,
                 "Gateways and Services it is for, instead of a selector.", .min = 1, .max = 16,
                 .element = &target_element),
    SCHEMA_FIELD(struct request_authentication_spec, rules, "jwtRules", LIST,
                 "Whose tokens are accepted; the claim `iss` of a token chooses. A token that no "
                 "rule accepts is answered 401; a request without a token passes.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 16, .element = &rule_element),
    {0},
};

static void check_spec(struct schema_run *run, const struct doc *node, void *value)
{
    const struct request_authentication_spec *spec = value;
    if (spec->selector && spec->targets.present)
        schema_error(run, node, "targetRefs", "cannot be combined with selector");
}

static const struct schema_rule spec_rules[] = {
    {"!has(self.selector) || !has(self.targetRefs)", "targetRefs cannot be combined with selector"},
    {0},
};

static const struct schema spec_schema = {
    .name = "RequestAuthenticationSpec",
    .doc = "Whose tokens requests may show.",
    .size = sizeof(struct request_authentication_spec),
    .fields = spec_fields,
    .check = check_spec,
    .rules = spec_rules,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct request_authentication, spec, "spec", INLINE,
                 "Whose tokens requests may show.", .flags = SCHEMA_REQUIRED,
                 .object = &spec_schema),
    {0},
};

const struct schema request_authentication_kind_schema = {
    .name = "RequestAuthentication",
    .doc = "Whose tokens requests to workloads or at a Gateway may show. A request without a token "
           "passes; AuthorizationPolicy says who needs one.",
    .size = sizeof(struct request_authentication),
    .fields = fields,
};

/* ---- as a filter ---- */

static const struct jwt_header_spec bearer = {{"Authorization", 13}, {"Bearer ", 7}};
static const struct slice access_token = {"access_token", 12};

static struct jwt_keys_spec *keys_of(struct arena *arena,
                                     const struct request_authentication_rule *from)
{
    struct jwt_keys_spec *keys = arena_zalloc(arena, sizeof *keys);
    *keys = (struct jwt_keys_spec){
        .inline_keys = from->jwks, .cache_ms = CACHE_MS, .timeout_ms = from->timeout_ms};
    if (from->jwks_uri.ptr) {
        struct schema_ref *remote = arena_zalloc(arena, sizeof *remote);
        remote->name = from->jwks_uri;
        keys->remote = remote;
    }
    return keys;
}

static struct jwt_provider_spec provider_of(struct arena *arena,
                                            const struct request_authentication_rule *from)
{
    struct jwt_provider_spec to = {.issuer = from->issuer,
                                   .audiences = from->audiences,
                                   .keys = keys_of(arena, from),
                                   .from_headers = from->from_headers,
                                   .from_params = from->from_params,
                                   .from_cookies = from->from_cookies,
                                   .forward = from->forward,
                                   .clock_skew_ms = SKEW_MS,
                                   .claim_headers = from->claim_headers,
                                   .payload_header = from->payload_header};
    if (from->from_headers.count + from->from_params.count + from->from_cookies.count)
        return to;
    to.from_headers = (struct schema_list){(void *)(uintptr_t)&bearer, 1, true};
    to.from_params = (struct schema_list){(void *)(uintptr_t)&access_token, 1, true};
    return to;
}

struct jwt_spec request_authentication_jwt(struct arena *arena,
                                           const struct request_authentication_spec *spec)
{
    struct jwt_provider_spec *providers =
        arena_zalloc(arena, spec->rules.count * sizeof *providers);
    struct jwt_spec to = {.is_optional = true, .runs_on_preflight = true};
    for (SCHEMA_EACH(spec->rules, struct request_authentication_rule, rule))
        providers[to.providers.count++] = provider_of(arena, rule);
    to.providers.items = providers;
    to.providers.present = true;
    return to;
}
