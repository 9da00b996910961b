/* Building the table; reading is inline.
 * Owned by the control thread until it is published. Must not know what the items are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/lookup.h"

void lookup_init(struct lookup *l, struct arena *arena, size_t count)
{
    size_t capacity = 2;
    while (capacity < count * 2)
        capacity *= 2;
    l->slots = arena_zalloc(arena, capacity * sizeof(*l->slots));
    l->mask = capacity - 1;
}

void lookup_add(struct lookup *l, uint64_t hash, const void *item)
{
    uint64_t at = hash;
    while (l->slots[at & l->mask].item)
        at++;
    l->slots[at & l->mask] = (struct lookup_slot){hash, item};
}
