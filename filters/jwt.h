/* jwt: what users write of it (RequestAuthentication is compiled into the same), what is made of
 * that, and the steps of the check, one file each.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/caller/consumer.h"
#include "filters/filter.h"
#include "filters/token/jwt_place.h"
#include "filters/token/jwt_source.h"
#include "lib/jose/jwk.h"
#include "lib/jose/claims.h"
#include "lib/schema/schema_ref.h"

/* ---- what users write ---- */

#define JWT_PROVIDERS_MAX 64

struct jwt_keys_spec {
    struct slice inline_keys;
    const struct schema_ref *config_map, *secret, *remote;
    int64_t cache_ms, timeout_ms; /* of remote */
};

struct jwt_header_spec {
    struct slice name, prefix;
};

struct jwt_claim_spec {
    struct slice claim;
    struct schema_list values; /* struct slice */
};

struct jwt_claim_header_spec {
    struct slice header, claim;
};

struct jwt_provider_spec {
    struct slice issuer;
    struct schema_list audiences; /* struct slice, as all lists but those that say so */
    const struct jwt_keys_spec *keys;
    const struct schema_ref *consumers;
    struct schema_list algorithms;   /* int: of jwt_algorithm_names */
    struct schema_list from_headers; /* struct jwt_header_spec */
    struct schema_list from_params, from_cookies;
    bool forward;
    bool needs_expiry;
    int64_t clock_skew_ms;
    struct schema_list required_claims; /* struct jwt_claim_spec */
    struct schema_list scopes;
    struct schema_list claim_headers; /* struct jwt_claim_header_spec */
    struct slice payload_header;
};

struct jwt_spec {
    struct schema_list providers; /* struct jwt_provider_spec */
    bool is_optional;
    bool runs_on_preflight;
    struct schema_list excluded_paths;
    struct slice realm;
    int errors; /* enum jwt_errors */
};

enum jwt_errors { JWT_ERRORS_TEXT, JWT_ERRORS_JSON };

extern const struct schema jwt_schema;
extern const struct filter filter_jwt;
/* Of struct jwt_header_spec and struct jwt_claim_header_spec, and of names of places. */
extern const struct schema jwt_header_schema, jwt_claim_header_schema;
extern const struct schema_format jwt_name_format;
/* In the order of `algorithms`; NULL-terminated. */
extern const char *const jwt_algorithm_names[];
/* For lists of such things in other filters: an int, a jwt_claim_spec, a jwt_claim_header_spec. */
extern const struct schema_field jwt_algorithm_element, jwt_claim_element,
    jwt_claim_header_element;

/* ---- what is made of it ---- */

struct jwt_texts {
    const struct slice *items;
    size_t count;
};

struct jwt_claim_rule {
    struct slice claim;
    struct jwt_texts values; /* any of these; none: the claim is there */
};

struct jwt_claim_header {
    struct slice header; /* lower-case */
    struct slice claim;  /* NULL ptr: the whole payload, as it stands in the token */
};

struct jwt_provider {
    struct slice issuer; /* of consumers: none */
    bool is_of_consumers; /* whose credentials say what their issuer and key are */
    struct consumer_scope scope;
    struct jwt_texts audiences; /* none: any */
    unsigned algorithms;        /* JOSE_ALG_BIT of each that is allowed */
    struct jwk_set keys;       /* where there is no source */
    struct published *source; /* who publishes them; NULL: the configuration has them */
    uint64_t cache_ms;
    struct jwt_place_list places;
    bool forward, needs_expiry;
    int64_t clock_skew_ms;
    const struct jwt_claim_rule *rules;
    size_t rule_count;
    struct jwt_texts scopes; /* all of these */
    const struct jwt_claim_header *headers;
    size_t header_count;
};

struct jwt_cache;

struct jwt_conf {
    const struct jwt_provider *providers;
    size_t provider_count;
    struct jwt_place_list places; /* of all providers */
    struct jwt_texts excluded_paths;
    bool is_optional, runs_on_preflight;
    struct slice realm;
    enum jwt_errors errors;
    struct jwt_cache *cache; /* shared with earlier and later configurations of the filter */
    uint64_t generation;     /* of this one, among those that share the cache */
};

/* In jwt_prepare.c. */
MUST_USE enum err jwt_prepare(const struct filter_build *b, const void *spec, void *conf);

/* The same of lists of other filters (jwt_prepare.c). */
unsigned jwt_prepare_algorithms(const struct schema_list *from);
const struct jwt_claim_rule *jwt_prepare_rules(const struct filter_build *b,
                                               const struct schema_list *from);
/* *count: how many are there already. ERR_INVALID: one is to be set twice. */
MUST_USE enum err jwt_prepare_header(const struct filter_build *b, struct jwt_claim_header *items,
                                     size_t *count, struct slice name, struct slice claim);

/* Is the claim what it must be? */
bool jwt_check_rule(const struct jwt_claim_rule *rule, const struct doc *claims);

/* ---- what a good token comes to ---- */

struct jwt_verified; /* jwt_cache.h */

enum jwt_outcome {
    JWT_GOOD,
    JWT_WAIT,    /* keys are being fetched: answer FILTER_WAIT */
    JWT_NO_KEYS, /* they could not be fetched */
    JWT_MALFORMED, /* detail says how */
    JWT_EXPIRED,   /* at_ms: when */
    JWT_EARLY,
    JWT_REFUSED, /* detail says why */
    JWT_CLAIM_MISSING,
    JWT_SCOPE_MISSING,
};

struct jwt_result {
    enum jwt_outcome outcome;
    const char *detail; /* constant words that follow "the token " */
    int64_t at_ms;
    const struct jwt_provider *provider;
    struct slice scopes; /* JWT_SCOPE_MISSING: those that it has, between spaces */
    struct jwt_verified *verified; /* JWT_GOOD: one reference */
    const struct consumer_credential *credential; /* whose token it is; NULL: no Consumer's */
};

/* In jwt_check.c: checks what was found at a place, from the start or by the cache. wait: of the
 * exchange, zeroed before the first call. */
struct jwt_result jwt_check(struct filter_exchange *x, const struct jwt_conf *c,
                            const struct jwt_token *token, struct published_wait *wait);
