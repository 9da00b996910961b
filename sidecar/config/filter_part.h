/* One filter, prepared once for all routes, shares and inbound ports that name it, and what those
 * keep of the names until it is known which filters there are. Built on the control thread; shared
 * by snapshots while the filter stays the same.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>

#include "filters/filter.h"
#include "lib/base/map.h"
#include "policies/proto/config.pb-c.h"
#include "sidecar/config/part.h"

struct filter_part {
    _Atomic uint32_t refs;
    struct part part;
    struct filter_entry entry;
};

/* ERR_INVALID, with the reason in detail[PART_DETAIL_MAX]: there is no such filter, or its
 * specification cannot be used. One that says itself that it is broken can be created. */
MUST_USE enum err filter_part_create(const Weft__Config__V1__Resource *resource,
                                     struct filter_keeps *keeps, char *detail,
                                     struct filter_part **out);
/* Answers 500 and says why. */
struct filter_part *filter_part_create_broken(const char *name, const char *why);
struct filter_part *filter_part_ref(struct filter_part *p);
/* NULL is allowed. */
void filter_part_unref(struct filter_part *p);

/* The filter that a resource has inside of it, alone in a chain; both NULL for none. Refused with
 * the resource. */
MUST_USE enum err filter_part_inline(const struct part_build *b,
                                     const Weft__Config__V1__Filter *from,
                                     const struct filter_chain **chain, const void **conf);

/* ---- names, until they are bound ---- */

/* Which filters a resource names: each once. */
struct filter_names {
    struct slice *items;
    uint32_t count, room;
    struct map known; /* while the resource is compiled: name -> index + 1 */
};

/* Which of them one place names. */
struct filter_uses {
    const uint32_t *items;
    uint32_t count;
};

void filter_names_begin(struct filter_names *n);
/* own: how many filters the place has besides. Refused: they are more than FILTER_CHAIN_MAX. */
MUST_USE enum err filter_names_take(const struct part_build *b, struct filter_names *n,
                                    char *const *names, size_t count,
                                    const struct filter_chain *own, struct filter_uses *out);
void filter_names_end(struct filter_names *n);

/* The filter of that name; NULL: there is none. */
typedef struct filter_part *(*filter_find_fn)(const void *filters, struct slice name);
/* One reference for each name, or NULL; the array lies in the arena. */
struct filter_part **filter_names_bind(const struct filter_names *n, struct arena *arena,
                                       filter_find_fn find, const void *filters);
void filter_names_release(const struct filter_names *n, struct filter_part **parts);
/* Would binding them again come out the same? */
bool filter_names_are_bound(const struct filter_names *n, struct filter_part *const *parts,
                            filter_find_fn find, const void *filters);
/* The chain of a place: its own filters, and those that it names. NULL: there are none. */
const struct filter_chain *filter_names_chain(const struct filter_names *n,
                                              struct filter_part *const *parts,
                                              const struct filter_chain *own,
                                              const struct filter_uses *uses, struct arena *arena);
