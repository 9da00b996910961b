/* Keys that an issuer publishes at a URI: fetched when a token first needs them, again before they
 * grow old and when a token names a key that is not among them; the last good ones hold when that
 * fails. One for all workers, kept while configurations change. Worker threads, but for what says
 * otherwise.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>

#include "filters/fetch.h"
#include "lib/jose/jwk.h"

#define JWT_SOURCE_TIMEOUT_MS 5000         /* where nobody says another */
#define JWT_SOURCE_SPACING_MS 6000         /* between fetches … */
#define JWT_SOURCE_SPACING_NONE_MS 1000    /* … while there are no keys at all … */
#define JWT_SOURCE_COOLDOWN_MS 10000       /* … and for a key that is not known */
#define JWT_SOURCE_PER_MINUTE 10u          /* fetches */
#define JWT_SOURCE_LAST_GOOD_MS 86400000   /* keys that could not be fetched again are good for */
#define JWT_SOURCE_WAITS_MAX 4u            /* of one exchange, where an issuer has several */
#define JWT_SOURCE_CACHE_MIN_MS 60000      /* whatever Cache-Control says */

/* Immutable but for its count. */
struct jwt_keys {
    _Atomic uint32_t refs;
    struct arena arena;
    struct jwk_set set;
    uint8_t digest[32]; /* of the text */
};

void jwt_keys_unref(struct jwt_keys *k);

struct jwt_source {
    struct filter_fetch fetch; /* first */
    struct jwt_source *next;   /* in the list; control thread */
    struct arena arena;
    struct slice uri;
    _Atomic(struct jwt_keys *) keys;   /* NULL: none, or somebody is taking a reference */
    _Atomic bool has_keys, has_failed; /* has_failed: the last time; it is in the log */
    _Atomic uint64_t version;          /* of the keys */
    _Atomic uint64_t finished;         /* fetches, good or bad */
    _Atomic uint64_t good_ms, tried_ms, minute_ms; /* of the loops' clock */
    _Atomic uint32_t in_minute;
    _Atomic uint64_t max_age_ms; /* that the issuer asks for; UINT64_MAX: it does not */
};

/* Control thread: the one for that URI, cluster and timeout in the list, made if need be. */
struct jwt_source *jwt_source_of(struct jwt_source **list, struct filter_keep *keep,
                                 struct slice uri, struct slice cluster, uint32_t timeout_ms);
/* Nobody uses them any more. */
void jwt_source_destroy_all(struct jwt_source *list);

/* How one exchange waits for keys; zeroed. */
struct jwt_wait {
    const struct jwt_source *of; /* for which keys; NULL: it has not waited yet */
    unsigned count;              /* how often it has */
    uint64_t due_ms;
    uint64_t seen;   /* what `finished` was */
    bool has_asked_again;
};

enum jwt_keys_state {
    JWT_KEYS_READY,
    JWT_KEYS_WAIT, /* answer FILTER_WAIT: the exchange will be woken */
    JWT_KEYS_NONE, /* they could not be fetched */
};

/* The keys, with a reference; cache_ms: how long they are good for at most without asking. */
enum jwt_keys_state jwt_source_take(struct filter_exchange *x, struct jwt_source *s,
                                    uint64_t cache_ms, struct jwt_wait *wait,
                                    struct jwt_keys **out);
/* A token names a key that is not among them. True: they are being fetched again, and the exchange
 * waits; only once for each. */
bool jwt_source_ask_again(struct filter_exchange *x, struct jwt_source *s, struct jwt_wait *wait);
/* Are the keys those of that version, and not older than that? Where they soon will be they are
 * fetched again meanwhile. */
bool jwt_source_is_current(struct filter_exchange *x, struct jwt_source *s, uint64_t cache_ms,
                           uint64_t version);
