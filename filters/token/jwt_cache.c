/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/token/jwt_cache.h"

#include "lib/base/mem.h"

enum { ARENA_BLOCK = 1024 };

static void destroy(struct digest_entry *e)
{
    struct jwt_verified *v = container_of(e, struct jwt_verified, entry);
    arena_dispose(&v->arena);
    mem_free(v);
}

struct jwt_verified *jwt_verified_create(const uint8_t digest[DIGEST_SIZE])
{
    struct jwt_verified *v = mem_zalloc(sizeof(*v));
    digest_entry_init(&v->entry, digest, destroy);
    arena_init(&v->arena, ARENA_BLOCK);
    return v;
}

void jwt_verified_unref(struct jwt_verified *v)
{
    if (v)
        digest_entry_unref(&v->entry);
}

struct jwt_verified *jwt_cache_find(struct jwt_cache *cache, const uint8_t digest[DIGEST_SIZE],
                                    uint64_t generation)
{
    struct digest_entry *e = digest_cache_find(&cache->verified, digest);
    struct jwt_verified *found = e ? container_of(e, struct jwt_verified, entry) : NULL;
    if (!found || found->generation == generation)
        return found;
    jwt_verified_unref(found);
    return NULL;
}

void jwt_cache_put(struct jwt_cache *cache, struct jwt_verified *v)
{
    digest_cache_put(&cache->verified, &v->entry);
}

void jwt_cache_dispose(struct filter_keep *keep)
{
    struct jwt_cache *cache = (struct jwt_cache *)(void *)keep;
    digest_cache_dispose(&cache->verified);
    published_destroy_all(cache->sources);
}
