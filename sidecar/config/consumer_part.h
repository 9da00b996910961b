/* Consumers as a data plane has them: each a small block of its own, and the directory over all of
 * them, which is shared by snapshots while none of them changes. Built on the control thread; the
 * last reference may go on any.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>

#include "filters/caller/consumer.h"
#include "policies/proto/config.pb-c.h"
#include "sidecar/config/filter_part.h"

/* The filters of a consumer, for those that have any. */
struct consumer_filters;

/* Goes with its last reference, wiped: there are secrets in it. */
struct consumer_part {
    _Atomic uint32_t refs;
    uint32_t size; /* of the block */
    struct consumer_filters *filters; /* NULL: it has none */
    struct consumer_part *from; /* whose texts these are, and which was bound to other filters */
    struct consumer consumer;
};

/* Credentials of types that this version does not know are left out. A filter that is not there,
 * or more of them than a chain may have, closes what the consumer calls: answered 500. */
struct consumer_part *consumer_part_create(const Weft__Config__V1__Resource *resource,
                                           filter_find_fn find, const void *filters);
/* The same consumer with these filters; one reference. p itself where it has just these. */
struct consumer_part *consumer_part_bind(struct consumer_part *p, filter_find_fn find,
                                         const void *filters);
struct consumer_part *consumer_part_ref(struct consumer_part *p);
/* NULL is allowed. */
void consumer_part_unref(struct consumer_part *p);

struct consumer_table {
    _Atomic uint32_t refs;
    uint32_t count;
    struct consumer_directory *directory;
    struct consumer_part *parts[]; /* one reference each */
};

/* NULL for none. before: the table so far (may be NULL), which is returned when it has just these
 * parts, in this order. One reference, either way. */
struct consumer_table *consumer_table_make(struct consumer_part *const *parts, uint32_t count,
                                           struct consumer_table *before);
struct consumer_table *consumer_table_ref(struct consumer_table *t);
/* NULL is allowed. */
void consumer_table_unref(struct consumer_table *t);
