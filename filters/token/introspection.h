/* oauth2Introspection: what is made of what users write (introspection_spec.c), for its hooks
 * (oauth2_introspection.c).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/token/introspection_cache.h"

struct introspection_header {
    struct slice claim, header; /* the header in lower case */
};

struct introspection {
    struct slice cluster, path, host;
    struct slice backend;       /* for people: "idp:80" */
    struct slice authorization; /* "Basic …": a secret */
    struct slice salt;          /* what of the configuration an answer depends on */
    struct slice token_header;  /* empty: Authorization */
    struct slice issuer;
    const struct slice *audiences, *scopes;
    const struct introspection_header *headers;
    size_t audience_count, scope_count, header_count;
    struct slice scope_text, realm;
    uint32_t ttl_ms, negative_ttl_ms, timeout_ms;
    bool hide;
    struct introspection_cache *cache;
};

extern const struct schema introspection_schema;
/* As a filter's prepare. */
MUST_USE enum err introspection_prepare(const struct filter_build *b, const void *spec, void *conf);
/* As a form has it (RFC 6749 appendix B), in the arena. */
struct slice introspection_encode(struct arena *arena, struct slice text);
/* "Basic …" of a client (RFC 6749 §2.3.1): a secret, in the arena. */
struct slice introspection_basic(struct arena *arena, struct slice id, struct slice secret);
