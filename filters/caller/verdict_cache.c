/* A table of 64-bit tags, each with the time that it is good until. Two threads that write one slot
 * at once may leave the tag of one with the time of the other: both are good, for a little more or
 * less long. SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/verdict_cache.h"

#include <string.h>

#include "lib/base/rand.h"
#include "lib/tls/digest.h"

void verdict_cache_init(struct filter_keep *keep)
{
    struct verdict_cache *c = (struct verdict_cache *)(void *)keep;
    rand_secure(c->key, sizeof(c->key));
}

/* Of the digests of both, so that where one ends and the other begins is no question. */
struct verdict_mark verdict_cache_mark(const struct verdict_cache *c, struct slice hash,
                                       struct slice secret)
{
    uint8_t parts[2][DIGEST_SIZE], mac[DIGEST_SIZE];
    struct verdict_mark mark;
    digest_hmac_sha256(slice_of(c->key, sizeof(c->key)), hash, parts[0]);
    digest_hmac_sha256(slice_of(c->key, sizeof(c->key)), secret, parts[1]);
    digest_hmac_sha256(slice_of(c->key, sizeof(c->key)), slice_of(parts, sizeof(parts)), mac);
    memcpy(&mark.tag, mac, sizeof(mark.tag));
    memcpy(&mark.slot, mac + sizeof(mark.tag), sizeof(mark.slot));
    mark.slot %= VERDICT_CACHE_SLOTS;
    return mark;
}

bool verdict_cache_has(const struct verdict_cache *c, struct verdict_mark mark, uint64_t now_ms)
{
    const struct verdict_slot *s = &c->slots[mark.slot];
    return atomic_load_explicit(&s->tag, memory_order_acquire) == mark.tag &&
           atomic_load_explicit(&s->until_ms, memory_order_relaxed) > now_ms;
}

void verdict_cache_put(struct verdict_cache *c, struct verdict_mark mark, uint64_t until_ms)
{
    struct verdict_slot *s = &c->slots[mark.slot];
    atomic_store_explicit(&s->until_ms, until_ms, memory_order_relaxed);
    atomic_store_explicit(&s->tag, mark.tag, memory_order_release);
}
