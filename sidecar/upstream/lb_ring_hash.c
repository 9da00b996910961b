/* Ring hash: whoever is next on the ring from where the request's hash lies (config/hash_ring.c).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/hash_table.h"
#include "sidecar/upstream/lb_affinity.h"

static struct endpoint *pick(struct pick *p)
{
    return lb_hashed(p, hash_ring_find);
}

const struct lb lb_ring_hash = {.is_keyed = true, .pick = pick};
