/* Sets of four cells. Who is in a set is one word, a 16-bit tag for each cell, so that two threads
 * that bring the same new key cannot both put it in: the swap of one of them fails, and it finds
 * what the other has done. The whole hash lies in the cell and settles tags that are alike.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_table.h"

#include <stddef.h>

#include "lib/base/mem.h"

enum { LANES = 4, TRIES_MAX = 4096 };
enum { TAG_EMPTY, TAG_BUSY, TAG_FIRST }; /* BUSY: somebody is clearing it */

struct entry {
    _Atomic uint64_t key;  /* 0: nobody has said yet */
    _Atomic uint64_t mark; /* when it means nothing any more, in ms; the last 8 bits: how much is
                              used */
    struct rate_cell cell;
};

struct rate_table {
    uint32_t sets; /* a power of two */
    size_t size;
    struct entry *entries;
    _Atomic uint64_t members[];
};

struct rate_table *rate_table_create(unsigned cells)
{
    uint32_t sets = 1;
    while (sets * LANES < cells)
        sets *= 2;
    size_t head = (sizeof(struct rate_table) + sets * sizeof(uint64_t) + 63) & ~(size_t)63;
    size_t size = head + (size_t)sets * LANES * sizeof(struct entry);
    struct rate_table *t = mem_pages_take(size);
    t->sets = sets;
    t->size = size;
    t->entries = (struct entry *)(void *)((char *)t + head);
    return t;
}

void rate_table_destroy(struct rate_table *t)
{
    if (t)
        mem_pages_give(t, t->size);
}

/* ---- tags ---- */

static uint64_t tag_of(uint64_t key)
{
    uint64_t tag = key & 0xffff;
    return tag < TAG_FIRST ? tag + TAG_FIRST : tag;
}

static uint64_t tag_at(uint64_t members, unsigned lane)
{
    return members >> (lane * 16) & 0xffff;
}

static uint64_t with_tag(uint64_t members, unsigned lane, uint64_t tag)
{
    return (members & ~(UINT64_C(0xffff) << (lane * 16))) | tag << (lane * 16);
}

/* Of a lane that is ours alone, whatever happens to the others. */
static void set_tag(_Atomic uint64_t *members, unsigned lane, uint64_t tag)
{
    uint64_t seen = atomic_load(members);
    while (!atomic_compare_exchange_weak(members, &seen, with_tag(seen, lane, tag)))
        ;
}

/* ---- one set ---- */

struct set {
    struct rate_table *t;
    _Atomic uint64_t *members;
    struct entry *entries; /* LANES */
    uint64_t key, tag, now_ms;
    uint64_t seen; /* what members were when we looked */
};

static struct set set_of(struct rate_table *t, uint64_t key, uint64_t now_ms)
{
    uint32_t at = (uint32_t)(key >> 16) & (t->sets - 1);
    uint64_t whole = key ? key : 1;
    return (struct set){.t = t,
                        .members = &t->members[at],
                        .entries = &t->entries[(size_t)at * LANES],
                        .key = whole,
                        .tag = tag_of(whole),
                        .now_ms = now_ms};
}

/* The key's lane; LANES: it has none. What has the tag and no key yet may be its own, put there a
 * moment ago: then whoever comes first says whose it is. */
static unsigned find_lane(struct set *s)
{
    s->seen = atomic_load(s->members);
    for (unsigned i = 0; i < LANES; i++)
        if (tag_at(s->seen, i) == s->tag && atomic_load(&s->entries[i].key) == s->key)
            return i;
    for (unsigned i = 0; i < LANES; i++) {
        uint64_t nobody = 0;
        if (tag_at(s->seen, i) == s->tag &&
            (atomic_compare_exchange_strong(&s->entries[i].key, &nobody, s->key) ||
             nobody == s->key))
            return i;
    }
    return LANES;
}

static uint64_t expiry_of(const struct entry *e)
{
    return atomic_load(&e->mark) >> 8;
}

/* What is lost least: nothing, if it means nothing any more. */
static unsigned choose_victim(const struct set *s)
{
    unsigned best = LANES;
    uint64_t best_used = UINT64_MAX;
    for (unsigned i = 0; i < LANES; i++) {
        uint64_t mark = atomic_load(&s->entries[i].mark);
        uint64_t used = mark >> 8 <= s->now_ms ? 0 : mark & 0xff;
        if (tag_at(s->seen, i) == TAG_BUSY || used >= best_used)
            continue;
        best = i;
        best_used = used;
    }
    return best;
}

static void clear(struct entry *e)
{
    for (unsigned i = 0; i < RATE_CELL_WORDS; i++)
        atomic_store(&e->cell.words[i], 0);
    atomic_store(&e->mark, 0);
    atomic_store(&e->key, 0);
}

/* Somebody has come back to it while we held it. Not if its key was put elsewhere meanwhile. */
static bool restore(const struct set *s, unsigned lane, uint64_t tag)
{
    uint64_t key = atomic_load(&s->entries[lane].key), seen = atomic_load(s->members);
    do {
        for (unsigned i = 0; i < LANES; i++)
            if (tag_at(seen, i) == tag && atomic_load(&s->entries[i].key) == key)
                return false;
    } while (!atomic_compare_exchange_weak(s->members, &seen, with_tag(seen, lane, tag)));
    return true;
}

/* Makes an empty lane of one that is used. True: what was in it still meant something. */
static bool empty_lane(struct set *s, unsigned lane)
{
    struct entry *e = &s->entries[lane];
    uint64_t old = tag_at(s->seen, lane);
    uint64_t mark = atomic_load(&e->mark);
    bool was_over = mark >> 8 <= s->now_ms, meant_something = !was_over && (mark & 0xff);
    if (!atomic_compare_exchange_strong(s->members, &s->seen,
                                        with_tag(s->seen, lane, TAG_BUSY)))
        return false;
    if (was_over && expiry_of(e) > s->now_ms && restore(s, lane, old))
        return false;
    clear(e);
    set_tag(s->members, lane, TAG_EMPTY);
    return meant_something;
}

static unsigned empty_one(const struct set *s)
{
    for (unsigned i = 0; i < LANES; i++)
        if (tag_at(s->seen, i) == TAG_EMPTY)
            return i;
    return LANES;
}

/* A step towards a lane of our own. */
static bool make_room(struct set *s)
{
    unsigned lane = empty_one(s);
    if (lane < LANES) {
        atomic_compare_exchange_strong(s->members, &s->seen, with_tag(s->seen, lane, s->tag));
        return false;
    }
    lane = choose_victim(s);
    return lane < LANES && empty_lane(s, lane);
}

/* ---- outside ---- */

/* Seldom: it is put off by more than is asked for. */
static void put_off(struct entry *e, uint64_t now_ms, uint64_t keep_ms)
{
    uint64_t mark = atomic_load(&e->mark);
    while (mark >> 8 < now_ms + keep_ms &&
           !atomic_compare_exchange_weak(&e->mark, &mark,
                                         (now_ms + keep_ms + keep_ms / 4 + 1) << 8 | (mark & 0xff)))
        ;
}

struct rate_place rate_table_find(struct rate_table *t, uint64_t key, uint64_t mono_ms,
                                  uint64_t keep_ms, bool make)
{
    struct set s = set_of(t, key, mono_ms);
    struct rate_place p = {.key = s.key};
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        unsigned lane = find_lane(&s);
        if (lane < LANES) {
            p.index = (uint32_t)(&s.entries[lane] - t->entries);
            p.cell = &s.entries[lane].cell;
            put_off(&s.entries[lane], mono_ms, keep_ms);
            if (rate_table_holds(t, &p))
                break;
            p.cell = NULL;
        } else if (!make) {
            break;
        } else {
            p.has_evicted |= make_room(&s);
        }
    }
    return p;
}

bool rate_table_holds(const struct rate_table *t, const struct rate_place *p)
{
    uint64_t members = atomic_load(&t->members[p->index / LANES]);
    return tag_at(members, p->index % LANES) == tag_of(p->key) &&
           atomic_load(&t->entries[p->index].key) == p->key;
}

void rate_table_mark(struct rate_table *t, const struct rate_place *p, uint8_t used)
{
    struct entry *e = &t->entries[p->index];
    uint64_t mark = atomic_load_explicit(&e->mark, memory_order_relaxed);
    if ((mark & 0xff) != used && mark)
        atomic_compare_exchange_strong_explicit(&e->mark, &mark, (mark & ~UINT64_C(0xff)) | used,
                                                memory_order_relaxed, memory_order_relaxed);
}
