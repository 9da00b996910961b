/* A ring of points. An endpoint's points follow from its address and their number, so that whoever
 * comes or goes moves nothing between others; whoever gets less weight loses its last ones.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/hash_table.h"

#include <stdlib.h>

/* Of the heaviest endpoint; fewer where there are so many endpoints that the ring would be too big.
 */
enum { POINTS_EACH = 256, POINTS_MAX = 262144 };

static uint32_t heaviest(const struct endpoint_conf *endpoints, uint32_t count)
{
    uint32_t most = 1;
    for (uint32_t i = 0; i < count; i++)
        if (hash_table_has(&endpoints[i]) && endpoints[i].weight > most)
            most = endpoints[i].weight;
    return most;
}

static uint32_t points_of(const struct endpoint_conf *e, uint32_t most, uint32_t each)
{
    uint32_t points = (uint32_t)((uint64_t)e->weight * each / most);
    return points ? points : 1;
}

static uint32_t points_each(uint32_t count)
{
    uint32_t each = count ? POINTS_MAX / count : POINTS_EACH;
    return each > POINTS_EACH ? POINTS_EACH : each ? each : 1;
}

size_t hash_ring_size(const struct endpoint_conf *endpoints, uint32_t count)
{
    size_t points = 0;
    uint32_t most = heaviest(endpoints, count), each = points_each(count);
    for (uint32_t i = 0; i < count; i++)
        if (hash_table_has(&endpoints[i]))
            points += points_of(&endpoints[i], most, each);
    return points * sizeof(struct hash_ring_point);
}

/* Where two lie at one place, which is rare, the first of the list has it. */
static int by_place(const void *left, const void *right)
{
    const struct hash_ring_point *a = left, *b = right;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return (a->endpoint > b->endpoint) - (a->endpoint < b->endpoint);
}

void hash_ring_make(struct hash_table *t, const struct endpoint_conf *endpoints, uint32_t count)
{
    uint32_t most = heaviest(endpoints, count), each = points_each(count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t points = hash_table_has(&endpoints[i]) ? points_of(&endpoints[i], most, each) : 0;
        for (uint32_t k = 0; k < points; k++) {
            uint64_t at = hash_table_mix(endpoints[i].address_hash ^ hash_table_mix(k + 1));
            t->points[t->count++] = (struct hash_ring_point){(uint32_t)(at >> 32), i};
        }
    }
    if (t->count)
        qsort(t->points, t->count, sizeof(*t->points), by_place);
}

uint32_t hash_ring_find(const struct hash_table *t, uint64_t key)
{
    uint32_t at = (uint32_t)(hash_table_mix(key) >> 32), low = 0, high = t->count;
    if (!t->count)
        return HASH_TABLE_NONE;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (t->points[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return t->points[low == t->count ? 0 : low].endpoint;
}
