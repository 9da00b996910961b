/* A read-only hash table from hashes to things that the caller tells apart: open addressing, half
 * empty, built once in an arena, then read by any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"

struct lookup_slot {
    uint64_t hash;
    const void *item; /* NULL: free */
};

struct lookup {
    struct lookup_slot *slots;
    size_t mask;
};

/* Room for `count` items. */
void lookup_init(struct lookup *l, struct arena *arena, size_t count);
void lookup_add(struct lookup *l, uint64_t hash, const void *item);
/* Items with that hash one after the other, oldest first; NULL at the end. *at is the hash at
 * first. */
static inline const void *lookup_next(const struct lookup *l, uint64_t hash, uint64_t *at)
{
    for (;;) {
        const struct lookup_slot *slot = &l->slots[(*at)++ & l->mask];
        if (!slot->item || slot->hash == hash)
            return slot->item;
    }
}
