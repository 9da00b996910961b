/* Which balancer has which table. Control thread, or the worker that has found the endpoints of a
 * host. Must not know requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/hash_table.h"

uint64_t hash_table_mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return x ^ (x >> 32);
}

size_t hash_table_size(enum lb_id lb, const struct endpoint_conf *endpoints, uint32_t count,
                       bool is_small)
{
    switch (lb) {
    case LB_ring_hash:
        return sizeof(struct hash_table) + hash_ring_size(endpoints, count);
    case LB_maglev:
        return sizeof(struct hash_table) + hash_maglev_size(is_small);
    default:
        return 0;
    }
}

void hash_table_make(struct hash_table *t, enum lb_id lb, const struct endpoint_conf *endpoints,
                     uint32_t count, bool is_small)
{
    *t = (struct hash_table){0};
    if (lb == LB_ring_hash) {
        t->points = (struct hash_ring_point *)(t + 1);
        hash_ring_make(t, endpoints, count);
    } else if (lb == LB_maglev) {
        t->slots = (uint16_t *)(t + 1);
        hash_maglev_make(t, endpoints, count, is_small);
    }
}
