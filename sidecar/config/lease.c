/* Pins of one worker on one snapshot: plain counters, never shared between threads. The last pin
 * lets the snapshot go. Must not know who pins.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/lease.h"

#include "lib/base/mem.h"
#include "sidecar/config/snapshot.h"

struct lease *lease_create(struct snapshot *s)
{
    struct lease *l = mem_alloc(sizeof(*l));
    l->snapshot = s;
    l->pins = 1;
    return l;
}

void lease_unpin(struct lease *l)
{
    if (--l->pins > 0)
        return;
    snapshot_unref(l->snapshot);
    mem_free(l);
}
