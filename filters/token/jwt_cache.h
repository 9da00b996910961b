/* Tokens that were found good, so that the next request with one need not check its signature
 * again. Found by the SHA-256 of the token (filters/caller/digest_cache.h); who cannot look because
 * another worker does checks the token itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>

#include "filters/caller/digest_cache.h"
#include "filters/jwt.h"

/* A good token. Immutable but for its count. */
struct jwt_verified {
    struct digest_entry entry; /* first */
    uint64_t generation; /* of the configuration by which it is good */
    uint64_t version;    /* of the keys of the provider's source */
    uint8_t credential[DIGEST_SIZE]; /* of the Consumer's by which it is good; jwt_check.c */
    const struct jwt_provider *provider;
    struct arena arena; /* of everything below */
    struct claims claims;
    struct slice principal;      /* "<issuer>/<subject>"; empty where one of them is missing */
    const struct slice *headers; /* values of provider->headers; empty: the claim is not there */
};

/* First a filter_keep. */
struct jwt_cache {
    struct filter_keep keep;
    _Atomic uint64_t generations; /* configurations that there were */
    struct published *sources;   /* of all of them; control thread */
    struct digest_cache verified;
};

/* filter_keep's dispose. */
void jwt_cache_dispose(struct filter_keep *keep);

/* A new one with one reference, for the caller to fill in before anybody sees it. */
struct jwt_verified *jwt_verified_create(const uint8_t digest[DIGEST_SIZE]);
/* NULL is allowed. Any thread. */
void jwt_verified_unref(struct jwt_verified *v);

/* A reference; NULL: it is not there, or another worker is looking at its place. Times are the
 * caller's to check. */
struct jwt_verified *jwt_cache_find(struct jwt_cache *cache, const uint8_t digest[DIGEST_SIZE],
                                    uint64_t generation);
/* Takes a reference of its own, and drops what was at that place. */
void jwt_cache_put(struct jwt_cache *cache, struct jwt_verified *v);
