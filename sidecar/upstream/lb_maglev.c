/* Maglev: whoever has the slot of the request's hash (config/hash_maglev.c).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/hash_table.h"
#include "sidecar/upstream/lb_affinity.h"

static struct endpoint *pick(struct pick *p)
{
    return lb_hashed(p, hash_maglev_find);
}

const struct lb lb_maglev = {.is_keyed = true, .pick = pick};
