/* What was found out about a secret, remembered for a while under a digest of it. Bounded: a digest
 * has one place, and what comes later goes there instead. Shared by all workers without a lock:
 * whoever looks at a place holds it for that moment, and who finds it held goes without. Entries
 * are counted, and immutable once they are here. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "lib/tls/digest.h"

#define DIGEST_CACHE_PLACES 1024u

/* The first member of what is remembered. */
struct digest_entry {
    _Atomic uint32_t refs;
    uint8_t digest[DIGEST_SIZE]; /* of which nobody can choose many that meet at one place */
    void (*destroy)(struct digest_entry *e);
};

/* All zeros: empty. */
struct digest_cache {
    _Atomic(struct digest_entry *) places[DIGEST_CACHE_PLACES];
};

/* With one reference, for the caller. */
void digest_entry_init(struct digest_entry *e, const uint8_t digest[DIGEST_SIZE],
                       void (*destroy)(struct digest_entry *e));
/* NULL is allowed. */
void digest_entry_unref(struct digest_entry *e);

/* A reference; NULL: it is not there, or somebody else looks at its place. */
struct digest_entry *digest_cache_find(struct digest_cache *c, const uint8_t digest[DIGEST_SIZE]);
/* Takes a reference of its own, and lets go what was there. */
void digest_cache_put(struct digest_cache *c, struct digest_entry *e);
/* Nobody uses it any more. */
void digest_cache_dispose(struct digest_cache *c);
