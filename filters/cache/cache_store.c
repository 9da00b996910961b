/* Sets of four places, each with the hash of what lies in it beside it. The hashes are hints: what
 * a place has is what it is asked for only if its key says so. Two threads that put the same key
 * may for a moment leave it in two places of its set; the later of them clears the other.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_store.h"

#include "lib/base/mem.h"

enum { LANES = 4, TRIES = 8 };
/* Places that are looked at for the sake of one response: two rounds, part of a millisecond. */
#define LOOKS_MAX (2 * CACHE_STORE_CELLS)

struct cache_cell {
    _Atomic uint64_t hash;
    struct cache_slot slot;
};

/* The first line of a key is the URL. */
static bool is_meant(const struct cache_entry *e, void *arg)
{
    const struct filter_purge *what = arg;
    struct slice url = slice_sub(e->key, 0, slice_find_byte(e->key, '\n'));
    return what->is_prefix || !what->url.len ? slice_starts_with(url, what->url)
                                             : slice_eq(url, what->url);
}

static unsigned purge(struct filter_keep *keep, const struct filter_purge *what)
{
    return cache_store_purge((struct cache_store *)(void *)keep, is_meant,
                             (void *)(uintptr_t)what);
}

void cache_store_init(struct filter_keep *keep)
{
    struct cache_store *s = (struct cache_store *)(void *)keep;
    keep->purge = purge;
    s->cells = mem_pages_take(CACHE_STORE_CELLS * sizeof(struct cache_cell));
}

static bool is_any(const struct cache_entry *e, void *arg)
{
    (void)e, (void)arg;
    return true;
}

void cache_store_dispose(struct filter_keep *keep)
{
    struct cache_store *s = (struct cache_store *)(void *)keep;
    cache_store_purge(s, is_any, NULL);
    mem_pages_give(s->cells, CACHE_STORE_CELLS * sizeof(struct cache_cell));
}

static struct cache_cell *set_of(struct cache_store *s, uint64_t hash)
{
    return &s->cells[(hash & (CACHE_STORE_CELLS / LANES - 1)) * LANES];
}

/* ---- finding ---- */

static bool is_of(const struct cache_entry *e, struct slice key, uint64_t hash)
{
    return e->hash == hash && slice_eq(e->key, key);
}

/* With a reference. */
static struct cache_entry *look(struct cache_cell *cell, struct slice key, uint64_t hash)
{
    if (atomic_load_explicit(&cell->hash, memory_order_acquire) != hash)
        return NULL;
    struct cache_entry *e = cache_slot_take(&cell->slot);
    if (e && is_of(e, key, hash))
        return e;
    cache_entry_drop(e);
    return NULL;
}

struct cache_entry *cache_store_find(struct cache_store *s, struct slice key, uint64_t hash)
{
    struct cache_cell *set = set_of(s, hash);
    for (unsigned i = 0; i < LANES; i++) {
        struct cache_entry *e = look(&set[i], key, hash);
        if (!e)
            continue;
        if (!atomic_load_explicit(&e->was_used, memory_order_relaxed))
            atomic_store_explicit(&e->was_used, true, memory_order_relaxed);
        return e;
    }
    return NULL;
}

/* ---- taking out ---- */

/* Not the reference of the caller. */
static bool take_out(struct cache_store *s, struct cache_cell *cell, struct cache_entry *e)
{
    if (!cache_slot_replace(&cell->slot, e, NULL))
        return false;
    atomic_fetch_sub(&s->bytes, (int64_t)e->size);
    return true;
}

static bool remove_but(struct cache_store *s, struct slice key, uint64_t hash,
                       const struct cache_entry *kept)
{
    struct cache_cell *set = set_of(s, hash);
    bool any = false;
    for (unsigned i = 0; i < LANES; i++) {
        struct cache_entry *e = look(&set[i], key, hash);
        if (e && e != kept)
            any |= take_out(s, &set[i], e);
        cache_entry_drop(e);
    }
    return any;
}

bool cache_store_remove(struct cache_store *s, struct slice key, uint64_t hash)
{
    return remove_but(s, key, hash, NULL);
}

unsigned cache_store_purge(struct cache_store *s, bool (*is)(const struct cache_entry *, void *),
                           void *arg)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < CACHE_STORE_CELLS; i++) {
        struct cache_entry *e =
            cache_slot_is_empty(&s->cells[i].slot) ? NULL : cache_slot_take(&s->cells[i].slot);
        if (e && is(e, arg))
            count += take_out(s, &s->cells[i], e) && e->status;
        cache_entry_drop(e);
    }
    return count;
}

/* ---- room ---- */

/* True: what lies there is gone. */
static bool look_for_room(struct cache_store *s, struct cache_cell *cell)
{
    struct cache_entry *e = cache_slot_is_empty(&cell->slot) ? NULL : cache_slot_take(&cell->slot);
    bool is_out = e &&
                  !atomic_exchange_explicit(&e->was_used, false, memory_order_relaxed) &&
                  take_out(s, cell, e);
    cache_entry_drop(e);
    return is_out;
}

static unsigned make_room(struct cache_store *s, int64_t size, int64_t max)
{
    unsigned gone = 0;
    for (unsigned i = 0; atomic_load(&s->bytes) + size > max && i < LOOKS_MAX; i++) {
        uint32_t at = atomic_fetch_add_explicit(&s->hand, 1, memory_order_relaxed);
        gone += look_for_room(s, &s->cells[at % CACHE_STORE_CELLS]);
    }
    return gone;
}

/* ---- putting in ---- */

static bool put_at(struct cache_cell *cell, struct cache_entry *old, struct cache_entry *e)
{
    if (!cache_slot_replace(&cell->slot, old, e))
        return false;
    atomic_store_explicit(&cell->hash, e->hash, memory_order_release);
    return true;
}

/* Where its predecessor lies. */
static bool supersede(struct cache_store *s, struct cache_cell *set, struct cache_entry *e)
{
    for (unsigned i = 0; i < LANES; i++) {
        struct cache_entry *old = look(&set[i], e->key, e->hash);
        bool is_in = old && put_at(&set[i], old, e);
        if (is_in)
            atomic_fetch_sub(&s->bytes, (int64_t)old->size);
        cache_entry_drop(old);
        if (is_in)
            return true;
    }
    return false;
}

static bool occupy(struct cache_cell *set, struct cache_entry *e)
{
    for (unsigned i = 0; i < LANES; i++)
        if (cache_slot_is_empty(&set[i].slot) && put_at(&set[i], NULL, e))
            return true;
    return false;
}

unsigned cache_store_put(struct cache_store *s, struct cache_entry *e, int64_t max, bool *is_kept)
{
    struct cache_cell *set = set_of(s, e->hash);
    unsigned gone = make_room(s, (int64_t)e->size, max);
    bool is_in = false;
    *is_kept = false;
    if (atomic_load(&s->bytes) + (int64_t)e->size > max)
        return gone;
    atomic_fetch_add(&s->bytes, (int64_t)e->size);
    for (unsigned i = 0; !is_in && i < TRIES * LANES; i++) {
        is_in = supersede(s, set, e) || occupy(set, e);
        if (!is_in)
            gone += look_for_room(s, &set[i % LANES]);
    }
    if (is_in)
        remove_but(s, e->key, e->hash, e);
    else
        atomic_fetch_sub(&s->bytes, (int64_t)e->size);
    *is_kept = is_in;
    return gone;
}

bool cache_store_begin(struct cache_store *s, int64_t bytes, int64_t max)
{
    if (atomic_fetch_add(&s->filling, bytes) + bytes <= max)
        return true;
    atomic_fetch_sub(&s->filling, bytes);
    return false;
}

void cache_store_end(struct cache_store *s, int64_t bytes)
{
    atomic_fetch_sub(&s->filling, bytes);
}
