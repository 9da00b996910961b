/* Consumers as a data plane has them: each a small block of its own, and the directory over all of
 * them, which is shared by snapshots while none of them changes. Built on the control thread; the
 * last reference may go on any.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>

#include "filters/consumer.h"
#include "policies/proto/config.pb-c.h"

/* Goes with its last reference, wiped: there are secrets in it. */
struct consumer_part {
    _Atomic uint32_t refs;
    uint32_t size; /* of the block */
    struct consumer consumer;
};

/* Credentials of types that this version does not know are left out. */
struct consumer_part *consumer_part_create(const Weft__Config__V1__Resource *resource);
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
