/* Which endpoint a hash leads to, for the balancers RingHash and Maglev: made once for each
 * configuration of a cluster, read by all workers. All data planes that know the same endpoints
 * have the same table. Immutable.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/snapshot.h"

#define HASH_TABLE_NONE UINT32_MAX

struct hash_ring_point {
    uint32_t at, endpoint;
};

struct hash_table {
    uint32_t count; /* of slots, or of points; 0: no endpoint is for it */
    union {
        struct hash_ring_point *points; /* in the order of the ring */
        uint16_t *slots;
    };
};

/* Bytes in which it is made; 0: the balancer has none. is_small: it is made on a worker. */
size_t hash_table_size(enum lb_id lb, const struct endpoint_conf *endpoints, uint32_t count,
                       bool is_small);
/* Of those that are ready and no backups. */
void hash_table_make(struct hash_table *t, enum lb_id lb, const struct endpoint_conf *endpoints,
                     uint32_t count, bool is_small);
/* Is it in the table? */
static inline bool hash_table_has(const struct endpoint_conf *e)
{
    return e->ready && e->weight && !e->is_backup;
}
/* Bits well mixed. */
uint64_t hash_table_mix(uint64_t x);

/* ---- one file each ---- */

/* hash_ring.c: each endpoint has many points on a ring, as its weight says, and whatever lies
 * before a point, as far as the one before, is its own (consistent hashing). Index of an endpoint,
 * or HASH_TABLE_NONE. */
size_t hash_ring_size(const struct endpoint_conf *endpoints, uint32_t count);
void hash_ring_make(struct hash_table *t, const struct endpoint_conf *endpoints, uint32_t count);
uint32_t hash_ring_find(const struct hash_table *t, uint64_t key);

/* hash_maglev.c: endpoints choose slots of a table in turn, each in an order of its own (Eisenbud
 * et al., NSDI 2016, §3.4). */
size_t hash_maglev_size(bool is_small);
void hash_maglev_make(struct hash_table *t, const struct endpoint_conf *endpoints, uint32_t count,
                      bool is_small);
uint32_t hash_maglev_find(const struct hash_table *t, uint64_t key);
