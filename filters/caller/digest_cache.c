/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/digest_cache.h"

#include <string.h>

void digest_entry_init(struct digest_entry *e, const uint8_t digest[DIGEST_SIZE],
                       void (*destroy)(struct digest_entry *e))
{
    atomic_init(&e->refs, 1);
    memcpy(e->digest, digest, DIGEST_SIZE);
    e->destroy = destroy;
}

void digest_entry_unref(struct digest_entry *e)
{
    if (e && atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1)
        e->destroy(e);
}

static struct digest_entry *ref(struct digest_entry *e)
{
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
    return e;
}

static _Atomic(struct digest_entry *) *place_of(struct digest_cache *c,
                                                const uint8_t digest[DIGEST_SIZE])
{
    return &c->places[((unsigned)digest[0] << 8 | digest[1]) % DIGEST_CACHE_PLACES];
}

/* Where another one has come meanwhile, that one stays. */
static void put_back(_Atomic(struct digest_entry *) *place, struct digest_entry *held)
{
    struct digest_entry *none = NULL;
    if (!atomic_compare_exchange_strong_explicit(place, &none, held, memory_order_acq_rel,
                                                 memory_order_relaxed))
        digest_entry_unref(held);
}

/* The place's reference passes to whoever exchanges it, so what is held cannot go meanwhile. */
struct digest_entry *digest_cache_find(struct digest_cache *c, const uint8_t digest[DIGEST_SIZE])
{
    _Atomic(struct digest_entry *) *place = place_of(c, digest);
    if (!atomic_load_explicit(place, memory_order_relaxed))
        return NULL;
    struct digest_entry *held = atomic_exchange_explicit(place, NULL, memory_order_acq_rel);
    if (!held)
        return NULL;
    struct digest_entry *found = memcmp(held->digest, digest, DIGEST_SIZE) ? NULL : ref(held);
    put_back(place, held);
    return found;
}

void digest_cache_put(struct digest_cache *c, struct digest_entry *e)
{
    digest_entry_unref(
        atomic_exchange_explicit(place_of(c, e->digest), ref(e), memory_order_acq_rel));
}

void digest_cache_dispose(struct digest_cache *c)
{
    for (size_t i = 0; i < DIGEST_CACHE_PLACES; i++)
        digest_entry_unref(atomic_load_explicit(&c->places[i], memory_order_acquire));
}
