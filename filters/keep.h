/* What all workers share of one filter, and what outlives changes of its configuration: counters,
 * caches. Found by the filter's id; made when a configuration first has that filter, gone when the
 * last one that has it is. Made and forgotten on the control thread; what is inside is read and
 * written by all workers at once, so it is atomic.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/map.h"

struct filter_build;

/* Responses that are to be forgotten: those to this URL, or to all that begin with it. */
struct filter_purge {
    struct slice url; /* as clients ask for it: "https://shop.example.com/a?b"; empty: all */
    bool is_prefix;
};

/* The first member of what is kept. */
struct filter_keep {
    _Atomic uint32_t refs;
    /* Set by init, of what keeps responses: how many it has forgotten. Control thread. NULL: it
     * keeps none. */
    unsigned (*purge)(struct filter_keep *keep, const struct filter_purge *what);
    void (*dispose)(struct filter_keep *keep); /* of what init has made; may be NULL */
};

/* What is kept at the moment. */
struct filter_keeps {
    struct map by_id; /* struct filter_keep, one reference each */
};

void filter_keeps_init(struct filter_keeps *keeps);
/* What configurations still hold lives on without us. */
void filter_keeps_dispose(struct filter_keeps *keeps);
/* Forgets what no configuration holds. */
void filter_keeps_sweep(struct filter_keeps *keeps);

/* All that keep responses; how many were forgotten. */
unsigned filter_keeps_purge(struct filter_keeps *keeps, const struct filter_purge *what);

/* For prepare, at most once: what is kept of this filter, as it is, or new: `size` zeroed bytes
 * that init (may be NULL) has begun. The configuration that is being made holds it, so conf may
 * point at it. A filter that is part of another resource has no id: what it keeps goes with its
 * configuration. Never NULL. */
void *filter_keep(const struct filter_build *b, size_t size, void (*init)(struct filter_keep *keep),
                  void (*dispose)(struct filter_keep *keep));
/* Any thread, by somebody who has a reference. */
void filter_keep_ref(struct filter_keep *keep);
void filter_keep_unref(struct filter_keep *keep);
