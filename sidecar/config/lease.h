/* A worker's hold on one snapshot. Exchanges pin it with a plain counter, so that the request path
 * touches no shared cache line; the snapshot is let go when the worker has moved on and the last
 * pin is gone.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct snapshot;

struct lease {
    struct snapshot *snapshot;
    uint32_t pins;
};

/* Takes over the caller's reference; the creator holds the first pin. */
struct lease *lease_create(struct snapshot *s);
static inline struct lease *lease_pin(struct lease *l)
{
    l->pins++;
    return l;
}
void lease_unpin(struct lease *l);
