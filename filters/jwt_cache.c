/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/jwt_cache.h"

#include "lib/base/mem.h"

enum { ARENA_BLOCK = 1024 };

struct jwt_verified *jwt_verified_create(void)
{
    struct jwt_verified *v = mem_zalloc(sizeof(*v));
    atomic_init(&v->refs, 1);
    arena_init(&v->arena, ARENA_BLOCK);
    return v;
}

void jwt_verified_unref(struct jwt_verified *v)
{
    if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_dispose(&v->arena);
    mem_free(v);
}

static struct jwt_verified *ref(struct jwt_verified *v)
{
    atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
    return v;
}

/* Digests are as good as random, and nobody can choose many that meet here. */
static _Atomic(struct jwt_verified *) *place_of(struct jwt_cache *cache,
                                                const uint8_t digest[DIGEST_SIZE])
{
    return &cache->places[((unsigned)digest[0] << 8 | digest[1]) % JWT_CACHE_SIZE];
}

/* Where another token has come meanwhile, it stays. */
static void put_back(_Atomic(struct jwt_verified *) *place, struct jwt_verified *held)
{
    struct jwt_verified *none = NULL;
    if (!atomic_compare_exchange_strong_explicit(place, &none, held, memory_order_acq_rel,
                                                 memory_order_relaxed))
        jwt_verified_unref(held);
}

/* The place's reference passes to whoever exchanges it, so what is held cannot go meanwhile. */
struct jwt_verified *jwt_cache_find(struct jwt_cache *cache, const uint8_t digest[DIGEST_SIZE],
                                    uint64_t generation)
{
    _Atomic(struct jwt_verified *) *place = place_of(cache, digest);
    struct jwt_verified *found = NULL;
    if (!atomic_load_explicit(place, memory_order_relaxed))
        return NULL;
    struct jwt_verified *held = atomic_exchange_explicit(place, NULL, memory_order_acq_rel);
    if (!held)
        return NULL;
    if (held->generation == generation && memcmp(held->digest, digest, DIGEST_SIZE) == 0)
        found = ref(held);
    put_back(place, held);
    return found;
}

void jwt_cache_put(struct jwt_cache *cache, struct jwt_verified *v)
{
    jwt_verified_unref(
        atomic_exchange_explicit(place_of(cache, v->digest), ref(v), memory_order_acq_rel));
}

void jwt_cache_dispose(struct filter_keep *keep)
{
    struct jwt_cache *cache = (struct jwt_cache *)(void *)keep;
    for (size_t i = 0; i < JWT_CACHE_SIZE; i++)
        jwt_verified_unref(atomic_load_explicit(&cache->places[i], memory_order_acquire));
    jwt_source_destroy_all(cache->sources);
}
