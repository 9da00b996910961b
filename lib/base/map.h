/* Hash map from bytes to pointers, seeded per process so that peers cannot choose collisions. Keys
 * are copied. Not thread-safe.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"

struct map_slot;

struct map {
    struct map_slot *slots;
    size_t capacity, count, tombs;
};

/* What maps hash with: keyed once for the process, so that nobody outside can choose keys that
 * collide. Any thread. */
uint64_t map_hash(struct slice key);
void map_init(struct map *m);
/* Frees keys and table, not the values. */
void map_dispose(struct map *m);
/* NULL when absent. */
void *map_get(const struct map *m, struct slice key);
/* Replaces; returns the value that was there, or NULL. value must not be NULL. */
void *map_put(struct map *m, struct slice key, void *value);
void *map_remove(struct map *m, struct slice key);
/* Iterate: size_t at = 0; while (map_next(m, &at, &key, &value)) ... The map must not change
 * meanwhile, but for map_remove of the current key. */
bool map_next(const struct map *m, size_t *at, struct slice *key, void **value);
