/* Tokens that were found good, so that the next request with one need not check its signature
 * again. Found by the SHA-256 of the token; bounded; shared by all workers without a lock: whoever
 * looks at a place holds it for that moment, and who finds it held checks the token itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>

#include "filters/jwt.h"
#include "lib/tls/digest.h"

/* A good token. Immutable but for its count. */
struct jwt_verified {
    _Atomic uint32_t refs;
    uint8_t digest[DIGEST_SIZE];
    uint64_t generation; /* of the configuration by which it is good */
    uint64_t version;    /* of the keys of the provider's source */
    uint8_t credential[DIGEST_SIZE]; /* of the Consumer's by which it is good; jwt_check.c */
    const struct jwt_provider *provider;
    struct arena arena; /* of everything below */
    struct claims claims;
    struct slice principal;      /* "<issuer>/<subject>"; empty where one of them is missing */
    const struct slice *headers; /* values of provider->headers; empty: the claim is not there */
};

#define JWT_CACHE_SIZE 1024u

/* First a filter_keep. */
struct jwt_cache {
    struct filter_keep keep;
    _Atomic uint64_t generations; /* configurations that there were */
    struct jwt_source *sources;   /* of all of them; control thread */
    _Atomic(struct jwt_verified *) places[JWT_CACHE_SIZE];
};

/* filter_keep's dispose. */
void jwt_cache_dispose(struct filter_keep *keep);

/* A new one with one reference, for the caller to fill in before anybody sees it. */
struct jwt_verified *jwt_verified_create(void);
/* NULL is allowed. Any thread. */
void jwt_verified_unref(struct jwt_verified *v);

/* A reference; NULL: it is not there, or another worker is looking at its place. Times are the
 * caller's to check. */
struct jwt_verified *jwt_cache_find(struct jwt_cache *cache, const uint8_t digest[DIGEST_SIZE],
                                    uint64_t generation);
/* Takes a reference of its own, and drops what was at that place. */
void jwt_cache_put(struct jwt_cache *cache, struct jwt_verified *v);
