/* oidc: what is made of what users write (oidc_spec.c, oidc_prepare.c), for its steps: one file
 * each.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "filters/jwt.h"
#include "filters/token/introspection_cache.h"
#include "filters/token/jwt_source.h"
#include "lib/tls/seal.h"

/* ---- what users write ---- */

struct oidc_param_spec {
    struct slice name, value;
};

struct oidc_cookie_spec {
    struct slice name, domain;
    int same_site; /* of oidc_same_site_names */
    bool is_secure;
};

struct oidc_consumer_spec {
    struct slice claim;
    struct schema_ref namespaces;
    bool is_optional;
};

struct oidc_spec {
    struct slice issuer;
    const struct schema_ref *discovery, *token, *jwks;
    struct slice authorization, end_session;
    struct slice client_id;
    const struct schema_ref *client_secret;
    int client_authentication;
    struct schema_list scopes;     /* struct slice */
    struct schema_list parameters; /* struct oidc_param_spec */
    struct slice origin, redirect_path, logout_path, post_logout;
    struct schema_list session_keys; /* struct schema_ref */
    struct oidc_cookie_spec cookie;
    int64_t lifetime_ms, idle_ms, login_ms;
    bool refreshes;
    struct schema_list algorithms; /* int: of jwt_algorithm_names */
    int64_t clock_skew_ms, timeout_ms;
    bool forward;
    struct slice id_token_header;
    struct schema_list claim_headers;   /* struct jwt_claim_header_spec */
    struct schema_list required_claims; /* struct jwt_claim_spec */
    const struct oidc_consumer_spec *consumer;
    int unauthenticated;
};

enum { OIDC_AUTH_BASIC, OIDC_AUTH_POST };
enum { OIDC_REDIRECT, OIDC_UNAUTHORIZED };
enum { OIDC_SAME_SITE_LAX, OIDC_SAME_SITE_STRICT, OIDC_SAME_SITE_NONE };

extern const char *const oidc_same_site_names[];
extern const struct schema oidc_schema;

/* ---- what is made of it ---- */

#define OIDC_KEYS_MAX 8

/* What a cookie holds: what is sealed for one purpose is nothing for another one. */
enum oidc_purpose { OIDC_SESSION, OIDC_LOGIN, OIDC_SEEN, OIDC_PURPOSES };

/* Whom to ask. */
struct oidc_endpoint {
    struct slice cluster, authority, path; /* cluster empty: nobody */
};

/* First a filter_keep: outlives changes of the configuration. */
struct oidc_keep {
    struct introspection_cache refreshed; /* first, as it begins with a keep: of refresh tokens */
    struct published *discoveries, *keys; /* of all configurations; control thread */
};

struct oidc_conf {
    struct slice issuer;
    struct published *discovery; /* NULL: everything is spelled out */
    struct oidc_endpoint token;  /* spelled out, as are the rest; empty: discovered */
    struct slice authorization, end_session;
    struct published *keys;

    struct slice client_id;
    struct slice basic;      /* "Basic …": a secret */
    struct slice credential; /* "&client_id=…&client_secret=…" of a form: a secret */
    struct slice request;    /* the constant part of a request for authorization, from '?' on */

    struct slice origin, redirect_path, logout_path, post_logout;
    const uint8_t (*seal_keys)[SEAL_KEY_SIZE]; /* the first one seals */
    size_t seal_key_count;
    struct slice contexts[OIDC_PURPOSES]; /* for seal.h */
    struct slice salt; /* what of the configuration the answer to a refresh token depends on */
    struct slice cookie;     /* its name */
    struct slice attributes; /* "; Path=/; HttpOnly…", but SameSite */
    int same_site;

    int64_t lifetime_ms, idle_ms, login_ms, clock_skew_ms;
    uint32_t timeout_ms;
    unsigned algorithms;
    bool refreshes, forward, redirects;
    struct slice id_token_header; /* as all header names here: lower-case */
    const struct jwt_claim_header *headers;
    size_t header_count;
    const struct jwt_claim_rule *rules;
    size_t rule_count;
    struct slice consumer_claim; /* empty: consumers are not looked for */
    struct consumer_scope scope;
    bool consumer_is_optional;
    struct oidc_keep *keep;
};

/* As a filter's prepare; in oidc_prepare.c. */
MUST_USE enum err oidc_prepare(const struct filter_build *b, const void *spec, void *conf);
