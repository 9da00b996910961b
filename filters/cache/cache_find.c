/* Looking up, and whose turn it is to fetch what is not there.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_run.h"

#include "lib/base/map.h"

void cache_find_keys(struct filter_exchange *x, const struct cache_conf *c, struct cache_ctx *own)
{
    own->key = own->variant = cache_key_of(x, c);
    own->hash = own->variant_hash = map_hash(own->key);
}

void cache_find(struct filter_exchange *x, const struct cache_conf *c, struct cache_ctx *own)
{
    struct cache_entry *e = cache_store_find(c->store, own->key, own->hash);
    if (e && !e->status) { /* what responses vary by */
        own->variant = cache_key_variant(x->arena, own->key, e->edition, e->vary, &own->asked);
        own->variant_hash = map_hash(own->variant);
        cache_entry_drop(e);
        e = cache_store_find(c->store, own->variant, own->variant_hash);
    }
    cache_entry_drop(own->entry);
    own->entry = e;
}

void cache_find_stop_waiting(struct filter_exchange *x, struct cache_ctx *own)
{
    if (!own->waits)
        return;
    own->waits = false;
    own->has_waited = true;
    cache_flight_wait_no_more(own->flight);
    own->flight = NULL;
    x->host->await(x, NULL);
    x->host->wake_after(x, 0);
}

/* Asked to be woken first, and looked then, so that no news is missed. */
static bool wait_for(struct filter_exchange *x, const struct cache_conf *c, struct cache_ctx *own)
{
    uint64_t now = x->host->now_ms(x);
    if (!own->has_waited)
        own->due_ms = now + c->lock_ms;
    if (now >= own->due_ms)
        return false;
    x->host->await(x, own->flight);
    if (!cache_flight_wait(own->flight, own->variant_hash)) {
        x->host->await(x, NULL);
        x->host->wake(x); /* it has just landed: look again */
        own->flight = NULL;
        own->has_waited = true;
        return true;
    }
    if (!own->has_waited)
        cache_count(x, CACHE_COLLAPSED_EVENT);
    own->waits = true;
    x->host->wake_after(x, (uint32_t)(own->due_ms - now));
    return true;
}

bool cache_find_waits(struct filter_exchange *x, const struct cache_conf *c, struct cache_ctx *own)
{
    own->flight = cache_flight_of(&c->store->flights, own->variant_hash);
    switch (cache_flight_take(own->flight, own->variant_hash)) {
    case CACHE_TURN_MINE:
        own->is_mine = true;
        return false;
    case CACHE_TURN_THEIRS:
        return wait_for(x, c, own);
    default:
        return false;
    }
}

void cache_find_land(struct filter_exchange *x, struct cache_ctx *own, bool is_useful,
                     bool is_broken)
{
    struct cache_flight *f = own->flight;
    if (!f || own->waits)
        return;
    own->flight = NULL;
    if (cache_flight_land(f, own->variant_hash, is_useful, is_broken, own->is_mine))
        x->host->announce(x, f);
    own->is_mine = false;
}
