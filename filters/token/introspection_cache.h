/* What the authorization server has said of tokens, shared by all workers without a lock: whoever
 * looks at a place holds it for that moment, and who finds it held asks the server itself. Bounded;
 * found by a SHA-256 of the token. Beside it, which tokens are being asked about, so that requests
 * with one of them wait for one answer.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "filters/keep.h"
#include "lib/tls/digest.h"

#define INTROSPECTION_PLACES 4096u
#define INTROSPECTION_FLIGHTS 256u
#define INTROSPECTION_BODY_MAX 16384u /* longer answers are not kept */

enum introspection_kind {
    INTROSPECTION_ACTIVE,
    INTROSPECTION_INACTIVE,
    INTROSPECTION_FAILED, /* the server could not be asked */
};

/* First a filter_keep. */
struct introspection_cache {
    struct filter_keep keep;
    _Atomic(struct introspection_entry *) places[INTROSPECTION_PLACES];
    _Atomic uint64_t flights[INTROSPECTION_FLIGHTS]; /* the first bytes of digests; 0: free */
};

/* filter_keep's dispose. */
void introspection_cache_dispose(struct filter_keep *keep);

struct introspection_found {
    enum introspection_kind kind;
    struct slice body; /* ACTIVE: the server's answer, in the arena */
    struct slice why;  /* FAILED: constant */
};

/* since_ms: since when the caller waits for somebody else's answer; UINT64_MAX: it does not.
 * now_ms: monotonic, as in put. False: nothing is known. */
bool introspection_cache_find(struct introspection_cache *cache, const uint8_t digest[DIGEST_SIZE],
                              uint64_t now_ms, uint64_t since_ms, struct arena *arena,
                              struct introspection_found *out);
/* Copies. ttl_ms 0: only those who have waited for it may find it. A place that holds what is known
 * of a good token is not given up for anything else. */
void introspection_cache_put(struct introspection_cache *cache, const uint8_t digest[DIGEST_SIZE],
                             const struct introspection_found *what, uint64_t now_ms,
                             uint32_t ttl_ms);

/* ---- who asks ---- */

enum introspection_turn {
    INTROSPECTION_MINE,   /* ask, and call introspection_cache_land */
    INTROSPECTION_THEIRS, /* somebody asks about this token */
    INTROSPECTION_ALONE,  /* ask; nobody is told */
};

enum introspection_turn introspection_cache_take(struct introspection_cache *cache,
                                                 const uint8_t digest[DIGEST_SIZE]);
void introspection_cache_land(struct introspection_cache *cache, const uint8_t digest[DIGEST_SIZE]);
