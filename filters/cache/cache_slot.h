/* A place where an entry lies, and where any thread may take a reference of it without a lock. One
 * word has the entry's address and how many references were taken from it here: whoever takes one
 * changes that word, and so cannot be late for an entry that has just gone. What was taken is given
 * back to the entry's own count, which the place settles with when the entry leaves it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/cache/cache_entry.h"

struct cache_slot {
    _Atomic uint64_t word; /* 48 bits of address, 16 of references; 0: empty */
};

static inline bool cache_slot_is_empty(struct cache_slot *s)
{
    return atomic_load_explicit(&s->word, memory_order_relaxed) == 0;
}
/* With a reference, for cache_entry_drop; NULL: empty. */
struct cache_entry *cache_slot_take(struct cache_slot *s);
/* Puts `next` (NULL: nothing) where `old` lies (NULL: nothing); the caller keeps the references
 * that it has. False: something else lies there. */
bool cache_slot_replace(struct cache_slot *s, struct cache_entry *old, struct cache_entry *next);
