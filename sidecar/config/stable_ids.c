/* Two maps from names to counted things. The map's own reference is the last but one: a count of
 * one means that only we know it, and nobody but us could raise it again. Control thread. Must not
 * know what a snapshot is.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/stable_ids.h"

#include <string.h>

#include "lib/base/mem.h"
#include "sidecar/config/snapshot.h"

void stable_ids_init(struct stable_ids *ids)
{
    *ids = (struct stable_ids){0};
    map_init(&ids->slots);
    map_init(&ids->health);
}

void stable_ids_dispose(struct stable_ids *ids)
{
    struct slice key;
    void *value;
    for (size_t at = 0; map_next(&ids->slots, &at, &key, &value);)
        stable_ids_unref_slot(value);
    for (size_t at = 0; map_next(&ids->health, &at, &key, &value);)
        stable_ids_unref_health(value);
    map_dispose(&ids->slots);
    map_dispose(&ids->health);
    mem_free(ids->free_numbers);
}

struct cluster_slot *stable_ids_slot(struct stable_ids *ids, struct slice cluster)
{
    struct cluster_slot *slot = map_get(&ids->slots, cluster);
    if (!slot) {
        slot = mem_zalloc(sizeof(*slot));
        atomic_init(&slot->refs, 1);
        slot->number = ids->free_count ? ids->free_numbers[--ids->free_count] : ids->next_number++;
        map_put(&ids->slots, cluster, slot);
    }
    atomic_fetch_add_explicit(&slot->refs, 1, memory_order_relaxed);
    return slot;
}

struct endpoint_health *stable_ids_health(struct stable_ids *ids, struct slice cluster,
                                          struct slice address)
{
    size_t len = cluster.len + 1 + address.len;
    char *key = mem_alloc(len);
    memcpy(key, cluster.ptr, cluster.len);
    key[cluster.len] = '\0';
    memcpy(key + cluster.len + 1, address.ptr, address.len);
    struct endpoint_health *health = map_get(&ids->health, slice_of(key, len));
    if (!health) {
        health = mem_zalloc(sizeof(*health));
        atomic_init(&health->refs, 1);
        map_put(&ids->health, slice_of(key, len), health);
    }
    mem_free(key);
    atomic_fetch_add_explicit(&health->refs, 1, memory_order_relaxed);
    return health;
}

static void free_slot(struct cluster_slot *slot)
{
    mem_free(slot->affinity);
    mem_free(slot);
}

static void free_number(struct stable_ids *ids, uint32_t number)
{
    if (ids->free_count == ids->free_capacity) {
        ids->free_capacity = ids->free_capacity ? ids->free_capacity * 2 : 16;
        ids->free_numbers =
            mem_realloc(ids->free_numbers, ids->free_capacity * sizeof(*ids->free_numbers));
    }
    ids->free_numbers[ids->free_count++] = number;
}

void stable_ids_sweep(struct stable_ids *ids)
{
    struct slice key;
    void *value;
    for (size_t at = 0; map_next(&ids->slots, &at, &key, &value);) {
        struct cluster_slot *slot = value;
        if (atomic_load_explicit(&slot->refs, memory_order_acquire) > 1)
            continue;
        map_remove(&ids->slots, key);
        free_number(ids, slot->number);
        free_slot(slot);
    }
    for (size_t at = 0; map_next(&ids->health, &at, &key, &value);) {
        struct endpoint_health *health = value;
        if (atomic_load_explicit(&health->refs, memory_order_acquire) > 1)
            continue;
        map_remove(&ids->health, key);
        mem_free(health);
    }
}

void stable_ids_unref_slot(struct cluster_slot *slot)
{
    if (atomic_fetch_sub_explicit(&slot->refs, 1, memory_order_acq_rel) == 1)
        free_slot(slot);
}

void stable_ids_unref_health(struct endpoint_health *health)
{
    if (atomic_fetch_sub_explicit(&health->refs, 1, memory_order_acq_rel) == 1)
        mem_free(health);
}
