/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/token/introspection_cache.h"

#include <string.h>

#include "lib/base/mem.h"

enum { WAITING_MS = 1000 }; /* until those who wait have looked */

/* Immutable. The place that it lies at owns it, or whoever has taken it from there for as long as a
 * copy takes. */
struct introspection_entry {
    uint8_t digest[DIGEST_SIZE];
    enum introspection_kind kind;
    struct slice why;
    bool is_for_waiting; /* for those who have waited for it alone */
    uint64_t put_ms, until_ms;
    size_t len;
    char body[];
};

void introspection_cache_dispose(struct filter_keep *keep)
{
    struct introspection_cache *cache = (struct introspection_cache *)(void *)keep;
    for (size_t i = 0; i < INTROSPECTION_PLACES; i++)
        mem_free(atomic_load_explicit(&cache->places[i], memory_order_acquire));
}

/* Digests are as good as random. */
static uint64_t key_of(const uint8_t digest[DIGEST_SIZE])
{
    uint64_t key;
    memcpy(&key, digest, sizeof key);
    return key ? key : 1;
}

static _Atomic(struct introspection_entry *) *place_of(struct introspection_cache *cache,
                                                       const uint8_t digest[DIGEST_SIZE])
{
    return &cache->places[key_of(digest) % INTROSPECTION_PLACES];
}

/* Where another one has come meanwhile, it stays. */
static void put_back(_Atomic(struct introspection_entry *) *place, struct introspection_entry *e)
{
    struct introspection_entry *none = NULL;
    if (!atomic_compare_exchange_strong_explicit(place, &none, e, memory_order_acq_rel,
                                                 memory_order_relaxed))
        mem_free(e);
}

static bool is_of_use(const struct introspection_entry *e, const uint8_t digest[DIGEST_SIZE],
                      uint64_t now_ms, uint64_t since_ms)
{
    return memcmp(e->digest, digest, DIGEST_SIZE) == 0 && now_ms < e->until_ms &&
           (!e->is_for_waiting || since_ms <= e->put_ms);
}

bool introspection_cache_find(struct introspection_cache *cache, const uint8_t digest[DIGEST_SIZE],
                              uint64_t now_ms, uint64_t since_ms, struct arena *arena,
                              struct introspection_found *out)
{
    _Atomic(struct introspection_entry *) *place = place_of(cache, digest);
    if (!atomic_load_explicit(place, memory_order_relaxed))
        return false;
    struct introspection_entry *held = atomic_exchange_explicit(place, NULL, memory_order_acq_rel);
    if (!held)
        return false;
    bool is_found = is_of_use(held, digest, now_ms, since_ms);
    if (is_found)
        *out = (struct introspection_found){
            held->kind, arena_copy(arena, slice_of(held->body, held->len)), held->why};
    put_back(place, held);
    return is_found;
}

void introspection_cache_put(struct introspection_cache *cache, const uint8_t digest[DIGEST_SIZE],
                             const struct introspection_found *what, uint64_t now_ms,
                             uint32_t ttl_ms)
{
    _Atomic(struct introspection_entry *) *place = place_of(cache, digest);
    if (what->body.len > INTROSPECTION_BODY_MAX)
        return;
    struct introspection_entry *old = atomic_exchange_explicit(place, NULL, memory_order_acq_rel);
    bool is_dear = old && old->kind == INTROSPECTION_ACTIVE && now_ms < old->until_ms &&
                   !old->is_for_waiting &&
                   memcmp(old->digest, digest, DIGEST_SIZE) != 0;
    if (is_dear && (what->kind != INTROSPECTION_ACTIVE || !ttl_ms)) {
        put_back(place, old);
        return;
    }
    mem_free(old);
    struct introspection_entry *e = mem_alloc(sizeof(*e) + what->body.len);
    *e = (struct introspection_entry){.kind = what->kind, .why = what->why, .put_ms = now_ms,
                                      .until_ms = now_ms + (ttl_ms ? ttl_ms : WAITING_MS),
                                      .is_for_waiting = !ttl_ms, .len = what->body.len};
    memcpy(e->digest, digest, DIGEST_SIZE);
    if (e->len)
        memcpy(e->body, what->body.ptr, e->len);
    mem_free(atomic_exchange_explicit(place, e, memory_order_acq_rel));
}

/* ---- who asks ---- */

static _Atomic uint64_t *flight_of(struct introspection_cache *cache,
                                   const uint8_t digest[DIGEST_SIZE])
{
    return &cache->flights[key_of(digest) % INTROSPECTION_FLIGHTS];
}

enum introspection_turn introspection_cache_take(struct introspection_cache *cache,
                                                 const uint8_t digest[DIGEST_SIZE])
{
    uint64_t there = 0, key = key_of(digest);
    if (atomic_compare_exchange_strong_explicit(flight_of(cache, digest), &there, key,
                                                memory_order_acq_rel, memory_order_relaxed))
        return INTROSPECTION_MINE;
    return there == key ? INTROSPECTION_THEIRS : INTROSPECTION_ALONE;
}

void introspection_cache_land(struct introspection_cache *cache, const uint8_t digest[DIGEST_SIZE])
{
    atomic_store_explicit(flight_of(cache, digest), 0, memory_order_release);
}
