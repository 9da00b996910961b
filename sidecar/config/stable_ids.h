/* What has to mean the same thing from one snapshot to the next: the slot number of a cluster, the
 * health of an endpoint. Both are found by name and live while anything refers to them. Control
 * thread; the counts may be lowered on any.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "lib/base/map.h"
#include "lib/base/slice.h"
#include "sidecar/config/cluster_usage.h"

struct affinity;
struct endpoint_health;

struct cluster_slot {
    _Atomic uint32_t refs; /* one is ours */
    uint32_t number;
    struct cluster_usage usage;
    struct affinity *affinity; /* NULL until the cluster has had sessionAffinity */
};

struct stable_ids {
    struct map slots;  /* cluster name -> struct cluster_slot */
    struct map health; /* cluster name, NUL, address -> struct endpoint_health */
    uint32_t *free_numbers;
    uint32_t free_count, free_capacity;
    uint32_t next_number;
};

void stable_ids_init(struct stable_ids *ids);
/* What is still referred to lives on without us. */
void stable_ids_dispose(struct stable_ids *ids);
/* One more reference to the one of that name, made if need be. */
struct cluster_slot *stable_ids_slot(struct stable_ids *ids, struct slice cluster);
struct endpoint_health *stable_ids_health(struct stable_ids *ids, struct slice cluster,
                                          struct slice address);
/* Forgets what nobody refers to any more; only then is a slot number given out again. */
void stable_ids_sweep(struct stable_ids *ids);

void stable_ids_unref_slot(struct cluster_slot *slot);
void stable_ids_unref_health(struct endpoint_health *health);
